"""Learns straight ahead for this driver and camera: the direction in which the driver usually looks."""

from __future__ import annotations

import math

from driver_monitor.state.learning import LearnedQuantiles, Status
from driver_monitor.timing.cadence import TimeStep

BOUNDS_YAW, BOUNDS_PITCH = 45.0, 25.0
"""Degrees. Straight ahead lies within this of the camera's axis, and directions beyond are not learned. In real in-car
clips with the camera at the mirror, a driver's usual direction reads up to 41 degrees."""
PROVISIONAL_YAW, PROVISIONAL_PITCH = 22.0, 14.0
"""Degrees. A provisional value goes no further. The zones are 25 degrees wide, so the road still reads as road in both
doubtful cases: a camera mounted as far off-axis as the bounds, and a driver who looked away at the beginning."""
FRONTAL_DEG = 20.0
"""A face is frontal if it looks within this of straight ahead, or within the bounds before that is known."""
SIDEWAYS_SHARE = 0.25
"""A direction that is not frontal counts at this share of its time: enough to unlearn a wrong start. To become straight
ahead it needs four times the time learned before. The driver is warned until then, so it is the camera that turned."""
SIDEWAYS_AFTER_S = 6.0
"""A direction that is not frontal is learned after it lasted as long as was learned before, at most this long: then a
driver who looks away is unresponsive. A mirror glance at the start is soon unlearned, a long look-away not learned."""
FIRST_S = 0.2
"""The first direction is provisional after this. A driver who looks away within half a second must not set it."""
TRUSTED_S = 4.0
"""A direction further from the camera's axis than the known one, by more than `FRONTAL_DEG`, is learned after this.
Cameras are aimed at the driver, and a look-away at the very beginning is warned of (3 s) before it is used."""
STEADY_DEG, STEADY_S = 6.0, 0.2
"""A direction is steady within so many degrees of its own mean over about so many seconds."""

Direction = tuple[float, float]
"""Yaw and pitch, degrees."""


class StraightAhead:
    """Learns straight ahead: the medians of yaw and of pitch of the steady directions over time.

    `yaw`, `pitch`: degrees from the camera's axis, 0 while `status` is "prior", limited while "provisional".
    Directions that are not frontal are learned only after some seconds, and count less (`SIDEWAYS_SHARE`).
    """

    def __init__(self) -> None:
        bounds = [(-BOUNDS_YAW, BOUNDS_YAW), (-BOUNDS_PITCH, BOUNDS_PITCH)]
        self._learned = LearnedQuantiles(bounds, 1.0, 0.5, FIRST_S)
        self._mean: Direction | None = None
        self._median: Direction = (0.0, 0.0)
        self._sideways_s = 0.0
        self.yaw = self.pitch = 0.0
        self.status: Status = "prior"
        self.steady = False
        """Whether the direction was steady in the last frame."""
        self.held_back = False
        """Whether `yaw`, `pitch` are provisional and limited. Straight ahead may be at this value or at the median."""

    def may_learn_from(self, direction: Direction) -> bool:
        """Return whether `direction` is frontal, and the one of the last `update` was steady."""
        return self.steady and self.frontal(*direction)

    def frontal(self, yaw: float, pitch: float) -> bool:
        """Return if a direction is within 20 degrees of straight ahead or the median; if "prior", within bounds."""
        if self.status == "prior":
            return abs(yaw) <= BOUNDS_YAW and abs(pitch) <= BOUNDS_PITCH
        # A provisional value may be limited. The median of the directions so far is frontal, too.
        places = ((self.yaw, self.pitch), self._median)
        return any(math.hypot(yaw - place[0], pitch - place[1]) <= FRONTAL_DEG for place in places)

    def update(self, step: TimeStep, direction: Direction | None) -> None:
        """Take one frame's direction, degrees from the camera's axis; None if it must not be learned."""
        if direction is None or self._mean is None or not step.seamless:
            self._mean, self.steady = direction, False
            return
        yaw, pitch = direction
        share = 1 - math.exp(-step.dt / STEADY_S)
        self._mean = (self._mean[0] + share * (yaw - self._mean[0]), self._mean[1] + share * (pitch - self._mean[1]))
        self.steady = math.hypot(yaw - self._mean[0], pitch - self._mean[1]) <= STEADY_DEG
        frontal = self.frontal(yaw, pitch)
        self._sideways_s = 0.0 if frontal else self._sideways_s + step.dt
        if not self.steady:
            return
        if frontal:
            self._learn(step.dt, yaw, pitch)
        elif self._sideways_s > min(max(self._learned.learned_s, self._doubt_s(yaw, pitch)), SIDEWAYS_AFTER_S):
            self._learn(step.dt * SIDEWAYS_SHARE, yaw, pitch)

    def _doubt_s(self, yaw: float, pitch: float) -> float:
        further = math.hypot(yaw, pitch) - math.hypot(self.yaw, self.pitch)
        return TRUSTED_S if further > FRONTAL_DEG else 0.0

    def _learn(self, seconds: float, yaw: float, pitch: float) -> None:
        median = self._learned.learn(seconds, yaw, pitch)
        if median is None:
            return
        self.status = self._learned.status
        self.yaw, self.pitch = self._median = (median[0], median[1])
        if self.status == "provisional":
            self.yaw = min(max(self.yaw, -PROVISIONAL_YAW), PROVISIONAL_YAW)
            self.pitch = min(max(self.pitch, -PROVISIONAL_PITCH), PROVISIONAL_PITCH)
        self.held_back = (self.yaw, self.pitch) != self._median
