"""The JSON objects of signals.jsonl, of the topic `state/` and of `inspect`: one place for their fields.

Times in seconds, angles in degrees, lengths in pixels, probabilities 0 to 1. None is *unknown*.
"""

from __future__ import annotations

from typing import Any

from driver_monitor.observation import FaceView
from driver_monitor.outputs.envelope import SCHEMA
from driver_monitor.rules.alert import Verdict
from driver_monitor.state.driver_state import DriverState, Emotion, Gaze


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
    eyes, perclos, mouth = state.eyes, state.perclos, state.mouth
    return {
        "eyes": {
            "state": eyes.state,
            "openness": _round(eyes.openness, 3),
            "left": _round(eyes.left, 3),
            "right": _round(eyes.right, 3),
            "reason": eyes.reason,
        },
        "head": None
        if state.head is None
        else {
            "yaw": round(state.head.yaw, 1),
            "pitch": round(state.head.pitch, 1),
            "roll": round(state.head.roll, 1),
        },
        "gaze": _gaze(state.gaze),
        "mouth": None
        if mouth.opening is None
        else {"opening": round(mouth.opening, 3), "yawning": mouth.yawning, "yawns": mouth.yawns},
        "emotion": _emotion(state.emotion),
        "perclos": {
            "value": _round(perclos.value, 4),
            "coverage": round(perclos.coverage, 3),
            "window_s": perclos.window_s,
        },
        "blink_rate": _round(state.blink_rate, 1),
        "drowsiness": None
        if state.drowsiness is None
        else {
            "kss": round(state.drowsiness.kss, 1),
            "low": round(state.drowsiness.low, 1),
            "high": round(state.drowsiness.high, 1),
            "reason": state.drowsiness.reason,
        },
        "attention": verdict.attention,
        "degraded": state.degraded,
        "light": state.light,
        "alerts": list(verdict.active),
    }


def _face(state: DriverState) -> dict[str, Any]:
    face: FaceView | None = state.face
    if face is None:
        return {"present": False, "reason": state.face_reason}
    box = [round(value, 1) for value in (face.box.x, face.box.y, face.box.w, face.box.h)]
    return {"present": True, "box": box, "score": round(face.score, 3)}


def _gaze(gaze: Gaze) -> dict[str, Any] | None:
    if gaze.yaw is None or gaze.pitch is None:
        return None
    return {"yaw": round(gaze.yaw, 1), "pitch": round(gaze.pitch, 1), "zone": gaze.zone}


def _emotion(emotion: Emotion | None) -> dict[str, Any] | None:
    if emotion is None:
        return None
    return {"label": emotion.label, "p": {name: round(p, 3) for name, p in emotion.p.items()}}


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
