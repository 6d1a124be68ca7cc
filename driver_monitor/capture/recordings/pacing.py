"""When the frames of a recording are let go: at once, or at their own times as a camera would."""

from __future__ import annotations

from typing import Literal

from driver_monitor.capture.camera import Clock, Wait

Pace = Literal["fast", "real_time"]


class RealTime:
    """Holds each frame back until its time has come; the first one goes at once.

    A late frame goes at once too, and the ones after it keep their own times: delays do not add up.
    """

    def __init__(self, monotonic: Clock, wait: Wait) -> None:
        self._monotonic = monotonic
        self._wait = wait
        self._start: float | None = None

    def release(self, t: float) -> float:
        """Wait until `t` seconds after the first frame's release; return the monotonic time, seconds."""
        now = self._monotonic()
        if self._start is None:
            self._start = now - t
        early = self._start + t - now
        if early > 0:
            self._wait(early)
        return self._monotonic()
