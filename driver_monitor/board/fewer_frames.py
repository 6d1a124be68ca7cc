"""Chooses the frames that are used when the board has to work less. Pure: time comes with the frames."""

from __future__ import annotations

from collections import deque

LEAST_HZ = 15.0
"""Least frames a second that are used. 15 are enough for every alert (config.yaml, camera.fps)."""
LEAST_SHARE = 0.5
"""Least share of the frames that are used (ours): every second one at 30 frames a second or more."""
WINDOW_S = 2.0
"""The rate of the camera is measured over this time (ours). In the dark it may fall at any moment."""


class FewerFrames:
    """Uses about half of the frames, but at least `LEAST_HZ` a second; all of a camera that gives no more."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self._credit = 1.0

    def uses(self, t: float, fewer: bool) -> bool:
        """Return whether to use the frame of time `t`, seconds. Call it with each frame. `fewer`: not all are used."""
        if self._times and t < self._times[-1]:
            self._times.clear()
        self._times.append(t)
        while t - self._times[0] > WINDOW_S:
            self._times.popleft()
        if not fewer:
            self._credit = 1.0
            return True
        self._credit += self._share()
        if self._credit < 1.0:
            return False
        self._credit = min(1.0, self._credit - 1.0)
        return True

    def _share(self) -> float:
        """Return the share of the frames to use. All of them while the rate is unknown, such as after a pause."""
        passed = self._times[-1] - self._times[0]
        if passed < WINDOW_S / 2:
            return 1.0
        rate = (len(self._times) - 1) / passed
        return min(1.0, max(LEAST_SHARE, LEAST_HZ / rate))
