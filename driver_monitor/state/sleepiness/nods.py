"""Nods: the head sinks with the eyes shut and is caught again; a look at the instruments has open eyes."""

from __future__ import annotations

import math
from collections import deque

from driver_monitor.data.driver_state import EyesVerdict
from driver_monitor.timing.cadence import TimeStep

LEVEL_S = 2.0
"""Time constant of the pitch from which the head sinks."""
SINKS_DEG, CAUGHT_DEG = 12.0, 6.0
"""So far below that level a head has sunk, and up to there it has been caught again. A nod of the drowsy is told from
speech and bumps by ten degrees and more; the number is ours, to be confirmed on data."""
SHORTEST_S, LONGEST_S = 0.3, 4.0
"""A bump is shorter; a head that stays down longer is a closure or a look away, which have rules of their own."""
SHUT_SHARE = 0.5
"""Least share of the time with the head down in which the eyes must be seen shut."""
WINDOW_S = 300.0
"""Nods are counted over five minutes, as yawns are."""


class NodCounter:
    """Counts each nod once, when the head has been caught."""

    def __init__(self) -> None:
        self._level: float | None = None
        self._sunk_t: float | None = None
        self._shut_s = 0.0
        self._seen_t: float | None = None
        self._times: deque[float] = deque()

    def update(self, step: TimeStep, pitch: float | None, lids: EyesVerdict) -> int:
        """Take one frame and return the nods in the window; `pitch` of the head: degrees, + up, None while unknown."""
        while self._times and self._times[0] < step.t - WINDOW_S:
            self._times.popleft()
        if self._seen_t is not None and step.t - self._seen_t > step.reach:
            self._level = self._sunk_t = None
        if pitch is not None and math.isfinite(pitch):
            self._seen_t = step.t
            self._move(step, pitch, lids)
        return len(self._times)

    def _move(self, step: TimeStep, pitch: float, lids: EyesVerdict) -> None:
        if self._level is None:
            self._level = pitch
        if self._sunk_t is None:
            if pitch < self._level - SINKS_DEG:
                self._sunk_t, self._shut_s = step.t, 0.0
            else:
                share = 1 - math.exp(-step.dt / LEVEL_S)
                self._level += share * (pitch - self._level)
            return
        self._shut_s += step.dt if lids == "closed" and step.seamless else 0.0
        down_s = step.t - self._sunk_t
        if down_s > LONGEST_S:
            self._level = self._sunk_t = None
        elif pitch > self._level - CAUGHT_DEG:
            self._sunk_t = None
            if down_s >= SHORTEST_S and self._shut_s >= SHUT_SHARE * down_s:
                self._times.append(step.t)
