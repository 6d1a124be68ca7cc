"""Learns straight ahead for this driver and camera: where it probably is, and where else it may be.

Two things are known. The prior: where a driver's face may point, relative to the camera, before anything was seen. The
time spent in each direction: a driver looks ahead most of the time, and elsewhere for a second or two. Together they
give each direction a score. The best one is the estimate. All that are not much worse are plausible: the range.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from driver_monitor.state.gaze.direction_map import (
    BOUNDS_PITCH,
    BOUNDS_YAW,
    PITCHES,
    YAWS,
    Direction,
    DirectionMap,
    Grid,
    peaks,
)
from driver_monitor.state.gaze.turns import Turns
from driver_monitor.timing.cadence import TimeStep

PRIOR_PITCH = -3.0
"""Degrees. Usual pitch of drivers who look forwards: -7 in 51 cars, 1 in clips (medians). The usual yaw is 0: a camera
is at the column, or on either side of it."""
PRIOR_WIDTH = (12.0, 8.0)
"""Standard deviation of yaw and pitch. The range at the start then ends 22 degrees aside, and 15 up and down. The road
is 25 degrees wide on each side of it, which is as far as straight ahead lies in the cars and clips (`BOUNDS_YAW`)."""
PRIOR_FLOOR = 0.03
"""Score of a direction far from the camera's axis, where 1 is the middle of the prior (ours)."""
MIDDLE_FROM_S, MIDDLE_TO_S = 20.0, 40.0
"""While the estimate lies outside one standard deviation of the prior, all within it stays plausible for so many
seconds of learning. Then it shrinks. A driver may begin a trip with 20 s of anything else than driving."""
KEPT_S, KEPT_SHARE = 60.0, 0.5
"""In the first minute, the direction in which by far most time was spent in all stays plausible too: no other one has
this share of its score. A look of some seconds in the short memory must not put the road off the road (ours)."""
PLAUSIBLE = 0.2
"""Least share of the best score that is plausible (ours)."""
GLANCE_S = 0.8
"""Time in one direction that doubles its score. The score grows with the third power: a glance is seldom longer than
2 s (ours; NHTSA's guidelines of 2013 allow 15 % longer ones for a task with a device, as reported). After 1 s in the
middle of the prior, directions 15 degrees away stay plausible. After 2 s none does."""
NEAR_MIDDLE, NEAR_MIDDLE_S = 15.0, 2.0
"""Degrees from the middle of the prior, and the time that doubles the score of all within them together. A driver who
moves the head there for some seconds rests nowhere, but has not been further away (phone_1)."""
SHORT_MEMORY_S = 4.0
"""Older time fades with this constant in the first `SETTLING_S`. So a wrong start is forgotten after some seconds."""
SETTLING_S, LONG_MEMORY_S = 30.0, 120.0
"""After `SETTLING_S` of learning the memory grows by a second each second, up to two minutes. Then neither a nap nor a
look-away changes straight ahead, and a new seat or a moved camera does."""
ROAD_YAW, ROAD_PITCH = 25.0, 25.0
"""Degrees from straight ahead beyond which the gaze is off the road. EU 2023/2590 asks for a warning beyond 30 degrees
down (as reported). Ours is 5 less, because the lids often hide the eyes' part of it and the head alone goes less far.
The instruments, about 21 degrees down, count as the road: Euro NCAP counts a long look at them (docs/clauses.md)."""
AWAY_AFTER_S = 6.0
"""A direction off the road is not learned for so long. Then a driver who looks away is unresponsive, and was warned."""
AWAY_SHARE = 0.1
"""It then counts at this share of its time, and makes the rest fade as slowly as ever: it is more probably a look-away
than a moved camera."""
MOVED_AFTER_S = 60.0
"""After so long without a look at the road (`BACK_S`), the camera or the seat has moved. It then counts fully."""
BACK_S = 1.0
"""A look at the road of this length sets both times back."""
FRONTAL_DEG = 20.0
"""A face is frontal if it looks within this of straight ahead."""
TURNED_FROM_S = 3.5
"""Least time at a place from which a turn counts (ours). A glance while driving is seldom as long (`GLANCE_S`). So the
place is the road, or the driver was not driving yet."""
TURNED_SHARE = 0.05
"""Most that the prior may give a place to which the gaze turned, as a share of the score of the place where it rested.
Then it is 20 times more probable that the driver looked away from the road than back to it (ours)."""
STEADY_DEG, STEADY_S = 6.0, 0.2
"""A direction is steady within so many degrees of its own mean over about so many seconds."""
PASSING_SHARE = 0.25
"""A direction that is not steady counts at this share of its time: the gaze passes there."""
REFRESH_S = 0.1
"""Seconds of learning after which the range is computed again. This saves time and changes nothing of note."""


