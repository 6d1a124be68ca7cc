"""Finds the part of the car that the driver looks at: mirrors, instruments, console, lap, road.

Regions are finer than the zones and less sure, because cars differ. No supplied rule uses a region itself; `targets`
tells those that belong to driving from the others.
"""

from __future__ import annotations

import functools
import math
from typing import Literal, NamedTuple

from driver_monitor.data.driver_state import GazeRegion
from driver_monitor.timing.cadence import TimeStep

Wheel = Literal["left", "right"]
"""Side of the car on which the driver sits, seen in the direction of driving."""

HYSTERESIS = 1.25
"""The present region counts as so many times its size, so that the gaze does not leave it at its edge."""
DWELL_S = 0.1
"""The region changes when the gaze rests in another for so long; the first counts at once. Ours. A saccade takes
2.2 ms a degree and 21 ms more (after Bahill, Clark & Stark, Math. Biosci. 24, 1975, as reported): 65 ms over 20
degrees, 109 ms over 40. So eyes alone cross a region in less than this. A turning head is slower: a region that it only
passes may be reported."""


class _Area(NamedTuple):
    """An ellipse of directions, degrees from straight ahead: `out` + towards the driver's door, `up` + up."""

    out: float
    up: float
    half_width: float
    half_height: float


_AREAS: dict[GazeRegion, _Area] = {
    "road": _Area(0.0, 2.0, 20.0, 13.0),
    "instruments": _Area(0.0, -21.0, 16.0, 9.0),
    "lap": _Area(0.0, -48.0, 40.0, 19.0),
    "console": _Area(-33.0, -28.0, 16.0, 14.0),
    "rear_mirror": _Area(-38.0, 10.0, 14.0, 12.0),
    "left_mirror": _Area(45.0, -10.0, 16.0, 15.0),
    "right_mirror": _Area(-65.0, -8.0, 14.0, 15.0),
}
"""Seen from the eyes of a driver of middle size, on the left of an ordinary car. Computed from places in metres
(forwards, aside, up): inner mirror 0.50, 0.38, 0.10; driver's door mirror 0.55, 0.55, -0.14; screen of the console
0.65, 0.42, -0.40; instruments 0.75, 0, -0.28. UN R46 allows the driver's side mirror at most 55 degrees. Nagata &
Kuriyama (SAE 850330, 1985) have the passenger's beyond 70; ours is a little nearer: far glances are measured low.
`lap` is area 3 of EU 2023/2590 (over 30 degrees down, 55 aside). Half sizes: ours, spread of cars and drivers."""
_SWAPPED: dict[GazeRegion, GazeRegion] = {"left_mirror": "right_mirror", "right_mirror": "left_mirror"}
"""The door mirrors of a driver who sits on the right."""


@functools.cache
def _seen(wheel: Wheel) -> tuple[tuple[GazeRegion, float, float, float, float, float, float], ...]:
    """Return name and area of each region, and the pitches beyond which it is no choice.

    `out` is turned into yaw (+ left). Computed once for each side.
    """
    rows = []
    side = 1 if wheel == "left" else -1
    for name, (out, up, half_width, half_height) in _AREAS.items():
        seen = name if side > 0 else _SWAPPED.get(name, name)
        reach = HYSTERESIS * half_height + 1e-6
        rows.append((seen, side * out, up, half_width, half_height, up - reach, up + reach))
    return tuple(rows)


def nearest(yaw: float, pitch: float, wheel: Wheel, present: GazeRegion | None = None) -> GazeRegion | None:
    """Return the region at a direction, degrees from straight ahead; None outside all.

    `present`: the region of the gaze until now, which counts as larger than it is (`HYSTERESIS`).
    """
    best, least = None, math.inf
    for name, middle, up, half_width, half_height, lowest, highest in _seen(wheel):
        # This runs many times in a frame, and most areas are out of the question by one of the two angles.
        if not lowest <= pitch <= highest:
            continue
        # Squared: 0 in the middle, 1 at the edge, more outside.
        along = (pitch - up) / half_height
        away = along * along
        if away >= least and name != present:
            continue
        across = (yaw - middle) / half_width
        away += across * across
        if name == present:
            away /= HYSTERESIS * HYSTERESIS
        if away < least:
            best, least = name, away
    return best if least <= 1.0 else None


class RegionTracker:
    """Finds the region of the gaze and ignores small or short changes. `wheel`: the driver's side of the car."""

    def __init__(self, wheel: Wheel) -> None:
        self._wheel: Wheel = wheel
        self._region: GazeRegion | None = None
        self._next: tuple[GazeRegion | None, float] = (None, 0.0)

    def update(self, step: TimeStep, yaw: float, pitch: float) -> GazeRegion | None:
        """Take degrees from straight ahead (+ left, + up), return the region, None outside all. Changes take 0.1 s."""
        region = nearest(yaw, pitch, self._wheel, self._region)
        if region == self._region or self._region is None:
            self._region, self._next = region, (region, step.t)
        elif region != self._next[0]:
            self._next = region, step.t
        elif step.t - self._next[1] >= DWELL_S - 1e-6:
            self._region = region
        return self._region

    def reset(self) -> None:
        """Forget the region. The gaze was not visible for a while."""
        self._region = None
