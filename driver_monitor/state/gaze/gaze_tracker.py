"""Where the driver looks relative to straight ahead, and for how long it has not been the road."""

from __future__ import annotations

import math
from dataclasses import dataclass

from driver_monitor.data.driver_state import (
    EyesVerdict,
    Gaze,
    GazeReason,
    GazeSource,
    GazeZone,
    Movement,
    OffRoad,
)
from driver_monitor.data.observation import EyesView, HeadPose
from driver_monitor.state.gaze.looks_away import GazeSample, LookAwayTimers
from driver_monitor.state.gaze.regions import RegionTracker, Wheel
from driver_monitor.state.gaze.straight_ahead import StraightAhead
from driver_monitor.timing.cadence import TimeStep
from driver_monitor.timing.histogram import TimeHistogram
from driver_monitor.timing.learning import MEMORY_S, REFRESH_S, status

AWAY_YAW, AWAY_DOWN, AWAY_UP = 25.0, 25.0, 25.0
"""Degrees from straight ahead at which the gaze leaves the road. EU 2023/2590 asks for a warning beyond 30 degrees
down; 5 less, because the eyes' part of it is often hidden by the lids and the head alone goes less far."""
RETURN_SHARE = 0.8
"""The gaze is back on the road within this share of those angles (hysteresis)."""
IRIS_SHARE = 0.7
"""How much of the irises' turn is added to the head's. Looks aside with the eyes only, about 20 degrees by their label,
measure 27 (incar_4): the corners of the eye as seen are nearer to each other than WIDTH_MM says (`eyes.iris`)."""
IRIS_REST = (0.0, 4.0)
"""Where irises rest, (yaw, pitch) in degrees, until this driver's own is learned: the corners of the eye lie lower than
its middle. Medians of the clips' ordinary frames are 0 to 13 and -2 to 9."""
IRIS_BOUNDS = 45.0
"""Irises turn no further."""
MOVED_DEG = 5.0
"""Straight ahead was learned anew if it moves so far at once: the width of the hysteresis."""
TURNED_AWAY_S = 3.5
"""A face lost while it turned away to the side or down goes on being away for so long; after that it is unknown."""
TURNING_S, TURNED_DEG = 0.1, 40.0
"""The look away must have lasted so long before, or gone so far: one frame of a face at the edge of the road is no
turn, but a head that turns to the back seat is beyond in a frame or two."""
LOW_WITHIN_YAW = 55.0
"""Degrees to each side within which a look down is one into EU 2023/2590's area 3."""
OWL_SHARE = 0.5
"""A look is an owl's when the head makes at least so much of its angle (Euro NCAP: "primarily" the head)."""
_OUT_OF_SIGHT = ("left", "right", "down")
"""Zones in which the camera may lose the face."""

Direction = tuple[float, float]


@dataclass(frozen=True, slots=True)
class GazeDirection:
    """A direction in one frame: (yaw, pitch) of head and irises together, degrees from the camera's axis.

    `iris`: what the irises themselves turn in the head's frame, None where they cannot be told.
    """

    direction: Direction
    head: Direction
    iris: Direction | None


class IrisNeutral:
    """Where this driver's irises rest while the driver looks straight ahead: medians over time, by axis."""

    def __init__(self) -> None:
        self._yaws = TimeHistogram(-IRIS_BOUNDS, IRIS_BOUNDS, 1.0)
        self._pitches = TimeHistogram(-IRIS_BOUNDS, IRIS_BOUNDS, 1.0)
        self._refreshed_s = 0.0
        self.rest: Direction = IRIS_REST

    def learn(self, seconds: float, iris: Direction) -> None:
        """Take irises of a driver who looks ahead, for `seconds`."""
        if not (self._yaws.accepts(iris[0]) and self._pitches.accepts(iris[1])):
            return
        settled = status(self._yaws.total_s) == "final"
        for histogram, angle in ((self._yaws, iris[0]), (self._pitches, iris[1])):
            histogram.add(angle, seconds, MEMORY_S if settled else None)
        learned = self._yaws.total_s
        if status(learned) != "prior" and learned - self._refreshed_s >= REFRESH_S:
            self._refreshed_s = learned
            self.rest = (self._yaws.quantile(0.5), self._pitches.quantile(0.5))


