"""Measures repeated glances: how long the driver has looked away in all within the last half minute."""

from __future__ import annotations

from collections import deque

from driver_monitor.data.driver_state import RepeatedGlances
from driver_monitor.timing.cadence import TimeStep
from driver_monitor.timing.stretch import Stretch
from driver_monitor.timing.window import WindowedTime

WINDOW_S = 30.0
"""Window of the sum (Euro NCAP Driver Engagement v1.1 and Safe Driving v10.4, as reported: away 10 s within 30 s)."""
RESET_S = 2.0
"""Uninterrupted time on the road that resets the sum (Safe Driving v10.4, as reported)."""
FLICKER_S = 0.05
"""Less time off the road does not end the time on the road. Ours: only one reader of EU 2023/2590 has 50 ms."""


class GlanceMeter:
    """Sums look-aways; 2 s on the road reset the sum. A seamless step counts as its first frame, others as unknown."""

    def __init__(self) -> None:
        self._away, self._known, self._unknown = (WindowedTime(WINDOW_S) for _ in range(3))
        self._looks: deque[float] = deque()
        """The latest time of each look-away in the window."""
        self._road = Stretch(forgive_s=FLICKER_S)
        self._last: bool | None = None
        self._was_away = False

    def update(self, step: TimeStep, away: bool | None) -> RepeatedGlances:
        """Take one frame and return the sums. `away`: whether the gaze is off the road, None while unknown."""
        self._road.update(step, None if away is None else not away)
        now = step.t
        if self._last is not None and step.seamless:
            self._known.add(now - step.dt, now)
            if self._last:
                self._away.add(now - step.dt, now)
        else:
            self._unknown.add(now - step.dt, now)
        if self._road.length_s >= RESET_S - 1e-6:
            self._away.clear()
            self._unknown.clear()
            self._looks.clear()
        if away is not None:
            if away and self._was_away and self._looks:
                self._looks[-1] = now
            elif away:
                self._looks.append(now)
            self._was_away = away
        while self._looks and self._looks[0] < now - WINDOW_S:
            self._looks.popleft()
        self._last = away
        total = self._away.total(now)
        most = total + self._unknown.total(now)
        coverage = min(self._known.total(now) / WINDOW_S, 1.0)
        known = None if away is None else total
        return RepeatedGlances(known, most, len(self._looks), self._road.value_s, coverage, WINDOW_S)
