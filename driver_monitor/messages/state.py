"""The JSON objects of signals.jsonl, of the topic `state/` and of `inspect`: one place for their fields.

Times in seconds, angles in degrees, lengths in pixels, probabilities 0 to 1. None is *unknown*.
"""

from __future__ import annotations

from typing import Any

from driver_monitor.data.alert import Verdict
from driver_monitor.data.driver_state import (
    Blink,
    DriverState,
    Drowsiness,
    ExpressionState,
    EyesState,
    Gaze,
    Glance,
    Mouth,
    Occlusion,
)
from driver_monitor.data.observation import HeadPose
from driver_monitor.messages.envelope import SCHEMA


def signals(frame: int, state: DriverState, verdict: Verdict) -> dict[str, Any]:
    """Return one line of signals.jsonl; `frame` counts the clip's frames from 0 as decoded."""
    return {
        "schema": SCHEMA,
        "frame": frame,
        "t": round(state.t, 3),
        "face": _face(state),
        **_driver(state, verdict),
    }


def state_message(state: DriverState, verdict: Verdict) -> dict[str, Any]:
    """Return the payload of the topic `state/`: the fields of signals.jsonl from `eyes` on, and the time."""
    return {"schema": SCHEMA, "t": round(state.t, 3), **_driver(state, verdict)}


def _driver(state: DriverState, verdict: Verdict) -> dict[str, Any]:
    perclos = state.perclos
    return {
        "eyes": _eyes(state.eyes),
        "head": _head(state.head),
        "gaze": _gaze(state.gaze),
        "gaze_reason": state.gaze.reason,
        "glances": _glances(state.gaze),
        "mouth": _mouth(state.mouth),
        "emotion": _emotion(state.emotion),
        "perclos": {
            "value": _round(perclos.value, 4),
            "low": round(perclos.low, 4),
            "high": round(perclos.high, 4),
            "coverage": round(perclos.coverage, 3),
            "window_s": perclos.window_s,
        },
        "blink_rate": _round(state.blink_rate, 1),
        "blink": _blink(state.blink),
        "glance": _glance(state.gaze.away.ended),
        "nods": state.nods,
        "drowsiness": _drowsiness(state.drowsiness),
        "attention": verdict.attention,
        "degraded": state.degraded,
        "occlusion": _occlusion(state.occlusion),
        "light": state.light,
        "car": {"speed_kmh": _round(state.vehicle.speed_kmh, 1), "ignition": state.vehicle.ignition},
        "alerts": list(verdict.active),
    }


def _blink(blink: Blink | None) -> dict[str, Any] | None:
    if blink is None:
        return None
    return {
        "duration_s": round(blink.duration_s, 3),
        "amplitude": round(blink.amplitude, 3),
        "closing_per_s": round(blink.closing_per_s, 2),
        "opening_per_s": round(blink.opening_per_s, 2),
    }


def _glance(glance: Glance | None) -> dict[str, Any] | None:
    if glance is None:
        return None
    return {"duration_s": round(glance.duration_s, 3), "side": glance.side, "movement": glance.movement}


def _eyes(eyes: EyesState) -> dict[str, Any]:
    return {
        "state": eyes.state,
        "openness": _round(eyes.openness, 3),
        "left": _round(eyes.left, 3),
        "right": _round(eyes.right, 3),
        "reason": eyes.reason,
    }


def _head(head: HeadPose | None) -> dict[str, Any] | None:
    if head is None:
        return None
    return {"yaw": round(head.yaw, 1), "pitch": round(head.pitch, 1), "roll": round(head.roll, 1)}


def _mouth(mouth: Mouth) -> dict[str, Any] | None:
    if mouth.opening is None:
        return None
    return {"opening": round(mouth.opening, 3), "yawning": mouth.yawning, "yawns": mouth.yawns}


def _drowsiness(drowsiness: Drowsiness | None) -> dict[str, Any] | None:
    if drowsiness is None:
        return None
    kss, low, high = (round(value, 1) for value in (drowsiness.kss, drowsiness.low, drowsiness.high))
    return {"kss": kss, "low": low, "high": high, "reason": drowsiness.reason}


def _face(state: DriverState) -> dict[str, Any]:
    face = state.face
    if face is None:
        return {"present": False, "reason": state.face_reason}
    box = [round(value, 1) for value in (face.box.x, face.box.y, face.box.w, face.box.h)]
    return {"present": True, "box": box, "score": round(face.score, 3), "others": face.others}


def _gaze(gaze: Gaze) -> dict[str, Any] | None:
    if gaze.yaw is None or gaze.pitch is None:
        return None
    angles = {"yaw": round(gaze.yaw, 1), "pitch": round(gaze.pitch, 1)}
    return {**angles, "zone": gaze.zone, "region": gaze.region, "source": gaze.source}


def _glances(gaze: Gaze) -> dict[str, Any]:
    glances = gaze.glances
    return {
        "away_s": _round(gaze.away.seconds, 3),
        "down_s": _round(gaze.away.down_s, 3),
        "side": gaze.away.side,
        "movement": gaze.away.movement,
        "total_s": _round(glances.away_s, 3),
        "most_s": round(glances.most_s, 3),
        "count": glances.count,
        "window_s": glances.window_s,
        "coverage": round(glances.coverage, 3),
    }


def _occlusion(occlusion: Occlusion | None) -> dict[str, Any] | None:
    return None if occlusion is None else {"mouth": occlusion.mouth, "eyes": occlusion.eyes}


def _emotion(emotion: ExpressionState | None) -> dict[str, Any] | None:
    if emotion is None:
        return None
    return {
        "label": emotion.label,
        "p": {name: round(p, 3) for name, p in emotion.p.items()},
        "intensity": _round(emotion.intensity, 3),
        "held_s": _round(emotion.held_s, 3),
        "flash": emotion.flash,
    }


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
