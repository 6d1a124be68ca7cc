"""Sets when a recording returns its frames: as fast as they are read, or each at its own time as a camera would."""

from __future__ import annotations

import logging
from itertools import pairwise
from statistics import median
from typing import Literal

from driver_monitor.capture.camera import Clock, Wait

_log = logging.getLogger(__name__)

Pacing = Literal["fast", "real_time"]


SLOW_RATE = 3.0
"""Frames per second. At this rate or a lower one, a closure of 1 s (microsleep) has three frames or less, and a blink
can have the length of one: closures are not judged well."""
RATE_TOLERANCE = 0.1
"""Times of frames are rounded to a unit of the container. 3 frames a second may look like 3.003."""
JUDGED_FRAMES = 10
"""So many frames show the rate. The median ignores a pause among them."""
LONGEST_WAIT_S = 3.0
"""A longer pause in a recording is shortened to this. systemd ends a daemon without a frame for 10 s (WatchdogSec)."""


class RealTimePacer:
    """Waits until each frame's own time: as long after the first frame as its `t` says.

    The first frame and late frames do not wait. A late frame does not delay those after it. No wait is longer than
    `LONGEST_WAIT_S`; the frames after a shortened wait come earlier by what was left out.
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
        if remaining > LONGEST_WAIT_S:
            self._start -= remaining - LONGEST_WAIT_S
            remaining = LONGEST_WAIT_S
        if remaining > 0:
            self._wait(remaining)
        return self._monotonic()


class SlowCheck:
    """Logs once that the frames of `where` come too slowly to judge closures (`SLOW_RATE`), by the first frames."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._times: list[float] = []
        self._done = False

    def update(self, t: float) -> None:
        """Take the time of the next frame, seconds."""
        if not self._done:
            self._times.append(t)
            if len(self._times) == JUDGED_FRAMES:
                self.judge()

    def judge(self) -> None:
        """Judge the frames so far, unless they were judged before. For a recording that ends early."""
        if self._done or len(self._times) < 2:
            return
        self._done = True
        rate = 1.0 / max(median(later - earlier for earlier, later in pairwise(self._times)), 1e-3)
        if rate <= SLOW_RATE + RATE_TOLERANCE:
            _log.warning(
                "%s: %.3g frames a second are too slow to judge closures; use a recording of more than %g, "
                "or a smaller --every",
                self._where, rate, SLOW_RATE,
            )  # fmt: skip
