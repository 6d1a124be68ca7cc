"""The times at which a recording returns its frames: at once, or at their own times as a camera would."""

from __future__ import annotations

from typing import Literal

from driver_monitor.capture.camera import Clock, Wait

Pacing = Literal["fast", "real_time"]


class RealTimePacer:
    """Delays each frame until its own time. The first frame and late frames are not delayed.

    Frames after a late one keep their own times: delays do not add up.
    """

    def __init__(self, monotonic: Clock, wait: Wait) -> None:
        self._monotonic, self._wait = monotonic, wait
        self._start: float | None = None

    def wait_until(self, t: float) -> float:
        """Wait until `t` seconds after the time of the first frame. Return the monotonic time in seconds."""
        now = self._monotonic()
        if self._start is None:
            self._start = now - t
        remaining = self._start + t - now
        if remaining > 0:
            self._wait(remaining)
        return self._monotonic()
