"""Notices that the gaze has turned far from a place where it rested: a look away is a change. Pure."""

from __future__ import annotations

import math

from driver_monitor.state.gaze.direction_map import Direction
from driver_monitor.timing.cadence import TimeStep

TURN_DEG = 40.0
"""Degrees. Two places further apart are not both on the road: with straight ahead between them, the driver would have
rested 20 degrees aside of it, twice."""
REST_DEG = 10.0
"""The gaze rests while it stays within so many degrees of its own mean: twice `SPREAD`."""
MEAN_S = 1.0
"""Time constant of that mean, seconds (ours). A slow drift is no turn."""
TURN_S = 1.0
"""Most seconds from the rest to a place `TURN_DEG` away. Heads turn that far in 0.2 to 0.7 s; lids shut on the way."""


class Turns:
    """Follows where the gaze rests. `place`, `rested_s`: of the last rest, None and 0.0 before the first frame.

    `far`: whether the gaze is `TURN_DEG` away from there, and was there at most `TURN_S` ago.
    `turning_s`: seconds since it was there.
    """

    def __init__(self) -> None:
        self.place: Direction | None = None
        self.rested_s = self.turning_s = 0.0
        self.far = False
        self._next: Direction | None = None
        self._next_s = 0.0

    def update(self, step: TimeStep, direction: Direction | None) -> None:
        """Take one frame's direction, None if it is unknown."""
        self.turning_s += step.dt
        self.far = False
        if direction is None:
            return
        seconds = step.dt if step.seamless else 0.0
        if self.place is not None and _apart(direction, self.place) <= REST_DEG:
            self.place, self.rested_s = _towards(self.place, direction, seconds, self.rested_s)
            self.turning_s, self._next = 0.0, None
            return
        if self._next is not None and _apart(direction, self._next) <= REST_DEG:
            self._next, self._next_s = _towards(self._next, direction, seconds, self._next_s)
        else:
            self._next, self._next_s = direction, 0.0
        if self.place is None or self.turning_s > TURN_S:
            self.place, self.rested_s, self.turning_s = self._next, self._next_s, 0.0
            self._next = None
        self.far = self.place is not None and _apart(direction, self.place) >= TURN_DEG


def _apart(one: Direction, other: Direction) -> float:
    return math.hypot(one[0] - other[0], one[1] - other[1])


def _towards(place: Direction, direction: Direction, seconds: float, rested_s: float) -> tuple[Direction, float]:
    """Return the mean of a rest with `seconds` more at `direction`, and its length."""
    length_s = rested_s + seconds
    share = seconds / max(min(length_s, MEAN_S), 1e-6)
    share = min(share, 1.0)
    return (place[0] + share * (direction[0] - place[0]), place[1] + share * (direction[1] - place[1])), length_s
