"""Finds the target of the gaze: a region, or what lies in a direction without one, and how sure this is."""

from __future__ import annotations

import math

from driver_monitor.data.driver_state import FurtherTarget, GazeRegion, GazeTarget, GazeTask
from driver_monitor.state.gaze.direction_map import SPREAD
from driver_monitor.state.gaze.regions import Wheel, nearest
from driver_monitor.state.gaze.straight_ahead import ROAD_PITCH, ROAD_YAW

AHEAD_DOWN = 13.0
"""Degrees below straight ahead beyond which the gaze is not on the road ahead, but at the wheel or the instruments.
Ours: between the lower edge of the region `road` (11 down) and the middle of `instruments` (21 down). From eyes 1.2 m
high the road 10 m before the car is 7 degrees down. A telephone that is held higher lies before the road: nothing in
the direction of a gaze tells it from the road."""
REAR_DEG = 90.0
"""Degrees aside beyond which the driver looks at the back seats. Ours."""
DRIVING: frozenset[GazeTarget] = frozenset({"instruments", "rear_mirror", "left_mirror", "right_mirror"})
"""Targets that belong to driving (Euro NCAP Driver Engagement v1.1, as reported: mirrors and instruments)."""
AROUND = tuple((math.cos(turn), math.sin(turn)) for turn in (math.tau * place / 8 for place in range(8)))
"""Eight directions around the measured one, at a distance of 1."""


def task(target: GazeTarget) -> GazeTask:
    """Return whether a target that is not the road belongs to driving."""
    return "driving" if target in DRIVING else "other"


def is_ahead(yaw: float, pitch: float, share: float = 1.0) -> bool:
    """Return whether a direction, degrees from straight ahead, is the road ahead. `share`: of the limits."""
    return abs(yaw) <= share * ROAD_YAW and -share * AHEAD_DOWN <= pitch <= share * ROAD_PITCH


def find_target(yaw: float, pitch: float, region: GazeRegion | None, wheel: Wheel) -> GazeTarget:
    """Return the target in a direction, degrees from straight ahead. `region`: the one there, None outside all."""
    if region is not None:
        return region
    out = yaw if wheel == "left" else -yaw
    return "road" if is_ahead(yaw, pitch) else _further(out, pitch)


def _further(out: float, up: float) -> FurtherTarget:
    """Return what lies outside all regions and off the road ahead. `out`: + towards the driver's door."""
    if abs(out) > REAR_DEG:
        return "rear"
    if up > ROAD_PITCH:
        return "roof"
    if up < -ROAD_PITCH:
        return "glovebox" if out < -ROAD_YAW else "footwell"
    if abs(out) <= ROAD_YAW:
        return "wheel"
    return "window" if out > 0.0 else "passenger"


def certainty(yaw: float, pitch: float, target: GazeTarget, uncertainty: float, wheel: Wheel) -> float:
    """Return the share of nine directions with this target: the measured one, and eight at the distance of the error.

    The error: `SPREAD` of a look at one place, and the `uncertainty` of straight ahead, degrees.
    """
    error = math.hypot(SPREAD, uncertainty)
    if target == "road" and abs(yaw) + error <= ROAD_YAW and error - AHEAD_DOWN <= pitch <= ROAD_PITCH - error:
        # The usual case, in which all nine are the road. It saves most of the time.
        return 1.0
    same = 1
    for across, along in AROUND:
        beside = yaw + error * across, pitch + error * along
        same += find_target(*beside, nearest(*beside, wheel), wheel) == target
    return same / (1 + len(AROUND))
