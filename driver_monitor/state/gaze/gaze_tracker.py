"""Measures where the driver looks, relative to straight ahead, and for how long the gaze has been off the road."""

from __future__ import annotations

import math
from typing import NamedTuple

from driver_monitor.data.driver_state import (
    EyesVerdict,
    Gaze,
    GazeReason,
    GazeRegion,
    GazeSource,
    GazeTarget,
    GazeZone,
    LookMovement,
    Movement,
    OffRoad,
)
from driver_monitor.data.observation import EyesView, HeadPose
from driver_monitor.state.gaze.direction_map import Direction
from driver_monitor.state.gaze.irises import Irises
from driver_monitor.state.gaze.looks_away import SACCADE_S, GazeSample, LookAwayTimers
from driver_monitor.state.gaze.regions import RegionTracker, Wheel, nearest
from driver_monitor.state.gaze.straight_ahead import (
    AWAY_AFTER_S,
    ROAD_PITCH,
    ROAD_YAW,
    Plausible,
    StraightAhead,
    frontal,
)
from driver_monitor.state.gaze.target_looks import TargetLooks, TargetSample
from driver_monitor.state.gaze.targets import AHEAD_DOWN, certainty, find_target, is_ahead
from driver_monitor.timing.cadence import TimeStep

RETURN_SHARE = 0.8
"""The gaze is back on the road within this share of those angles (hysteresis)."""
HEAD_YAW = 30.0
"""Degrees from straight ahead beyond which the head alone is off the road: irises that seem to look back do not count.
On a face seen from the side they are read badly, by 10 to 20 degrees, and nobody keeps the eyes turned that far back
for seconds. Labelled looks away begin there, too."""
MOVED_DEG = 5.0
"""If straight ahead moves further than this in one frame, hysteresis starts anew. It is the width of the hysteresis."""
TURNED_AWAY_S = 3.5
"""A face that is lost during a turn to the side or down counts as a look-away for so long, then as unknown."""
TURNING_S, TURNED_DEG = 0.1, 40.0
"""A lost face had turned away if the look-away had lasted so long before, or had gone so far (degrees). One frame at
the edge of the road is no turn, but a head that turns to the back seat is out of sight within a frame or two."""
RESTED_S = 0.5
"""While straight ahead is uncertain, a lost face had also turned away if it had just rested somewhere for so long, and
then turned far from there (`Turns`). The loss itself shows that it turned out of sight."""
LOW_WITHIN_YAW = 55.0
"""Degrees to each side within which a gaze down is in area 3 of EU 2023/2590 (as reported)."""
OWL_SHARE = 0.5
"""A look-away is an owl's if the head makes at least this share of its angle (ours). Euro NCAP Safe Driving
v10.4 has "primarily" the head (as reported)."""


_AHEAD = TargetSample(False)
"""A frame with the gaze on the road ahead."""


class GazeDirection(NamedTuple):
    """The direction of the gaze in one frame: yaw and pitch, degrees, from the camera's axis.

    `direction`: head and irises together. `head`: the head with irises at this driver's neutral turn.
    """

    direction: Direction
    head: Direction


class _Before(NamedTuple):
    """Straight ahead before a look began: the estimate, and all that was plausible. Degrees."""

    estimate: Direction
    plausible: Plausible


