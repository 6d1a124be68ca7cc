"""Decides at which frames the expression net looks: rarely at rest, at every frame when the face moves. Pure."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from driver_monitor.perception.expression.movement import Movement
from driver_monitor.timing.periodic import PeriodicTimer

REST_SHARE = 0.5
"""Looks at rest, as a share of the mean rate. The others are saved for movements. The tracker concludes the same from
2 looks a second as from 10."""
SLOWEST_HZ = 1.0
"""Least looks a second at rest: two seconds without a look are unknown (`state.expression`)."""
BURST_S = 1.0
"""Longest series of looks at every frame. A flash lasts up to half a second."""
QUIET_S = 0.15
"""A series ends so long after the last movement, or after the last look at another expression than before it. In this
time a face that starts to move shows what it is about to show."""
FASTEST_HZ = 30.0
"""Most looks a second. More add nothing to a flash of 0.2 s."""
SAVED_AT_FIRST, MOST_SAVED = 3.0, 40.0
"""Looks that a new face may spend at once, and the most that are saved. With 6 at first, films of 9 s with two flashes
cost more than looks at even times; 3 find as many (tools.flashes.measure). 40 are the looks of two flashes."""


class LookSchedule:
    """Tells at which frames to look, at most `rate_hz` times a second on average.

    Looks are saved at rest and spent in movements. A face that moves all the time, such as a talking one, soon has none
    left. Then it is looked at `rate_hz` times a second.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._movement = Movement()
        self._rest = PeriodicTimer(1.0 / max(SLOWEST_HZ, REST_SHARE * rate_hz))
        self._fast = PeriodicTimer(1.0 / max(FASTEST_HZ, rate_hz))
        self._saved = SAVED_AT_FIRST
        self._t: float | None = None
        self._began = self._until = -math.inf
        self._shown: str | None = None
        self._shown_before: str | None = None

    def due(self, t: float, points: NDArray[np.float32]) -> bool:
        """Return whether to look at `t`, seconds. Call it once for each frame in which the face can be read.

        `points`: (68 or more, 2), iBUG, pixels. A time that is not finite is never due.
        """
        if not math.isfinite(t):
            return False
        passed = 0.0 if self._t is None else max(0.0, t - self._t)
        if self._t is not None and t < self._t:
            self._began = self._until = -math.inf
        self._t = t
        self._saved = min(MOST_SAVED, self._saved + passed * self._rate_hz)
        if self._movement.update(t, points):
            self._move(t)
        if self._saved < 1.0 or not self._is_time(t):
            return False
        self._saved -= 1.0
        return True

    def saw(self, shown: str) -> None:
        """Take the most probable expression of the last look that was due."""
        self._shown = shown
        if self._t is not None and self._t <= self._until and shown != self._shown_before:
            self._until = self._t + QUIET_S

    def _move(self, t: float) -> None:
        if t > min(self._until, self._began + BURST_S):
            self._began, self._until, self._shown_before = t, t, self._shown
            self._fast.reset()
        self._until = max(self._until, t + QUIET_S)

    def _is_time(self, t: float) -> bool:
        if t > min(self._until, self._began + BURST_S):
            return self._rest.due(t)
        if not self._fast.due(t):
            return False
        self._rest.reset()
        self._rest.due(t)
        return True
