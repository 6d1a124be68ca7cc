"""Signals of the picture: camera, light, face, and what prevents a good view."""

from __future__ import annotations

from typing import Any, get_args

from driver_monitor.data.driver_state import Cover, Degraded, DriverState
from driver_monitor.data.observation import CameraState, FaceReason, Light
from driver_monitor.signals.signal import JsonObject, Topic, public


def _has_face(state: DriverState) -> bool:
    return state.face is not None


def _has_no_face(state: DriverState) -> bool:
    return state.face is None


def _box(state: DriverState) -> Any:
    box = state.face.box if state.face else None
    return [box.x, box.y, box.w, box.h] if box else None


OBJECTS = (
    JsonObject("face", "the driver's face, from brows to chin"),
    JsonObject(
        "occlusion", "what has covered the face for about a second; both fields are `null` without a face",
        lambda s: s.occlusion is not None,
    ),
)  # fmt: skip
ROWS = (
    public("schema", lambda _: None, "version of these fields", rule=False),
    public("frame", lambda _: None, "number of the decoded frame, from 0; not in `state/`", rule=False),
    public("t", lambda s: s.t, "time since the first frame", "s", digits=3, rule=False),
    public("face.present", _has_face, "the driver's face is in the picture", kind="bool"),
    public(
        "face.reason", lambda s: s.face_reason, "why there is no face; left out with a face", kind="text",
        choices=get_args(FaceReason), json_while=_has_no_face, rule=False,
    ),
    public(
        "face.box", _box, "left, top, width and height; left out without a face", "px", "list", digits=1,
        json_while=_has_face, rule=False,
    ),
    public(
        "face.score", lambda s: s.face.score if s.face else None,
        "probability that it is a face; left out without a face", digits=3, high=1.0, json_while=_has_face, rule=False,
    ),
    public(
        "face.others", lambda s: s.face.others if s.face else None,
        "faces of other people in the last search of the whole picture (every second, later every five); `null` before "
        "the first search; left out without a face", json_while=_has_face, rule=False,
    ),
    public("face.absent_s", lambda s: s.face_absent_s, "how long there has been no face", "s", json=None),
    public(
        "camera.state", lambda s: s.camera, "whether the camera gives usable pictures", kind="text",
        choices=get_args(CameraState), json=None,
    ),
    public("camera.fault_s", lambda s: s.camera_fault_s, "how long there has been no usable picture", "s", json=None),
    public("light", lambda s: s.light, "light in the whole picture", kind="text", choices=get_args(Light)),
    public(
        "degraded", lambda s: s.degraded or "no", "why the driver has not been fully visible for some seconds, or no",
        kind="text", choices=("no", *get_args(Degraded)), json_values={"no": None},
    ),
    public(
        "occlusion.mouth", lambda s: s.occlusion.mouth if s.occlusion else None, "a mask or a hand covers the mouth",
        kind="bool",
    ),
    public(
        "occlusion.eyes", lambda s: (s.occlusion.eyes or "no") if s.occlusion else None,
        "what covers both eyes, or no", kind="text", choices=("no", *get_args(Cover)), json_values={"no": None},
    ),
)  # fmt: skip
TOPIC = Topic("Picture and face", OBJECTS, ROWS)