class Area(NamedTuple):
    """Directions in which straight ahead may be: a middle, and half a width and a height. All in degrees."""

    yaw: float
    pitch: float
    half_width: float = 0.0
    half_height: float = 0.0

    def offset(self, yaw: float, pitch: float) -> Direction:
        """Return how far a direction lies from the nearest point of the area, (yaw, pitch); 0, 0 inside."""
        return _beyond(yaw - self.yaw, self.half_width), _beyond(pitch - self.pitch, self.half_height)


class Plausible(NamedTuple):
    """Where straight ahead may be: `areas`, and of these `seen`, the places where time was spent."""

    areas: tuple[Area, ...]
    seen: tuple[Area, ...]


def _beyond(distance: float, half: float) -> float:
    if distance > half:
        return distance - half
    return distance + half if distance < -half else 0.0


def _from_nearest(areas: tuple[Area, ...], yaw: float, pitch: float, down: float) -> Direction:
    """Return the offset of a direction from the nearest of `areas`, by shares of `ROAD_YAW`, `ROAD_PITCH` and `down`.

    A loop, because it runs four times a frame, and `min` with a key takes half as long again.
    """
    nearest, least = (0.0, 0.0), math.inf
    for area in areas:
        across, along = area.offset(yaw, pitch)
        share = max(abs(across) / ROAD_YAW, along / ROAD_PITCH, -along / down)
        if share < least:
            nearest, least = (across, along), share
    return nearest


def _prior() -> Grid:
    yaw, pitch = (YAWS / PRIOR_WIDTH[0])[:, None], ((PITCHES - PRIOR_PITCH) / PRIOR_WIDTH[1])[None, :]
    return np.asarray(np.exp(-0.5 * (yaw**2 + pitch**2)) + PRIOR_FLOOR)


def _prior_at(direction: Direction) -> float:
    yaw, pitch = direction[0] / PRIOR_WIDTH[0], (direction[1] - PRIOR_PITCH) / PRIOR_WIDTH[1]
    return math.exp(-0.5 * (yaw * yaw + pitch * pitch)) + PRIOR_FLOOR


def _on_road(offset: Direction) -> bool:
    return abs(offset[0]) <= ROAD_YAW and abs(offset[1]) <= ROAD_PITCH


def frontal(offset: Direction) -> bool:
    """Return whether a direction is frontal. `offset`: from the nearest plausible straight ahead, degrees."""
    return math.hypot(*offset) <= FRONTAL_DEG


MIDDLE = Area(0.0, PRIOR_PITCH, *PRIOR_WIDTH)
"""The directions within one standard deviation of the prior's middle."""
_PRIOR = _prior()


def _scores(seconds: DirectionMap) -> Grid:
    """Return the score of each direction by the prior and the time spent there."""
    near = seconds.near() / GLANCE_S
    # The third power as two products: numpy's own takes ten times as long.
    scores: Grid = _PRIOR * (1.0 + near * near * near)
    return scores


