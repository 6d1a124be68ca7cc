"""Times the present look-away, and finds its side and whether head or eyes make it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Generic, NamedTuple, TypeVar

from driver_monitor.data.driver_state import Glance, LookAway, Movement, OffRoad, RepeatedGlances
from driver_monitor.state.gaze.glances import GlanceMeter
from driver_monitor.state.gaze.regions import DWELL_S
from driver_monitor.timing.cadence import TimeStep
from driver_monitor.timing.stretch import Stretch

SACCADE_S = 0.25
"""A return to the road ends a look-away when it lasts this long. EU 2023/2590: short saccades must not reset the timer
(as reported; the tolerance is left to the maker). A glance that takes in anything lasts 0.2 to 0.3 s."""
BRIDGE_S = 1.0
"""A look-away is discarded when the gaze was unknown for longer than this."""
FIRST_S = 1e-3
"""Seconds for which the first frame counts for side and movement. Few, because the gaze may only pass there."""

Place = TypeVar("Place", bound=str)
Kind = TypeVar("Kind", bound=str)


class GazeSample(NamedTuple):
    """The gaze of one frame, as the timers need it.

    `off_road`: whether the gaze is off the road. `in_area_3`: whether the gaze is in area 3 of EU 2023/2590.
    `side`, `movement`: None on the road, and while a look-away continues with an unknown gaze.
    """

    off_road: bool
    in_area_3: bool
    side: OffRoad | None = None
    movement: Movement | None = None


class LookAwayTimers:
    """Times the present look-away, and sums the look-aways of the last half minute."""

    def __init__(self) -> None:
        self.away = Stretch(forgive_s=SACCADE_S, bridge_s=BRIDGE_S)
        self._down = Stretch(forgive_s=SACCADE_S, bridge_s=BRIDGE_S)
        self._glances = GlanceMeter()
        self._shares: LookShares[OffRoad, Movement] = LookShares()
        # What most frames have. It is frozen, so one is enough.
        self._on_road = LookAway(0.0, 0.0, None, None, None, False, False)

    def update(self, step: TimeStep, gaze: GazeSample | None) -> tuple[LookAway, RepeatedGlances]:
        """Take one frame and return the present look-away and the repeated glances. `gaze`: None while unknown."""
        away, low = (None, None) if gaze is None else (gaze.off_road, gaze.in_area_3)
        if away not in self.away.ignores:
            self.away.update(step, away)
        if low not in self._down.ignores:
            self._down.update(step, low)
        if self.away.began:
            self._shares.clear()
        if gaze is not None and away:
            self._shares.add(step, gaze.side, gaze.movement)
        return self._look_away(), self._glances.update(step, away)

    def _look_away(self) -> LookAway:
        away, down = self.away, self._down
        if away.value_s == 0.0 and down.value_s == 0.0 and away.ended_s is None:
            return self._on_road
        side, movement, ended = None, None, None
        if away.ended_s is not None or away.value_s:
            side, movement = most(self._shares.places), most(self._shares.movements)
        if away.ended_s is not None and away.ended_s >= DWELL_S and side is not None and movement is not None:
            ended = Glance(away.ended_s, side, movement)
        if not away.value_s:
            side = movement = None
        return LookAway(away.value_s, down.value_s, side, movement, ended, away.ending, down.ending)


class LookShares(Generic[Place, Kind]):
    """Sums the seconds of one look by place and by movement. The first frame counts for `FIRST_S`."""

    def __init__(self) -> None:
        self.places: defaultdict[Place, float] = defaultdict(float)
        self.movements: defaultdict[Kind, float] = defaultdict(float)

    def clear(self) -> None:
        """Begin a look."""
        self.places.clear()
        self.movements.clear()

    def add(self, step: TimeStep, place: Place | None, movement: Kind | None) -> None:
        """Take one frame of the look. None: this is unknown in the frame."""
        seconds = step.dt if step.seamless and self.places else FIRST_S
        if place is not None:
            self.places[place] += seconds
        if movement is not None:
            self.movements[movement] += seconds


def most(seconds: Mapping[Kind, float]) -> Kind | None:
    """Return the word with the most seconds, None without words."""
    return max(seconds, key=lambda name: seconds[name]) if seconds else None
