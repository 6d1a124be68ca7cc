"""Each look away from the road: for how long, where to, and with what, the head or the eyes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from driver_monitor.data.driver_state import (
    Glance,
    LookAway,
    Movement,
    OffRoad,
    RepeatedGlances,
)
from driver_monitor.state.gaze.glances import GlanceMeter
from driver_monitor.state.gaze.regions import DWELL_S
from driver_monitor.timing.cadence import TimeStep
from driver_monitor.timing.stretch import Stretch

SACCADE_S = 0.25
"""A return to the road must last so long to end a look away (EU 2023/2590: short saccades must not reset the timer,
tolerance at least 50 ms; a glance that takes anything in lasts 0.2 to 0.3 s)."""
BRIDGE_S = 1.0
"""Unknown for longer: how long the gaze has been away is unknown too."""
FIRST_S = 1e-3
"""What the first frame of a look counts for where it goes: little, for the gaze may only pass there."""

Kind = TypeVar("Kind", bound=str)


@dataclass(frozen=True, slots=True)
class GazeSample:
    """Where one frame's gaze goes: `away` off the road, `low` into area 3, and how, None where that is not seen.

    `side`: on which the road was left; `movement`: with what.
    """

    away: bool
    low: bool
    side: OffRoad | None = None
    movement: Movement | None = None


class LookAwayTimers:
    """Times the look away that is under way and sums those of late."""

    def __init__(self) -> None:
        self._away = Stretch(forgive_s=SACCADE_S, bridge_s=BRIDGE_S)
        self._down = Stretch(forgive_s=SACCADE_S, bridge_s=BRIDGE_S)
        self._glances = GlanceMeter()
        self._sides: defaultdict[OffRoad, float] = defaultdict(float)
        self._movements: defaultdict[Movement, float] = defaultdict(float)

    @property
    def running(self) -> bool:
        """Whether a look away is under way, seen or not."""
        return self._away.running

    @property
    def away_s(self) -> float:
        """Seconds that the look away under way has lasted, 0.0 when there is none."""
        return self._away.length_s

    def update(self, step: TimeStep, gaze: GazeSample | None) -> tuple[LookAway, RepeatedGlances]:
        """Take one frame; `gaze` None while unknown."""
        self._away.update(step, None if gaze is None else gaze.away)
        self._down.update(step, None if gaze is None else gaze.low)
        glances = self._glances.update(step, None if gaze is None else gaze.away)
        if self._away.began:
            self._sides.clear()
            self._movements.clear()
        if gaze is not None and gaze.away:
            self._note(step, gaze)
        side, movement = _most(self._sides), _most(self._movements)
        ended = None
        ended_s = self._away.ended_s
        if ended_s is not None and ended_s >= DWELL_S and side is not None and movement is not None:
            ended = Glance(ended_s, side, movement)
        if not self._away.value_s:
            side = movement = None
        times = self._away.value_s, self._down.value_s
        return LookAway(*times, side, movement, ended, self._away.ending, self._down.ending), glances

    def _note(self, step: TimeStep, gaze: GazeSample) -> None:
        seconds = step.dt if step.seamless and self._sides else FIRST_S
        if gaze.side is not None:
            self._sides[gaze.side] += seconds
        if gaze.movement is not None:
            self._movements[gaze.movement] += seconds


def _most(seconds: Mapping[Kind, float]) -> Kind | None:
    return max(seconds, key=lambda name: seconds[name]) if seconds else None