class GazeTracker:
    """Learns straight ahead, finds zone and region, and times look-aways. `wheel`: the driver's side of the car.

    While straight ahead is uncertain, the gaze is off the road when it is so for every plausible straight ahead.
    """

    def __init__(self, wheel: Wheel = "left") -> None:
        self.straight_ahead = StraightAhead()
        self._irises = Irises()
        self._wheel: Wheel = wheel
        self._regions = RegionTracker(wheel)
        self._timers = LookAwayTimers()
        self._looks = TargetLooks()
        self._off_ahead = False
        self._before: _Before | None = None
        self._low = self._head_away = False
        self._zone: GazeZone = "unknown"
        self._turned_t: float | None = None

    def direction(self, step: TimeStep, head: HeadPose | None, eyes: EyesView | None) -> GazeDirection | None:
        """Return where head and irises point, None if the head pose is unknown. Call it once in each frame."""
        turn, neutral = self._irises.update(step, eyes), self._irises.neutral
        if head is None or not (math.isfinite(head.yaw) and math.isfinite(head.pitch)):
            return None
        alone = head.yaw + neutral[0], head.pitch + neutral[1]
        aside = self.straight_ahead.from_nearest(alone)[0]
        self._head_away = abs(aside) > HEAD_YAW * (RETURN_SHARE if self._head_away else 1.0)
        back = self._head_away and (turn[0] - neutral[0]) * aside < 0
        return GazeDirection((alone[0] if back else head.yaw + turn[0], head.pitch + turn[1]), alone)

    def update(
        self,
        step: TimeStep,
        gaze: GazeDirection | None,
        lids: EyesVerdict,
        missing: GazeReason | None,
        lowered: bool = False,
        leans: bool | None = None,
    ) -> Gaze:
        """Take one frame and return the gaze, unknown if `gaze` is None or `lids` is "closed".

        `gaze`: from `direction()`. `lids`: state of the eyes. `missing`: why there is no face, None if there is one.
        `lowered`: the eyes may be closed, or lowered to look down; the gaze is then down or as far aside as the head.
        `leans`: whether the head has left its usual place, None if unknown.
        While the gaze is unknown, a look-away continues if the head is still turned aside. It also continues for up to
        `TURNED_AWAY_S` after the face was lost in a turn.
        """
        if gaze is not None and lowered:
            return self._lowered(step, gaze, leans)
        if gaze is None or lids == "closed":
            return self._unseen(step, gaze, missing or ("pose" if gaze is None else "eyes_closed"))
        ahead = self.straight_ahead
        yaw, pitch = self._learn(step, gaze)
        was_away = self._zone not in ("road", "unknown")
        side = _side(yaw, pitch, was_away)
        self._zone = zone = side or "road"
        turned = self._timers.away.length_s >= TURNING_S or math.hypot(yaw, pitch) >= TURNED_DEG
        # The camera may lose a face that turns to these sides. It may read an ear as a face for some frames before.
        if (zone in ("left", "right", "down") and turned) or self._turned_far(gaze):
            self._turned_t = step.t
        elif self._turned_t is not None and step.t - self._turned_t > SACCADE_S:
            self._turned_t = None
        self._low = -pitch > ROAD_PITCH * (RETURN_SHARE if self._low else 1.0) and abs(yaw) <= LOW_WITHIN_YAW
        sample = GazeSample(side is not None, self._low, side, None if side is None else self._movement(gaze))
        yaw, pitch = self._from_estimate(gaze.direction)
        region = self._regions.update(step, yaw, pitch)
        timed = self._timers.update(step, sample)
        target, sure = self._target(gaze, region)
        ahead_or_look = self._look(target, self._movement(gaze), leans) if self._off_ahead else _AHEAD
        look = self._looks.update(step, ahead_or_look)
        source: GazeSource = "eyes+head" if self._irises.used else "head"
        return Gaze(yaw, pitch, zone, region, source, None, *timed, ahead.uncertainty, target, sure, look)

    def _target(self, gaze: GazeDirection, region: GazeRegion | None) -> tuple[GazeTarget, float]:
        """Return the target of this frame and how sure it is. Note whether the gaze is off the road ahead.

        A look is judged by the straight ahead from before it: a stare at the instruments early in a trip is learned,
        and would excuse itself. After `AWAY_AFTER_S` of it the present one counts again: the camera may have moved.
        """
        ahead = self.straight_ahead
        # A blink in a stare, and a glance too short to end it, are part of the look.
        if not (self._off_ahead or self._looks.running):
            self._before = _Before((ahead.yaw, ahead.pitch), ahead.plausible)
        elif self._looks.length_s > AWAY_AFTER_S:
            self._before = None
        before = self._before
        nearby = ahead.from_nearest(gaze.direction, AHEAD_DOWN, before.plausible if before else None)
        self._off_ahead = not is_ahead(*nearby, RETURN_SHARE if self._off_ahead else 1.0)
        origin = before.estimate if before else (ahead.yaw, ahead.pitch)
        yaw, pitch = gaze.direction[0] - origin[0], gaze.direction[1] - origin[1]
        if math.hypot(origin[0] - ahead.yaw, origin[1] - ahead.pitch) > MOVED_DEG:
            region = nearest(yaw, pitch, self._wheel)
        target = find_target(yaw, pitch, region, self._wheel)
        return target, certainty(yaw, pitch, target, ahead.uncertainty, self._wheel)

    @staticmethod
    def _look(target: GazeTarget, movement: Movement, leans: bool | None) -> TargetSample:
        moves: LookMovement = "lean" if leans else movement
        return TargetSample(True, target, moves)

    def _lowered(self, step: TimeStep, gaze: GazeDirection, leans: bool | None) -> Gaze:
        """Take one frame with lids so low that the irises say nothing: a look into the lap, if not closed eyes."""
        self.straight_ahead.update(step, None)
        self._regions.reset()
        self._zone = zone = _side(*self.straight_ahead.from_nearest(gaze.head), was_away=True) or "down"
        yaw, pitch = self._from_estimate(gaze.head)
        self._low = abs(yaw) <= LOW_WITHIN_YAW
        movement: Movement = "lizard" if zone == "down" else "owl"
        timed = self._timers.update(step, GazeSample(True, self._low, zone, movement))
        # The irises say nothing, so a look down is taken to go where a look at nothing of driving goes.
        target: GazeTarget = "lap" if zone == "down" else find_target(yaw, pitch, None, self._wheel)
        self._off_ahead = True
        look = self._looks.update(step, self._look(target, movement, leans))
        # The camera may lose a head that sinks.
        self._turned_t = step.t if zone != "up" and self._timers.away.length_s >= TURNING_S else None
        uncertainty = self.straight_ahead.uncertainty
        return Gaze(yaw, pitch, zone, None, "head", None, *timed, uncertainty, target, None, look)

    def _learn(self, step: TimeStep, gaze: GazeDirection) -> Direction:
        """Learn straight ahead and the irises. Return the gaze from the nearest plausible straight ahead."""
        ahead = self.straight_ahead
        yaw, pitch = ahead.yaw, ahead.pitch
        ahead.update(step, gaze.direction)
        if math.hypot(ahead.yaw - yaw, ahead.pitch - pitch) > MOVED_DEG:
            # Zones and regions were relative to another straight ahead, so their hysteresis has no meaning now.
            self._zone = "unknown"
            self._regions.reset()
        offset = ahead.from_nearest(gaze.direction)
        if step.seamless and ahead.steady and frontal(offset):
            self._irises.learn(step)
        return offset

    def _turned_far(self, gaze: GazeDirection) -> bool:
        """Return whether the gaze has just turned far aside or down from where it rested, wherever the road is."""
        offset = self.straight_ahead.turned_out(gaze.direction, RESTED_S)
        return offset is not None and _side(*offset, was_away=False) != "up"

    def _unseen(self, step: TimeStep, gaze: GazeDirection | None, reason: GazeReason) -> Gaze:
        self.straight_ahead.update(step, None)
        self._regions.reset()
        turned = reason == "no_face" and self._turned_t is not None and step.t - self._turned_t <= TURNED_AWAY_S
        # The lids of a face seen from the side often read as closed. While the head is turned, the look-away continues.
        held = RETURN_SHARE * ROAD_YAW
        turn = None if gaze is None else self.straight_ahead.from_nearest(gaze.head)
        aside = turn is not None and self._timers.away.running and abs(turn[0]) > held
        if not turned and not aside:
            self._turned_t = None
        timed = self._timers.update(step, GazeSample(True, self._low) if turned or aside else None)
        look = self._looks.update(step, TargetSample(True) if turned or aside else None)
        if not self._timers.away.running:
            self._zone, self._low = "unknown", False
        self._off_ahead = self._off_ahead and self._looks.running
        uncertainty = self.straight_ahead.uncertainty
        return Gaze(None, None, "unknown", None, None, reason, *timed, uncertainty, None, None, look)

    def _movement(self, gaze: GazeDirection) -> Movement:
        """Return "owl" if the head makes at least `OWL_SHARE` of the angle along the gaze, else "lizard"."""
        (yaw, pitch), (head_yaw, head_pitch) = self._from_estimate(gaze.direction), self._from_estimate(gaze.head)
        along = head_yaw * yaw + head_pitch * pitch
        return "owl" if along >= OWL_SHARE * (yaw * yaw + pitch * pitch) else "lizard"

    def _from_estimate(self, direction: Direction) -> Direction:
        return direction[0] - self.straight_ahead.yaw, direction[1] - self.straight_ahead.pitch


def _side(yaw: float, pitch: float, was_away: bool) -> OffRoad | None:
    """Return the side furthest beyond its limit, None for the road. `yaw`, `pitch`: from the nearest straight ahead."""
    across, along = abs(yaw) / ROAD_YAW, abs(pitch) / ROAD_PITCH
    if max(across, along) <= (RETURN_SHARE if was_away else 1.0):
        return None
    if across >= along:
        return "left" if yaw > 0.0 else "right"
    return "up" if pitch > 0.0 else "down"
