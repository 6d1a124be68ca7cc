"""Measures where the driver looks, relative to straight ahead, and for how long the gaze has been off the road."""

from __future__ import annotations

import math
from dataclasses import dataclass

from driver_monitor.data.driver_state import EyesVerdict, Gaze, GazeReason, GazeZone, Movement, OffRoad
from driver_monitor.data.observation import EyesView, HeadPose
from driver_monitor.state.gaze.looks_away import GazeSample, LookAwayTimers
from driver_monitor.state.gaze.regions import RegionTracker, Wheel
from driver_monitor.state.gaze.straight_ahead import Direction, StraightAhead
from driver_monitor.state.learning import LearnedQuantiles
from driver_monitor.timing.cadence import TimeStep

AWAY_YAW, AWAY_DOWN, AWAY_UP = 25.0, 25.0, 25.0
"""Degrees from straight ahead beyond which the gaze is off the road. EU 2023/2590 asks for a warning beyond 30 degrees
down. Ours is 5 less, because the lids often hide the eyes' part of it and the head alone goes less far."""
RETURN_SHARE = 0.8
"""The gaze is back on the road within this share of those angles (hysteresis)."""
IRIS_SHARE = 0.7
"""Share of the irises' turn that is added to the head's. Looks aside with the eyes only, about 20 degrees by their
label, measure 27 (incar_4): the visible eye corners are nearer to each other than `WIDTH_MM` (`eyes.iris`)."""
IRIS_NEUTRAL = (0.0, 4.0)
"""Direction of the irises of a driver who looks ahead, (yaw, pitch) in degrees, until the driver's medians are learned.
The corners of the eye lie lower than its middle. Medians of ordinary frames of the clips are 0 to 13 and -2 to 9."""
IRIS_BOUNDS = 45.0
"""Degrees. Irises turn no further."""
MOVED_DEG = 5.0
"""If straight ahead moves further than this in one frame, hysteresis starts anew. It is the width of the hysteresis."""
TURNED_AWAY_S = 3.5
"""A face that is lost during a turn to the side or down counts as a look-away for so long, then as unknown."""
TURNING_S, TURNED_DEG = 0.1, 40.0
"""A lost face had turned away if the look-away had lasted so long before, or had gone so far (degrees). One frame at
the edge of the road is no turn, but a head that turns to the back seat is out of sight within a frame or two."""
LOW_WITHIN_YAW = 55.0
"""Degrees to each side within which a gaze down is in area 3 of EU 2023/2590."""
OWL_SHARE = 0.5
"""A look-away is an owl's if the head makes at least this share of its angle (Euro NCAP: "primarily" the head)."""


@dataclass(frozen=True, slots=True)
class GazeDirection:
    """The direction of the gaze in one frame: yaw and pitch, degrees.

    `direction`: head and irises together. `head`: the head alone. Both are from the camera's axis. `iris`: turn of the
    irises relative to the head, as measured. It is None if the irises are not visible; then `direction` is `head`.
    """

    direction: Direction
    head: Direction
    iris: Direction | None


