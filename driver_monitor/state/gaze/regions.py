"""Which part of the car the driver looks at: mirrors, instruments, console, lap, road.

Finer than the gaze's zones and less sure: cars differ, and where the region ends no alert begins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from driver_monitor.data.driver_state import GazeRegion
from driver_monitor.timing.cadence import TimeStep

Wheel = Literal["left", "right"]
"""Side of the car the driver sits on, as the driver sees it."""

HYSTERESIS = 1.25
"""A region is left only beyond so much of its size."""
DWELL_S = 0.1
"""A gaze must rest so long in a region to be there: on its way to another one it crosses in 30 to 60 ms (saccades of
20 to 40 degrees; Bahill, Clark & Stark, Math. Biosci. 24, 1975)."""


@dataclass(frozen=True, slots=True)
class _Area:
    """An ellipse of directions, degrees from straight ahead: `out` + to the driver's door, `up` + up."""

    out: float
    up: float
    half_width: float
    half_height: float

    def share(self, out: float, up: float) -> float:
        """Return how far out the direction lies in the area: 0 in its middle, 1 at its edge."""
        return math.hypot((out - self.out) / self.half_width, (up - self.up) / self.half_height)


_AREAS: dict[str, _Area] = {
    "road": _Area(0.0, 2.0, 20.0, 13.0),
    "instruments": _Area(0.0, -21.0, 16.0, 9.0),
    "lap": _Area(0.0, -48.0, 40.0, 19.0),
    "console": _Area(-33.0, -28.0, 16.0, 14.0),
    "rear_mirror": _Area(-38.0, 10.0, 14.0, 12.0),
    "near_mirror": _Area(45.0, -10.0, 16.0, 15.0),
    "far_mirror": _Area(-65.0, -8.0, 14.0, 15.0),
}
"""Seen from the eyes of a driver of middle size in an ordinary car, worked out from where things are (forwards, aside,
up, metres): inner mirror 0.50, 0.38, 0.10; driver's door mirror 0.55, 0.55, -0.14; console's screen 0.65, 0.42, -0.40;
instruments 0.75, 0, -0.28. UN R46 allows the driver's side mirror at most 55 degrees, and Nagata & Kuriyama (SAE
850330, 1985) have the passenger's beyond 70; ours lies a little nearer, since far glances are measured low. `lap` is
EU 2023/2590's area 3 (more than 30 degrees down, 55 to each side). Half sizes are ours: the spread of cars and
drivers."""


def _names(wheel: Wheel) -> dict[str, GazeRegion]:
    """Return what each area is called by a driver on that side of the car."""
    mirrors: tuple[GazeRegion, GazeRegion] = ("left_mirror", "right_mirror")
    near, far = mirrors if wheel == "left" else mirrors[::-1]
    fixed: tuple[GazeRegion, ...] = ("road", "instruments", "lap", "console", "rear_mirror")
    return {**{name: name for name in fixed}, "near_mirror": near, "far_mirror": far}


class RegionTracker:
    """The region with hysteresis in place and time. `wheel`: side of the car the driver sits on."""

    def __init__(self, wheel: Wheel) -> None:
        self._names, self._sign = _names(wheel), 1.0 if wheel == "left" else -1.0
        self._area: str | None = None
        self._next: tuple[str | None, float] = (None, 0.0)

    def update(self, step: TimeStep, yaw: float, pitch: float) -> GazeRegion | None:
        """Take a direction in degrees from straight ahead (+ left, + up); return its region, None outside of all."""
        area = self._nearest(self._sign * yaw, pitch)
        if area == self._area or self._area is None:
            self._area, self._next = area, (area, step.t)
        elif area != self._next[0]:
            self._next = area, step.t
        elif step.t - self._next[1] >= DWELL_S - 1e-6:
            self._area = area
        return None if self._area is None else self._names[self._area]

    def reset(self) -> None:
        """Forget where the gaze was: it has not been seen for a while."""
        self._area = None

    def _nearest(self, out: float, up: float) -> str | None:
        shares = {
            name: area.share(out, up) / (HYSTERESIS if name == self._area else 1.0) for name, area in _AREAS.items()
        }
        best = min(shares, key=lambda name: shares[name])
        return best if shares[best] <= 1.0 else None
