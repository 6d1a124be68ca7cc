"""Where the driver looks relative to straight ahead, and for how long it has not been the road."""

from __future__ import annotations

import math

from driver_monitor.observation import EyesView, HeadPose
from driver_monitor.state.cadence import Step
from driver_monitor.state.driver_state import EyesVerdict, Gaze, GazeZone
from driver_monitor.state.straight_ahead import StraightAhead
from driver_monitor.state.stretch import Stretch

AWAY_YAW, AWAY_DOWN, AWAY_UP = 25.0, 25.0, 25.0
"""Degrees from straight ahead at which the gaze leaves the road. EU 2023/2590 asks for a warning beyond 30 degrees
down; 5 less, because with `IRIS_SHARE` the eyes' part of a gaze is counted low."""
RETURN_SHARE = 0.8
"""The gaze is back on the road within this share of those angles (hysteresis)."""
IRIS_SHARE = 0.5
"""How much of the iris's turn is added to the head's. The whole would be right, but iris centres found in a face of
a few hundred pixels are good to several degrees only; half bounds what their errors can do."""
SACCADE_S = 0.25
"""A return to the road must last so long to end a look away (EU 2023/2590: short saccades must not reset the timer,
tolerance at least 50 ms; a glance that takes anything in lasts 0.2 to 0.3 s)."""
BRIDGE_S = 1.0
"""Unknown for longer: how long the gaze has been away is unknown too."""
TURNED_AWAY_S = 3.5
"""A face lost while it turned away to the side goes on being away for so long; after that it is unknown."""

Direction = tuple[float, float]


class GazeTracker:
    """Zones with hysteresis, and the look-away timer."""

    def __init__(self) -> None:
        self.straight_ahead = StraightAhead()
        self._away = Stretch(forgive_s=SACCADE_S, bridge_s=BRIDGE_S)
        self._zone: GazeZone = "unknown"
        self._turned_t: float | None = None

    def direction(self, head: HeadPose | None, eyes: EyesView | None) -> Direction | None:
        """Return (yaw, pitch) of the gaze in degrees from the camera's axis, None when the head cannot be told."""
        if head is None or not (math.isfinite(head.yaw) and math.isfinite(head.pitch)):
            return None
        if eyes is None:
            return (head.yaw, head.pitch)
        return (head.yaw + _part(eyes.iris_yaw), head.pitch + _part(eyes.iris_pitch))

    def update(self, step: Step, direction: Direction | None, lids: EyesVerdict, face_lost: bool) -> Gaze:
        """Take one frame.

        `direction` from `direction()`; `lids`: shut eyes look nowhere; `face_lost`: the picture is fine but shows
        no face.
        """
        if direction is None or lids == "closed":
            return self._unseen(step, face_lost)
        before = self.straight_ahead.status
        self.straight_ahead.update(step, direction)
        if self.straight_ahead.status != before:
            # Hysteresis about a direction that is no longer taken for straight ahead would mean nothing.
            self._zone = "unknown"
        yaw, pitch = direction[0] - self.straight_ahead.yaw, direction[1] - self.straight_ahead.pitch
        zone = self._zone = _zone(yaw, pitch, was_away=self._zone not in ("road", "unknown"))
        self._turned_t = step.t if zone in ("left", "right") else None
        self._away.update(step, zone != "road")
        return Gaze(yaw, pitch, zone, self._away.value_s)

    def _unseen(self, step: Step, face_lost: bool) -> Gaze:
        self.straight_ahead.update(step, None)
        turned = face_lost and self._turned_t is not None and step.t - self._turned_t <= TURNED_AWAY_S
        if not turned:
            self._turned_t = None
        self._away.update(step, True if turned else None)
        if not self._away.running:
            self._zone = "unknown"
        return Gaze(None, None, "unknown", self._away.value_s)


def _part(iris: float | None) -> float:
    return IRIS_SHARE * iris if iris is not None and math.isfinite(iris) else 0.0


def _zone(yaw: float, pitch: float, was_away: bool) -> GazeZone:
    """Name the direction (degrees from straight ahead); the one furthest beyond its limit wins."""
    shares: dict[GazeZone, float] = {
        "left": yaw / AWAY_YAW,
        "right": -yaw / AWAY_YAW,
        "down": -pitch / AWAY_DOWN,
        "up": pitch / AWAY_UP,
    }
    zone = max(shares, key=lambda name: shares[name])
    limit = RETURN_SHARE if was_away else 1.0
    return zone if shares[zone] > limit else "road"
