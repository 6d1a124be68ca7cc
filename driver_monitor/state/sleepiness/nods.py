"""Counts nods: the head sinks with closed eyes and comes up again. With open eyes it is a look down, not a nod."""

from __future__ import annotations

import math
from collections import deque

from driver_monitor.data.driver_state import EyesVerdict
from driver_monitor.timing.cadence import TimeStep

LEVEL_S = 2.0
"""Time constant of the mean pitch, against which a sunk head is measured. It stands still while the head is down."""
SINKS_DEG = 12.0
"""A head has sunk when it is so far below its usual pitch. Drowsy nods differ from speech and bumps by ten degrees and
more. The number is ours, to be confirmed on data."""
RISES_DEG = 6.0
"""The head is up again when it is less than this below its usual pitch. Ours."""
SHORTEST_S, LONGEST_S = 0.3, 4.0
"""Shortest and longest nod. A bump is shorter. A longer one is a closure or a look-away, with rules of its own."""
CLOSED_SHARE = 0.5
"""Least share of the time with the head down in which the eyes must be closed."""
WINDOW_S = 300.0
"""Nods are counted over five minutes, as yawns are."""


class NodCounter:
    """Counts each nod once, when the head is up again."""

    def __init__(self) -> None:
        self._level: float | None = None
        self._sunk_t: float | None = None
        self._closed_s = 0.0
        self._seen_t: float | None = None
        self._times: deque[float] = deque()

    def update(self, step: TimeStep, pitch: float | None, lids: EyesVerdict) -> int:
        """Take one frame, return how many nods the last 5 minutes had. `pitch`: degrees, + up, None while unknown."""
        while self._times and self._times[0] < step.t - WINDOW_S:
            self._times.popleft()
        if self._seen_t is not None and step.t - self._seen_t > step.reach:
            self._level = self._sunk_t = None
        if pitch is not None and math.isfinite(pitch):
            self._seen_t = step.t
            self._move(step, pitch, lids)
        return len(self._times)

    def _move(self, step: TimeStep, pitch: float, lids: EyesVerdict) -> None:
        self._level = pitch if self._level is None else self._level
        if self._sunk_t is None:
            if pitch < self._level - SINKS_DEG:
                self._sunk_t, self._closed_s = step.t, 0.0
            else:
                share = 1 - math.exp(-step.dt / LEVEL_S)
                self._level += share * (pitch - self._level)
            return
        self._closed_s += step.dt if lids == "closed" and step.seamless else 0.0
        down_s = step.t - self._sunk_t
        if down_s > LONGEST_S:
            self._level = self._sunk_t = None
        elif pitch > self._level - RISES_DEG:
            self._sunk_t = None
            if down_s >= SHORTEST_S and self._closed_s >= CLOSED_SHARE * down_s:
                self._times.append(step.t)
