"""Follows the turn of the irises over frames in which they are seen well, badly or not at all."""

from __future__ import annotations

import math

from driver_monitor.data.observation import EyesView
from driver_monitor.state.gaze.direction_map import Direction
from driver_monitor.timing.cadence import TimeStep

IRIS_SHARE = 0.7
"""Share of the irises' turn that is added to the head's. Looks aside with the eyes only, about 20 degrees by their
label, measure 27 (incar_4): the visible eye corners are nearer to each other than `WIDTH_MM` (`eyes.iris`)."""
IRIS_NEUTRAL = (0.0, 4.0)
"""Direction of the irises of a driver who looks ahead, (yaw, pitch) in degrees, until the driver's own is learned. The
corners of the eye lie lower than its middle. Medians of ordinary frames of the clips are 0 to 13 and -2 to 9."""
IRIS_BOUNDS = 45.0
"""Degrees. Irises turn no further."""
FADE_S = 1.0
"""An unseen iris is taken to stay where it was last seen, with a weight that falls by this time constant (ours): lids,
glints and a turned head hide it for tenths of a second."""
NEUTRAL_S = 4.0, 60.0
"""Time constants with which the irises' own neutral direction is learned: at first, and after some time (ours)."""
USED_FROM, USED_DOWN_TO = 0.5, 0.4
"""Weight from which the gaze counts as made of head and irises, and below which it counts as that of the head alone."""


class Irises:
    """The turn of the irises relative to the head, degrees, and its weight.

    `weight`: 0 (never or long not seen) to 1 (seen clearly). `used`: whether the gaze counts as made with them.
    """

    def __init__(self) -> None:
        self._turn: Direction = IRIS_NEUTRAL
        self._neutral: Direction = IRIS_NEUTRAL
        self._sight: tuple[Direction, float] | None = None
        self._learned_s = 0.0
        self.weight = 0.0
        self.used = False

    def update(self, step: TimeStep, eyes: EyesView | None) -> Direction:
        """Take one frame's eyes. Return what the irises add to the head's direction: (yaw, pitch), degrees.

        It is 0, 0 for irises at `IRIS_NEUTRAL`. What is unknown of them is taken from the driver's own neutral turn.
        """
        self.weight *= math.exp(-step.dt / FADE_S)
        self._sight = _seen(eyes)
        if self._sight is not None:
            turn, weight = self._sight
            # A weak sight moves a strong memory a little, and a strong sight replaces a weak memory.
            most = max(weight, self.weight)
            self._turn = _between(self._turn, turn, weight / most)
            self.weight = most
        self.used = self.weight >= (USED_DOWN_TO if self.used else USED_FROM)
        return _added(_between(self._neutral, self._turn, self.weight))

    @property
    def neutral(self) -> Direction:
        """What irises at this driver's neutral turn add to the head's direction: (yaw, pitch), degrees."""
        return _added(self._neutral)

    def learn(self, step: TimeStep) -> None:
        """Learn the neutral turn from the frame of the last `update`, in which the driver looks ahead."""
        if self._sight is None or max(map(abs, self._sight[0])) > IRIS_BOUNDS:
            return
        turn, weight = self._sight
        self._learned_s += weight * step.dt
        first_s, last_s = NEUTRAL_S
        constant_s = min(max(first_s, self._learned_s), last_s)
        self._neutral = _between(self._neutral, turn, 1 - math.exp(-weight * step.dt / constant_s))


def _seen(eyes: EyesView | None) -> tuple[Direction, float] | None:
    """Return turn and weight of the irises, None if they are not seen."""
    if eyes is None or eyes.iris_yaw is None or eyes.iris_pitch is None:
        return None
    yaw, pitch, weight = eyes.iris_yaw, eyes.iris_pitch, eyes.iris_weight
    return ((yaw, pitch), weight) if math.isfinite(yaw + pitch + weight) and weight > 0 else None


def _between(one: Direction, other: Direction, share: float) -> Direction:
    """Return the direction at `share` of the way from `one` to `other`."""
    return one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])


def _added(turn: Direction) -> Direction:
    return IRIS_SHARE * (turn[0] - IRIS_NEUTRAL[0]), IRIS_SHARE * (turn[1] - IRIS_NEUTRAL[1])
