"""Finds out whether the driver leans: the head has left the place where it usually is."""

from __future__ import annotations

import math

from driver_monitor.data.observation import Box
from driver_monitor.timing.cadence import TimeStep

LEAN_WIDTHS = 1.0
"""A driver leans when the middle of the face is so many usual widths of the face from its usual place. A face from
brows to chin is about 0.14 m wide; a turn of the head moves its middle by less than half of that. Ours: a body that
leans is not measured itself."""
LEARNED_S = 1.0
"""Seconds of learning before there is an answer. Ours."""
MEMORY_S = 60.0
"""Time constant of the usual place. A moved seat is the usual place after some minutes. Ours."""


class HeadPlace:
    """Learns where the driver's face usually is in the picture, and how wide."""

    def __init__(self) -> None:
        self._x = self._y = self._width = self._learned_s = 0.0

    def update(self, step: TimeStep, box: Box | None, may_learn: bool) -> bool | None:
        """Take one frame's face box, and return whether the driver leans; None if unknown.

        `may_learn`: the driver looks ahead, so that the head is in its usual place, unless it already is not.
        """
        if box is None or not math.isfinite(box.x + box.y + box.w + box.h):
            return None
        x, y = box.x + box.w / 2, box.y + box.h / 2
        leans = None
        if self._learned_s >= LEARNED_S and self._width > 0.0:
            leans = math.hypot(x - self._x, y - self._y) > LEAN_WIDTHS * self._width
        if may_learn and step.seamless:
            self._learned_s += step.dt
            share = min(step.dt / min(self._learned_s, MEMORY_S), 1.0)
            self._x += share * (x - self._x)
            self._y += share * (y - self._y)
            self._width += share * (box.w - self._width)
        return leans
