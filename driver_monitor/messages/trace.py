"""Encodes traces: the observations of all frames, without pictures. `trace_reader` reads them.

A trace is gzipped JSON lines: a header, then one observation a line. Numbers are read back bit for bit. NaN is written
as `NaN`, which strict JSON does not have. The 70 landmarks are not a picture, but they are data about a person
(docs/privacy.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from driver_monitor.data import observation as data
from driver_monitor.data.observation import EXPRESSIONS, Observation

SUFFIX = ".trace.jsonl.gz"
NAME = f"replay{SUFFIX}"
KIND = "driver-monitor trace"
SCHEMA = 1
LANDMARKS = 70

_EYE = attrgetter("opening", "p_closed", "reason")
_SCENE = attrgetter("match", "hidden", "sharpness", "blur")
_FACE_LIGHT = attrgetter("mean", "around", "clipped", "left", "right")
_OBJECTS = attrgetter("phone_left", "phone_right", "hand", "at_mouth", "mask", "mouth_hidden")


@dataclass(frozen=True, slots=True)
class Header:
    """First line of a trace: `trip` (the clip's SHA-256, or random) and the nets' hash. A replay's alerts get both."""

    trip: str
    models: str

    def to_json(self) -> dict[str, Any]:
        """Return the first line of a trace as a JSON object."""
        return {"schema": SCHEMA, "kind": KIND, "trip": self.trip, "models": self.models}


def is_trace(path: Path) -> bool:
    """Return whether the name of the file ends in `SUFFIX`. The file is not read."""
    return path.name.endswith(SUFFIX)


def line(message: Mapping[str, Any]) -> str:
    """Return `message` as one line of a trace, with its line end."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n"


def encode(frame: int, seen: Observation) -> dict[str, Any]:
    """Return frame number and observation as a dict, for `line` and `trace_reader.decode`. `extra` is left out."""
    face, eyes = seen.face, seen.eyes
    return {
        "frame": frame,
        "t": seen.t,
        "camera": seen.camera,
        "light": seen.light,
        "face": None if face is None else _face(face),
        "face_reason": seen.face_reason,
        "eyes": None if eyes is None else [_EYE(eyes.left), _EYE(eyes.right), eyes.iris_yaw, eyes.iris_pitch],
        "lowered": [None, None] if eyes is None else [eyes.left.p_lowered, eyes.right.p_lowered],
        "expression": None if seen.expression is None else [seen.expression.p[name] for name in EXPRESSIONS],
        "vehicle": [seen.vehicle.speed_kmh, seen.vehicle.ignition],
        "rotate_to": seen.rotate_to,
        "bridged": seen.bridged,
        "iris_weight": 1.0 if eyes is None else eyes.iris_weight,
        "grey": seen.grey,
        "face_light": None if seen.face_light is None else _FACE_LIGHT(seen.face_light),
        "scene": None if seen.scene is None else _SCENE(seen.scene),
        "shake": None if seen.shake is None else [seen.shake.x, seen.shake.y],
        "objects": None if seen.objects is None else _OBJECTS(seen.objects),
    }


def _face(face: data.FaceView) -> dict[str, Any]:
    head = face.head
    return {
        "box": [face.box.x, face.box.y, face.box.w, face.box.h],
        "score": face.score,
        "points": [float(str(value)) for value in face.points.ravel()],
        "head": None if head is None else [head.yaw, head.pitch, head.roll],
        "mouth": [face.mouth_opening, face.mouth_hidden],
        "others": face.others,
    }
