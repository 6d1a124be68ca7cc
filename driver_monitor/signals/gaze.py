"""Signals of head and gaze."""

from __future__ import annotations

from typing import get_args

from driver_monitor.data.driver_state import (
    DriverState,
    GazeReason,
    GazeRegion,
    GazeSource,
    GazeZone,
    Movement,
    OffRoad,
)
from driver_monitor.signals.signal import JsonObject, Topic, public


def _window(state: DriverState) -> float:
    return state.gaze.glances.window_s


def _coverage(state: DriverState) -> float:
    return state.gaze.glances.coverage


def _interval(state: DriverState) -> tuple[float, float] | None:
    glances = state.gaze.glances
    return None if glances.away_s is None else (glances.away_s, glances.most_s)


OBJECTS = (
    JsonObject("head", "head pose, seen from the camera; `null` while unknown", lambda s: s.head is not None),
    JsonObject(
        "gaze", "where the driver looks, from this driver's learned straight ahead; `null` while unknown",
        lambda s: s.gaze.yaw is not None and s.gaze.pitch is not None,
    ),
    JsonObject("glances", "the present look-away and the repeated glances"),
    JsonObject(
        "glance", "the glance that ended with this frame; else `null`", lambda s: s.gaze.away.ended is not None
    ),
)  # fmt: skip
ROWS = (
    public(
        "head.yaw", lambda s: s.head.yaw if s.head else None, "head turn, + to the driver's left", "deg",
        low=-180, high=180, digits=1,
    ),
    public(
        "head.pitch", lambda s: s.head.pitch if s.head else None, "head nod, + up", "deg", low=-180, high=180, digits=1
    ),
    public(
        "head.roll", lambda s: s.head.roll if s.head else None, "head tilt, + to the driver's right", "deg",
        low=-180, high=180, digits=1,
    ),
    public(
        "gaze.yaw", lambda s: s.gaze.yaw, "gaze from straight ahead, + left", "deg", low=-180, high=180, digits=1
    ),
    public(
        "gaze.pitch", lambda s: s.gaze.pitch, "gaze from straight ahead, + up", "deg", low=-180, high=180, digits=1
    ),
    public(
        "gaze.zone", lambda s: None if s.gaze.zone == "unknown" else s.gaze.zone, "where the driver looks",
        kind="text", choices=tuple(name for name in get_args(GazeZone) if name != "unknown"),
        json_values={None: "unknown"},
    ),
    public(
        "gaze.region", lambda s: s.gaze.region, "part of the car the driver looks at", kind="text",
        choices=get_args(GazeRegion),
    ),
    public(
        "gaze.source", lambda s: s.gaze.source, "`head` when the irises are not visible", kind="text",
        choices=get_args(GazeSource), rule=False,
    ),
    public(
        "gaze_reason", lambda s: s.gaze.reason, "why the gaze is unknown", kind="text", choices=get_args(GazeReason),
        rule=False,
    ),
    public(
        "gaze.away_s", lambda s: s.gaze.away.seconds, "how long the gaze has been off the road, 0 on it", "s",
        json="glances.away_s", digits=3, returning=lambda s: s.gaze.away.returning,
    ),
    public(
        "gaze.down_s", lambda s: s.gaze.away.down_s, "how long the gaze has been in area 3, low in front of the driver",
        "s", json="glances.down_s", digits=3, returning=lambda s: s.gaze.away.rising,
    ),
    public(
        "gaze.side", lambda s: s.gaze.away.side, "side on which most of the present look-away lies",
        kind="text", choices=get_args(OffRoad), json="glances.side",
    ),
    public(
        "gaze.movement", lambda s: s.gaze.away.movement,
        "what moves most in the present look-away: the head (owl) or the eyes (lizard)",
        kind="text", choices=get_args(Movement), json="glances.movement",
    ),
    public(
        "gaze.road_s", lambda s: s.gaze.glances.road_s, "how long the gaze has been on the road, 0 when not", "s",
        json=None,
    ),
    public(
        "gaze.glances_s", lambda s: s.gaze.glances.away_s,
        "time away from the road in the window, since it was last kept on the road for 2 s", "s",
        json="glances.total_s", digits=3, window_s=_window, coverage=_coverage, interval=_interval,
    ),
    public(
        "glances.most_s", lambda s: s.gaze.glances.most_s,
        "highest possible `glances.total_s`: the gaze was away in all time in which it is unknown", "s",
        digits=3, rule=False,
    ),
    public(
        "gaze.glances", lambda s: s.gaze.glances.count, "look-aways that make up that time", json="glances.count",
        window_s=_window, coverage=_coverage,
    ),
    public("glances.window_s", _window, "length of the window", "s", rule=False),
    public(
        "glances.coverage", _coverage, "share of the window in which the gaze is known", digits=3, high=1.0, rule=False
    ),
    public(
        "glance.duration_s", lambda s: s.gaze.away.ended.duration_s if s.gaze.away.ended else None,
        "how long it lasted", "s", digits=3, rule=False,
    ),
    public(
        "glance.side", lambda s: s.gaze.away.ended.side if s.gaze.away.ended else None,
        "the side for most of the time", kind="text", choices=get_args(OffRoad), rule=False,
    ),
    public(
        "glance.movement", lambda s: s.gaze.away.ended.movement if s.gaze.away.ended else None,
        "the movement for most of the time", kind="text", choices=get_args(Movement), rule=False,
    ),
)  # fmt: skip
TOPIC = Topic("Head and gaze", OBJECTS, ROWS)