def _reach(least: float) -> float:
    """Return how many standard deviations from its middle the prior has the score `least`, 0 if nowhere."""
    height = least - PRIOR_FLOOR
    return math.sqrt(-2 * math.log(height)) if height < 1.0 else 0.0


class StraightAhead:
    """Learns straight ahead. `yaw`, `pitch`: the estimate, degrees from the camera's axis.

    `plausible`: where straight ahead may be. `uncertainty`: how far the furthest of it is from the estimate, degrees,
    the greater of yaw and pitch; 0 when the estimate alone is plausible. `learned_s`: seconds of learning.
    """

    def __init__(self) -> None:
        self._map, self._slow_map = DirectionMap(), DirectionMap()
        self._mean: Direction | None = None
        self._away_s = self._back_s = self._refreshed_s = self._middle_s = 0.0
        self.learned_s = 0.0
        self.yaw, self.pitch, self.uncertainty = 0.0, PRIOR_PITCH, 0.0
        self.plausible = Plausible((), ())
        self.steady = False
        """Whether the direction was steady in the last frame."""
        self.turns = Turns()
        self._turned = False
        self._estimate()

    def from_nearest(
        self,
        direction: Direction,
        down: float = ROAD_PITCH,
        plausible: Plausible | None = None,
        turned: bool | None = None,
    ) -> Direction:
        """Return (yaw, pitch) of `direction` from the nearest plausible straight ahead, degrees.

        The nearest one by shares of `ROAD_YAW`, `ROAD_PITCH` upwards and `down` downwards. `plausible`: None for
        what is so now. After a turn away from a place that is probably straight ahead, a direction far from the
        prior's middle is then judged by the places alone that were seen. `turned`: whether there was such a turn, None
        for what is known of it.
        """
        yaw, pitch = direction
        # Straight ahead is never that far aside, so nothing excuses such a look.
        certain = plausible is None and not self.uncertainty
        if certain or abs(yaw) > BOUNDS_YAW or abs(pitch) > BOUNDS_PITCH:
            return yaw - self.yaw, pitch - self.pitch
        plausible = plausible or self.plausible
        turned = self._turned if turned is None else turned
        areas = plausible.seen if turned and MIDDLE.offset(yaw, pitch) != (0.0, 0.0) else plausible.areas
        return _from_nearest(areas, yaw, pitch, down)

    def may_learn_from(self, direction: Direction) -> bool:
        """Return whether `direction` is frontal, and the one of the last `update` was steady."""
        return self.steady and frontal(self.from_nearest(direction))

    def turned_out(self, direction: Direction, rested_s: float) -> Direction | None:
        """Return (yaw, pitch) of a far turn to `direction`, None if there was none. Call it after `update`.

        It is one while straight ahead is uncertain, from a place where the gaze rested for `rested_s` to one where
        straight ahead is less probable.
        """
        place = self.turns.place
        if not (self.uncertainty and self.turns.far and place is not None and self.turns.rested_s >= rested_s):
            return None
        if _prior_at(direction) >= _prior_at(place):
            return None
        return direction[0] - place[0], direction[1] - place[1]

    def update(self, step: TimeStep, direction: Direction | None) -> None:
        """Take one frame's direction, degrees from the camera's axis; None if it must not be learned."""
        self.turns.update(step, direction)
        if self.turns.far and direction is not None:
            self._turned = self._turned or self._is_away(direction)
        if direction is None or self._mean is None or not step.seamless:
            self._mean, self.steady = direction, False
            return
        (yaw, pitch), mean = direction, self._mean
        share = 1 - math.exp(-step.dt / STEADY_S)
        self._mean = mean[0] + share * (yaw - mean[0]), mean[1] + share * (pitch - mean[1])
        self.steady = math.hypot(yaw - self._mean[0], pitch - self._mean[1]) <= STEADY_DEG
        weight = self._weight(step.dt, direction)
        seconds = step.dt * weight * (1.0 if self.steady else PASSING_SHARE)
        if seconds and self._map.add(direction, seconds, LONG_MEMORY_S if weight < 1.0 else self._memory_s()):
            if self.learned_s < KEPT_S:
                self._slow_map.add(direction, seconds, LONG_MEMORY_S)
            self.learned_s += seconds
            self._middle_s *= math.exp(-seconds / SHORT_MEMORY_S)
            self._middle_s += seconds if max(abs(yaw), abs(pitch - PRIOR_PITCH)) <= NEAR_MIDDLE else 0.0
            if self.learned_s - self._refreshed_s >= REFRESH_S:
                self._estimate()

    def _is_away(self, direction: Direction) -> bool:
        """Return whether a turn to `direction` leaves a place that is much more probably straight ahead."""
        place, rested_s = self.turns.place, self.turns.rested_s
        if place is None or rested_s < TURNED_FROM_S:
            return False
        rested = _prior_at(place) * (1.0 + (rested_s / GLANCE_S) ** 3)
        return _prior_at(direction) <= TURNED_SHARE * rested

    def _weight(self, seconds: float, direction: Direction) -> float:
        """Return the share at which a direction of this frame counts: 1 on the road."""
        if _on_road(self.from_nearest(direction)):
            self._back_s += seconds
            if self._back_s >= BACK_S:
                self._away_s, self._turned = 0.0, False
            return 1.0
        self._back_s = 0.0
        self._away_s += seconds
        if self._away_s <= AWAY_AFTER_S:
            return 0.0
        # What is off the road by a turn alone is then learned fast: the place before may have been a wrong start.
        by_turn = self._turned and _on_road(self.from_nearest(direction, turned=False))
        return 1.0 if by_turn or self._away_s > MOVED_AFTER_S else AWAY_SHARE

    def _memory_s(self) -> float:
        return SHORT_MEMORY_S + min(max(self.learned_s - SETTLING_S, 0.0), LONG_MEMORY_S - SHORT_MEMORY_S)

    def _estimate(self) -> None:
        self._refreshed_s = self.learned_s
        scores = _scores(self._map)
        best = float(scores.max())
        least = PLAUSIBLE * best
        found = [direction for _, direction in peaks(scores, least)]
        if found:
            self.yaw, self.pitch = found[0]
        found += self._kept()
        seen = areas = tuple(Area(*direction) for direction in found)
        reach = self._prior_reach(least)
        if reach > 0.0:
            areas += (Area(0.0, PRIOR_PITCH, *(reach * width for width in PRIOR_WIDTH)),)
        self.plausible = Plausible(areas, seen)
        self.uncertainty = max(
            max(abs(area.yaw - self.yaw) + area.half_width, abs(area.pitch - self.pitch) + area.half_height)
            for area in areas
        )

    def _kept(self) -> list[Direction]:
        """Return the direction of most of the first minute, if there is one."""
        if self.learned_s >= KEPT_S:
            return []
        scores = _scores(self._slow_map)
        kept = peaks(scores, KEPT_SHARE * float(scores.max()))
        return [kept[0][1]] if len(kept) == 1 else []

    def _prior_reach(self, least: float) -> float:
        """Return how much of the prior is plausible, seen or not, in standard deviations. `least`: plausible score."""
        reach = _reach(least)
        if reach > 1.0:
            # Nothing within one standard deviation is excluded by time that was spent there.
            together = PLAUSIBLE * (1.0 + PRIOR_FLOOR) * (1.0 + (self._middle_s / NEAR_MIDDLE_S) ** 3)
            reach = min(reach, max(_reach(together), 1.0))
        if MIDDLE.offset(self.yaw, self.pitch) == (0.0, 0.0):
            return reach
        return max(reach, min((MIDDLE_TO_S - self.learned_s) / (MIDDLE_TO_S - MIDDLE_FROM_S), 1.0))
