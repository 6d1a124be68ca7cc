"""Sets when a recording returns its frames: as fast as they are read, or each at its own time as a camera would."""

from __future__ import annotations

from typing import Literal

from driver_monitor.capture.camera import Clock, Wait

Pacing = Literal["fast", "real_time"]


class RealTimePacer:
    """Waits until each frame's own time: as long after the first frame as its `t` says.

    The first frame and late frames do not wait. A late frame does not delay those after it.
    """

    def __init__(self, monotonic: Clock, wait: Wait) -> None:
        self._monotonic, self._wait = monotonic, wait
        self._start: float | None = None

    def wait_until(self, t: float) -> float:
        """Wait until the frame whose `Frame.t` is `t`, seconds, is due. Return the monotonic time then, seconds."""
        now = self._monotonic()
        if self._start is None:
            self._start = now - t
        remaining = self._start + t - now
        if remaining > 0:
            self._wait(remaining)
        return self._monotonic()