class GazeTracker:
    """Learns straight ahead, finds zone and region, and times look-aways. `wheel`: the driver's side of the car."""

    def __init__(self, wheel: Wheel = "left") -> None:
        self.straight_ahead = StraightAhead()
        self._irises = LearnedQuantiles([(-IRIS_BOUNDS, IRIS_BOUNDS)] * 2, 1.0, 0.5)
        self._neutral: tuple[float, ...] = IRIS_NEUTRAL
        self._regions = RegionTracker(wheel)
        self._timers = LookAwayTimers()
        self._low = False
        self._zone: GazeZone = "unknown"
        self._turned_t: float | None = None

    def direction(self, head: HeadPose | None, eyes: EyesView | None) -> GazeDirection | None:
        """Return where head and irises point, or the head alone without irises; None if the head pose is unknown."""
        if head is None or not (math.isfinite(head.yaw) and math.isfinite(head.pitch)):
            return None
        facing = (head.yaw, head.pitch)
        iris = _iris(eyes)
        if iris is None:
            return GazeDirection(facing, facing, None)
        # Relative to neutral irises: a look with the head alone then has the same zero as one with the eyes.
        yaw, pitch = iris[0] - self._neutral[0], iris[1] - self._neutral[1]
        return GazeDirection((facing[0] + IRIS_SHARE * yaw, facing[1] + IRIS_SHARE * pitch), facing, iris)

    def update(
        self,
        step: TimeStep,
        gaze: GazeDirection | None,
        lids: EyesVerdict,
        missing: GazeReason | None,
        lowered: bool = False,
    ) -> Gaze:
        """Take one frame and return the gaze, unknown if `gaze` is None or `lids` is "closed".

        `gaze`: from `direction()`. `lids`: state of the eyes. `missing`: why there is no face, None if there is one.
        `lowered`: the eyes may be closed, or lowered to look down; the gaze is then down or as far aside as the head.
        While the gaze is unknown, a look-away continues if the head is still turned aside. It also continues for up to
        `TURNED_AWAY_S` after the face was lost in a turn.
        """
        if gaze is not None and lowered:
            return self._lowered(step, gaze)
        if gaze is None or lids == "closed":
            return self._unseen(step, gaze, missing or ("pose" if gaze is None else "eyes_closed"))
        self._learn(step, gaze)
        yaw, pitch = self._from_ahead(gaze.direction)
        # A limited value of straight ahead may be wrong by the width of the zone. Hysteresis would then hide the road.
        was_away = self._zone not in ("road", "unknown") and not self.straight_ahead.held_back
        side = _side(yaw, pitch, was_away)
        self._zone = zone = side or "road"
        turned = self._timers.away.length_s >= TURNING_S or math.hypot(yaw, pitch) >= TURNED_DEG
        # The camera may lose a face that turns to these sides.
        self._turned_t = step.t if zone in ("left", "right", "down") and turned else None
        self._low = -pitch > AWAY_DOWN * (RETURN_SHARE if self._low else 1.0) and abs(yaw) <= LOW_WITHIN_YAW
        sample = GazeSample(side is not None, self._low, side, None if side is None else self._movement(gaze))
        region = self._regions.update(step, yaw, pitch)
        timed = self._timers.update(step, sample)
        return Gaze(yaw, pitch, zone, region, "head" if gaze.iris is None else "eyes+head", None, *timed)

    def _lowered(self, step: TimeStep, gaze: GazeDirection) -> Gaze:
        """Take one frame with lids so low that the irises say nothing: a look into the lap, if not closed eyes."""
        self.straight_ahead.update(step, None)
        self._regions.reset()
        yaw, pitch = self._from_ahead(gaze.head)
        self._zone = zone = _side(yaw, pitch, was_away=True) or "down"
        self._low = abs(yaw) <= LOW_WITHIN_YAW
        timed = self._timers.update(step, GazeSample(True, self._low, zone, "lizard" if zone == "down" else "owl"))
        return Gaze(yaw, pitch, zone, None, "head", None, *timed)

    def _learn(self, step: TimeStep, gaze: GazeDirection) -> None:
        ahead = self.straight_ahead
        before = ahead.status, ahead.yaw, ahead.pitch
        ahead.update(step, gaze.direction)
        if ahead.status != before[0] or math.hypot(ahead.yaw - before[1], ahead.pitch - before[2]) > MOVED_DEG:
            # Zones and regions were relative to another straight ahead, so their hysteresis has no meaning now.
            self._zone = "unknown"
            self._regions.reset()
        if gaze.iris and step.seamless and ahead.may_learn_from(gaze.direction):
            self._neutral = self._irises.learn(step.dt, *gaze.iris) or self._neutral

    def _unseen(self, step: TimeStep, gaze: GazeDirection | None, reason: GazeReason) -> Gaze:
        self.straight_ahead.update(step, None)
        self._regions.reset()
        turned = reason == "no_face" and self._turned_t is not None and step.t - self._turned_t <= TURNED_AWAY_S
        # The lids of a face seen from the side often read as closed. While the head is turned, the look-away continues.
        held = RETURN_SHARE * AWAY_YAW
        aside = gaze is not None and self._timers.away.running and abs(self._from_ahead(gaze.head)[0]) > held
        if not turned and not aside:
            self._turned_t = None
        timed = self._timers.update(step, GazeSample(True, self._low) if turned or aside else None)
        if not self._timers.away.running:
            self._zone, self._low = "unknown", False
        return Gaze(None, None, "unknown", None, None, reason, *timed)

    def _movement(self, gaze: GazeDirection) -> Movement:
        """Return "owl" if the head makes at least `OWL_SHARE` of the angle along the gaze, else "lizard"."""
        (yaw, pitch), (head_yaw, head_pitch) = self._from_ahead(gaze.direction), self._from_ahead(gaze.head)
        along = head_yaw * yaw + head_pitch * pitch
        return "owl" if along >= OWL_SHARE * (yaw * yaw + pitch * pitch) else "lizard"

    def _from_ahead(self, direction: Direction) -> Direction:
        return direction[0] - self.straight_ahead.yaw, direction[1] - self.straight_ahead.pitch


def _iris(eyes: EyesView | None) -> Direction | None:
    if eyes is None or eyes.iris_yaw is None or eyes.iris_pitch is None:
        return None
    return (eyes.iris_yaw, eyes.iris_pitch) if math.isfinite(eyes.iris_yaw + eyes.iris_pitch) else None


def _side(yaw: float, pitch: float, was_away: bool) -> OffRoad | None:
    """Return the side furthest beyond its limit, None for the road. `yaw`, `pitch`: degrees from straight ahead."""
    shares: dict[OffRoad, float] = {
        "left": yaw / AWAY_YAW,
        "right": -yaw / AWAY_YAW,
        "down": -pitch / AWAY_DOWN,
        "up": pitch / AWAY_UP,
    }
    side = max(shares, key=lambda name: shares[name])
    return side if shares[side] > (RETURN_SHARE if was_away else 1.0) else None
