"""Finds blinks: each movement of the lids down and up again, with its size, length and speed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from driver_monitor.data.driver_state import Blink
from driver_monitor.timing.cadence import TimeStep

LEVEL_S = 1.0
"""Time constant of the level from which the lids come down: the openness of the last second or so."""
HIGH = 0.9
"""Least share of the level for a frame in which a blink can start."""
DOWN_BELOW, UP_ABOVE = 0.7, 0.8
"""Shares of the level: below the first the lids are down, from the second on they are up again."""
HALF_UP, HALF_UP_S = 0.55, 0.3
"""Lids that rise to this share and stay there for so long are up, too. After a long closure they open less wide."""
LEAST = 0.3
"""Least share of the level by which the lids must come down. Less is a tremor of the lids or of the landmarks."""
SHORTEST_S = 0.06
"""A shorter movement of the lids is noise (ours). The shortest blinks last 0.059 s at half of their depth, so the whole
movement is longer (Johns 2003, as reported)."""
LONGEST_S = 15.0
"""Lids that are down for longer are not in a blink: a squint, a low sun, a sleeper. The level is then learned anew."""


@dataclass(slots=True)
class _Fall:
    """Lids that are down: where they came from, and the first and last time at the lowest point so far."""

    start_t: float
    start: float
    level: float
    low: float
    low_t: float
    low_until_t: float
    half_up: tuple[float, float] | None = None


class BlinkMeter:
    """Finds full and partial blinks: openness falls by 30 % or more, and is back up in 0.06 to 15 s."""

    def __init__(self) -> None:
        self._level: float | None = None
        self._high: tuple[float, float] | None = None
        self._fall: _Fall | None = None
        self._seen_t: float | None = None

    def update(self, step: TimeStep, openness: float | None) -> Blink | None:
        """Take one frame and return the blink whose end it makes certain, else None.

        `openness`: of both eyes (`EyesState`), None while unknown. A blink is dropped if the time between two known
        frames in it is longer than `TimeStep.reach`. Lids that stay half up make the end certain `HALF_UP_S` later.
        """
        if self._seen_t is not None and step.t - self._seen_t > step.reach:
            self._high = self._fall = None
        if openness is None or not math.isfinite(openness):
            return None
        self._seen_t = step.t
        self._level = openness if self._level is None else self._level
        if self._fall is not None:
            return self._down(step, openness, self._fall)
        self._up(step, openness, self._level)
        return None

    def _up(self, step: TimeStep, openness: float, level: float) -> None:
        if openness >= HIGH * level:
            self._high = step.t, openness
        if openness < DOWN_BELOW * level and self._high is not None:
            start_t, start = self._high
            self._fall = _Fall(start_t, start, level, openness, step.t, step.t)
            return
        share = 1 - math.exp(-step.dt / LEVEL_S)
        self._level = level + share * (openness - level)

    def _down(self, step: TimeStep, openness: float, fall: _Fall) -> Blink | None:
        if openness < fall.low:
            fall.low, fall.low_t = openness, step.t
        if openness <= fall.low + 0.05 * fall.level:
            fall.low_until_t = step.t
        if step.t - fall.start_t > LONGEST_S:
            self._level = self._high = self._fall = None
            return None
        if openness >= UP_ABOVE * fall.level:
            return self._end(fall, step.t, openness, step.period)
        if openness < HALF_UP * fall.level:
            fall.half_up = None
        elif fall.half_up is None:
            fall.half_up = step.t, openness
        elif step.t - fall.half_up[0] >= HALF_UP_S:
            self._level = openness
            return self._end(fall, *fall.half_up, step.period)
        return None

    def _end(self, fall: _Fall, t: float, openness: float, period: float) -> Blink | None:
        self._fall, self._high = None, (t, openness)
        amplitude = fall.start - fall.low
        if amplitude < LEAST * fall.level or t - fall.start_t < SHORTEST_S:
            return None
        closing = (fall.start - fall.low) / max(fall.low_t - fall.start_t, period)
        opening = (openness - fall.low) / max(t - fall.low_until_t, period)
        return Blink(t, t - fall.start_t, amplitude, closing, opening, fall.low)