class GazeTracker:
    """Zones and regions with hysteresis, and the look-away timer. `wheel`: the driver's side of the car."""

    def __init__(self, wheel: Wheel = "left") -> None:
        self.straight_ahead = StraightAhead()
        self._irises = IrisNeutral()
        self._regions = RegionTracker(wheel)
        self._timers = LookAwayTimers()
        self._low = False
        self._zone: GazeZone = "unknown"
        self._turned_t: float | None = None

    def look(self, head: HeadPose | None, eyes: EyesView | None) -> GazeDirection | None:
        """Return where head and eyes point, None when the head cannot be told."""
        if head is None or not (math.isfinite(head.yaw) and math.isfinite(head.pitch)):
            return None
        facing = (head.yaw, head.pitch)
        iris = _iris(eyes)
        if iris is None:
            return GazeDirection(facing, facing, None)
        # What the eyes turn out of their rest: a look of the head alone then has the same zero as one with the eyes.
        off = (iris[0] - self._irises.rest[0], iris[1] - self._irises.rest[1])
        return GazeDirection((facing[0] + IRIS_SHARE * off[0], facing[1] + IRIS_SHARE * off[1]), facing, iris)

    def update(self, step: TimeStep, look: GazeDirection | None, lids: EyesVerdict, missing: GazeReason | None) -> Gaze:
        """Take one frame.

        `look` from `look()`; `lids`: shut eyes look nowhere; `missing`: why there is no face to look from, if so.
        """
        if look is None or lids == "closed":
            return self._unseen(step, look, missing or ("pose" if look is None else "eyes_closed"))
        ahead = self.straight_ahead
        before = ahead.status, ahead.yaw, ahead.pitch
        ahead.update(step, look.direction)
        if ahead.status != before[0] or math.hypot(ahead.yaw - before[1], ahead.pitch - before[2]) > MOVED_DEG:
            # Hysteresis about a direction that is no longer taken for straight ahead would mean nothing.
            self._zone = "unknown"
            self._regions.reset()
        if look.iris and step.seamless and ahead.teaches(look.direction):
            self._irises.learn(step.dt, look.iris)
        yaw, pitch = self._from_ahead(look.direction)
        # While ahead may be in either of two places, which lie at the edges of the zone, hysteresis would shut one out.
        was_away = self._zone not in ("road", "unknown") and not ahead.held_back
        side = _side(yaw, pitch, was_away)
        zone: GazeZone = side or "road"
        self._zone = zone
        turned = self._timers.away_s >= TURNING_S or math.hypot(yaw, pitch) >= TURNED_DEG
        self._turned_t = step.t if zone in _OUT_OF_SIGHT and turned else None
        self._low = -pitch > AWAY_DOWN * (RETURN_SHARE if self._low else 1.0) and abs(yaw) <= LOW_WITHIN_YAW
        region, source = self._regions.update(step, yaw, pitch), _source(look)
        movement = None if side is None else self._movement(look)
        timed = self._timers.update(step, GazeSample(side is not None, self._low, side, movement))
        return Gaze(yaw, pitch, zone, region, source, None, *timed)

    def _unseen(self, step: TimeStep, look: GazeDirection | None, reason: GazeReason) -> Gaze:
        self.straight_ahead.update(step, None)
        self._regions.reset()
        turned = reason == "no_face" and self._turned_t is not None and step.t - self._turned_t <= TURNED_AWAY_S
        # Lids of a face seen from the side often read shut; while the head stays turned, a look away goes on.
        held = RETURN_SHARE * AWAY_YAW
        aside = look is not None and self._timers.running and abs(self._from_ahead(look.head)[0]) > held
        if not turned and not aside:
            self._turned_t = None
        timed = self._timers.update(step, GazeSample(True, self._low) if turned or aside else None)
        if not self._timers.running:
            self._zone, self._low = "unknown", False
        return Gaze(None, None, "unknown", None, None, reason, *timed)

    def _movement(self, look: GazeDirection) -> Movement:
        """Say what makes the look: how far the head goes along the gaze, against the whole of it."""
        (yaw, pitch), (head_yaw, head_pitch) = self._from_ahead(look.direction), self._from_ahead(look.head)
        along = head_yaw * yaw + head_pitch * pitch
        return "owl" if along >= OWL_SHARE * (yaw * yaw + pitch * pitch) else "lizard"

    def _from_ahead(self, direction: Direction) -> Direction:
        return direction[0] - self.straight_ahead.yaw, direction[1] - self.straight_ahead.pitch


def _iris(eyes: EyesView | None) -> Direction | None:
    if eyes is None or eyes.iris_yaw is None or eyes.iris_pitch is None:
        return None
    return (eyes.iris_yaw, eyes.iris_pitch) if math.isfinite(eyes.iris_yaw + eyes.iris_pitch) else None


def _source(look: GazeDirection) -> GazeSource:
    return "head" if look.iris is None else "eyes+head"


def _side(yaw: float, pitch: float, was_away: bool) -> OffRoad | None:
    """Name the side (degrees from straight ahead), None for the road; the one furthest beyond its limit wins."""
    shares: dict[OffRoad, float] = {
        "left": yaw / AWAY_YAW,
        "right": -yaw / AWAY_YAW,
        "down": -pitch / AWAY_DOWN,
        "up": pitch / AWAY_UP,
    }
    side = max(shares, key=lambda name: shares[name])
    limit = RETURN_SHARE if was_away else 1.0
    return side if shares[side] > limit else None
