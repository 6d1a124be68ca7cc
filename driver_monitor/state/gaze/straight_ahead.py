"""Where straight ahead is for this driver and camera, learned from where the driver mostly looks."""

from __future__ import annotations

import math

from driver_monitor.timing.cadence import TimeStep
from driver_monitor.timing.histogram import TimeHistogram
from driver_monitor.timing.learning import (
    MEMORY_S,
    REFRESH_S,
    Status,
    status,
)

BOUNDS_YAW, BOUNDS_PITCH = 45.0, 25.0
"""Straight ahead lies within so many degrees of the camera's axis; directions beyond teach nothing. In real in-car
clips with the camera at the mirror a driver's usual direction reads up to 41 degrees."""
PROVISIONAL_YAW, PROVISIONAL_PITCH = 22.0, 14.0
"""A provisional value goes no further. Then the road still reads as road in both doubtful cases: a camera mounted
off-axis as far as the bounds, and a driver who looked away while it was learned (the zones are 25 degrees wide)."""
FRONTAL_DEG = 20.0
"""The face is frontal within so many degrees of straight ahead; before that is known, within the bounds."""
SIDEWAYS_SHARE = 0.25
"""What is not frontal teaches at this share of its time: enough to unlearn a wrong start. A look away becomes the new
straight ahead only after four times what was learned before (20 s after 5 s, four minutes after a minute), during all
of which the driver is warned of it: by then it is the camera that was turned."""
SIDEWAYS_AFTER_S = 6.0
"""And only when it has lasted for as long as was learned before, at most so long (by then a driver who looks away is
unresponsive): a glance into a mirror when setting off is unlearned at once, a long look away teaches nothing."""
FIRST_S = 0.2
"""Where a driver looks first is provisional after so long (within half a second): whoever then turns
away must not teach that this is ahead."""
TRUSTED_S = 4.0
"""A direction further from the camera's axis than the one known, by more than `FRONTAL_DEG`, teaches only after this:
cameras are aimed at the driver, and a look away at the very beginning is warned of (3 s) before it is believed."""
STEADY_DEG, STEADY_S = 6.0, 0.2
"""A head is steady within so many degrees of its own mean over about so many seconds."""


class StraightAhead:
    """Medians over time of the directions in which a steady head looked, by axis.

    `yaw`, `pitch`: degrees from the camera's axis; `status`: how settled they are.
    """

    def __init__(self) -> None:
        self._yaws = TimeHistogram(-BOUNDS_YAW, BOUNDS_YAW, 1.0)
        self._pitches = TimeHistogram(-BOUNDS_PITCH, BOUNDS_PITCH, 1.0)
        self._mean: tuple[float, float] | None = None
        self._median = (0.0, 0.0)
        self._refreshed_s = 0.0
        self._sideways_s = 0.0
        self.yaw = self.pitch = 0.0
        self.status: Status = "prior"
        self.steady = False
        """Whether the head held still in the last frame."""
        self.held_back = False
        """Whether the value in use is provisional and short of where the driver mostly looked: either may be ahead."""

    def teaches(self, direction: tuple[float, float]) -> bool:
        """Say whether a driver who looks there keeps still and looks ahead, so that the frame may teach."""
        return self.steady and self.frontal(*direction)

    def frontal(self, yaw: float, pitch: float) -> bool:
        """Say whether a face looking in this direction (degrees from the camera's axis) shows its eyes fully."""
        if self.status == "prior":
            return abs(yaw) <= BOUNDS_YAW and abs(pitch) <= BOUNDS_PITCH
        # The value in use is held back while provisional; where the driver mostly looked so far is frontal too.
        places = ((self.yaw, self.pitch), self._median)
        return any(math.hypot(yaw - place[0], pitch - place[1]) <= FRONTAL_DEG for place in places)

    def update(self, step: TimeStep, direction: tuple[float, float] | None) -> None:
        """Take one frame's direction (yaw, pitch in degrees from the camera's axis), None if it must not teach."""
        if direction is None:
            self._mean, self.steady = None, False
            return
        yaw, pitch = direction
        if self._mean is None or not step.seamless:
            self._mean, self.steady = direction, False
            return
        share = 1 - math.exp(-step.dt / STEADY_S)
        self._mean = (self._mean[0] + share * (yaw - self._mean[0]), self._mean[1] + share * (pitch - self._mean[1]))
        self.steady = math.hypot(yaw - self._mean[0], pitch - self._mean[1]) <= STEADY_DEG
        frontal = self.frontal(yaw, pitch)
        self._sideways_s = 0.0 if frontal else self._sideways_s + step.dt
        if not (self.steady and self._yaws.accepts(yaw) and self._pitches.accepts(pitch)):
            return
        if frontal:
            self._learn(step.dt, yaw, pitch)
        elif self._sideways_s > min(max(self._yaws.total_s, self._doubt_s(yaw, pitch)), SIDEWAYS_AFTER_S):
            self._learn(step.dt * SIDEWAYS_SHARE, yaw, pitch)

    def _doubt_s(self, yaw: float, pitch: float) -> float:
        further = math.hypot(yaw, pitch) - math.hypot(self.yaw, self.pitch)
        return TRUSTED_S if further > FRONTAL_DEG else 0.0

    def _learn(self, seconds: float, yaw: float, pitch: float) -> None:
        memory = MEMORY_S if self.status == "final" else None
        self._yaws.add(yaw, seconds, memory)
        self._pitches.add(pitch, seconds, memory)
        learned = self._yaws.total_s
        new = status(learned, FIRST_S)
        if new == "prior" or (new == self.status and learned - self._refreshed_s < REFRESH_S):
            return
        self.status, self._refreshed_s = new, learned
        self.yaw, self.pitch = self._median = (self._yaws.quantile(0.5), self._pitches.quantile(0.5))
        if new == "provisional":
            self.yaw = min(max(self.yaw, -PROVISIONAL_YAW), PROVISIONAL_YAW)
            self.pitch = min(max(self.pitch, -PROVISIONAL_PITCH), PROVISIONAL_PITCH)
        self.held_back = (self.yaw, self.pitch) != self._median
