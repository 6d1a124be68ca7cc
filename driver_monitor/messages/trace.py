"""Traces: what was seen, frame by frame, without any picture, so that a fault can be reported and replayed.

JSON lines, gzipped: a header, then one observation a line. Numbers are written so that they come back bit for bit; a
number that is none stands as `NaN`, which strict JSON does not know. Landmarks are a face's outline in 70 points: no
picture, but still of a person (docs/privacy.md).
"""

from __future__ import annotations

import gzip
import json
import logging
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from driver_monitor.data.observation import (
    EXPRESSIONS,
    FASTEST_KMH,
    Box,
    CameraState,
    Expression,
    EyeReason,
    EyesView,
    EyeView,
    FaceReason,
    FaceView,
    HeadPose,
    Light,
    Observation,
    VehicleData,
)
from driver_monitor.errors import SourceError

SUFFIX = ".trace.jsonl.gz"
NAME = f"replay{SUFFIX}"
KIND = "driver-monitor trace"
SCHEMA = 1
LANDMARKS = 70
MAX_PIXEL = 1e6
LONGEST_LINE = 100_000
"""Characters; a whole observation takes some 2,500."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Header:
    """Where a trace comes from. `trip` and `models` as in the alerts, so that a replay gives the very same ones."""

    trip: str
    models: str

    def to_json(self) -> dict[str, Any]:
        """Return the first line."""
        return {"schema": SCHEMA, "kind": KIND, "trip": self.trip, "models": self.models}


def is_trace(path: Path) -> bool:
    """Tell a trace by its name."""
    return path.name.endswith(SUFFIX)


def line(message: Mapping[str, Any]) -> str:
    """Return one line of a trace."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n"


def encode(frame: int, seen: Observation) -> dict[str, Any]:
    """Return frame number and observation as JSON."""
    face, eyes = seen.face, seen.eyes
    return {
        "frame": frame,
        "t": seen.t,
        "camera": seen.camera,
        "light": seen.light,
        "face": None if face is None else _face(face),
        "face_reason": seen.face_reason,
        "eyes": None if eyes is None else [*map(_eye, (eyes.left, eyes.right)), eyes.iris_yaw, eyes.iris_pitch],
        "expression": None if seen.expression is None else [seen.expression.p[name] for name in EXPRESSIONS],
        "vehicle": [seen.vehicle.speed_kmh, seen.vehicle.ignition],
    }


def _face(face: FaceView) -> dict[str, Any]:
    head = face.head
    return {
        "box": [face.box.x, face.box.y, face.box.w, face.box.h],
        "score": face.score,
        "points": [float(str(value)) for value in face.points.ravel()],
        "head": None if head is None else [head.yaw, head.pitch, head.roll],
        "mouth": [face.mouth_opening, face.mouth_hidden],
        "others": face.others,
    }


def _eye(eye: EyeView) -> list[Any]:
    return [eye.opening, eye.p_closed, eye.reason]


def decode(message: Any) -> tuple[int, Observation]:
    """Return frame number and observation of a line. Raises `ValueError` saying what is wrong."""
    try:
        face, eyes, p = message["face"], message["eyes"], message["expression"]
        frame, reason = message["frame"], message["face_reason"]
        if isinstance(frame, bool) or not isinstance(frame, int) or frame < 0:
            raise ValueError("frame: expected a number from 0")
        return frame, Observation(
            _number(message["t"]),
            _one_of(message["camera"], get_args(CameraState)),
            _one_of(message["light"], get_args(Light)),
            None if face is None else _to_face(face),
            None if eyes is None else EyesView(_to_eye(eyes[0]), _to_eye(eyes[1]), _angle(eyes[2]), _angle(eyes[3])),
            None if p is None else Expression(dict(zip(EXPRESSIONS, map(_share, p), strict=True))),
            None if reason is None else _one_of(reason, get_args(FaceReason)),
            VehicleData(_speed(message["vehicle"][0]), _switch(message["vehicle"][1])),
        )
    except KeyError as error:
        raise ValueError(f"{error.args[0]}: missing") from None
    except (TypeError, IndexError, AttributeError):
        raise ValueError("not an observation") from None


def _to_face(face: Any) -> FaceView:
    points = np.array([_pixel(value) for value in face["points"]], np.float32)
    if points.size != 2 * LANDMARKS:
        raise ValueError(f"points: expected {2 * LANDMARKS} numbers, found {points.size}")
    box = [_pixel(value) for value in face["box"]]
    head, others = face["head"], face["others"]
    if others is not None and not isinstance(others, int):
        raise ValueError("others: expected a whole number")
    return FaceView(
        Box(*box), _share(face["score"]), points.reshape(-1, 2),
        None if head is None else HeadPose(*(_number(_angle(value)) for value in head)),
        _within(face["mouth"][0], -100.0, 100.0), _within(face["mouth"][1], 0.0, 1.0), others,
    )  # fmt: skip


def _to_eye(eye: Any) -> EyeView:
    reason = eye[2]
    return EyeView(
        _within(eye[0], -10.0, 10.0),
        _within(eye[1], 0.0, 1.0),
        None if reason is None else _one_of(reason, get_args(EyeReason)),
    )


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"expected a number, found {value!r:.40}")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _within(value: Any, low: float, high: float) -> float | None:
    """Return a number of a range, NaN, or None where there is none."""
    if value is None:
        return None
    number = _number(value)
    if not (math.isnan(number) or low <= number <= high):
        raise ValueError(f"expected a number from {low:g} to {high:g}, found {value!r:.40}")
    return number


def _angle(value: Any) -> float | None:
    return _within(value, -360.0, 360.0)


def _speed(value: Any) -> float | None:
    if isinstance(value, float) and math.isnan(value):
        raise ValueError("expected a speed in km/h or null, found NaN")
    return _within(value, 0.0, FASTEST_KMH)


def _pixel(value: Any) -> float:
    number = _number(value)
    if not abs(number) <= MAX_PIXEL:
        raise ValueError(f"expected pixels, found {value!r:.40}")
    return number


def _share(value: Any) -> float:
    number = _number(value)
    if not 0 <= number <= 1 + 1e-6:
        raise ValueError(f"expected a number from 0 to 1, found {value!r:.40}")
    return number


def _switch(value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"expected true, false or null, found {value!r:.40}")
    return value


def _one_of(value: Any, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        raise ValueError(f"expected one of {', '.join(allowed)}, found {value!r:.40}")
    return value


def read(path: Path) -> tuple[Header, Iterator[tuple[int, Observation]]]:
    """Return the header of a trace and, frame by frame, what was seen. Raises `SourceError`, also later."""
    lines = _lines(path)
    first = next(lines, None)
    message = {} if first is None else _json(path, *first)
    if not isinstance(message, dict) or message.get("kind") != KIND:
        raise SourceError(f"{path}:1: not a trace of driver-monitor; write one with replay --trace or run --trace")
    if message.get("schema") != SCHEMA:
        raise SourceError(f"{path}:1: schema {message.get('schema')!r:.20}, this version reads {SCHEMA}")
    return Header(str(message.get("trip")), str(message.get("models"))), _frames(path, lines)


def _frames(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, Observation]]:
    for number, text in lines:
        try:
            yield decode(_json(path, number, text))
        except ValueError as error:
            raise SourceError(f"{path}:{number}: {error}") from None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    if path.exists() and not path.is_file():
        raise SourceError(f"{path}: not a file; give a trace written with replay --trace or run --trace")
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            while text := file.readline(LONGEST_LINE):
                number += 1
                yield number, text
    except EOFError:
        # The daemon's power went: what is whole before that is as good as ever.
        _log.warning("%s: cut off after line %d; what stands before that is replayed", path, number)
        return
    except (gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: not a gzipped trace, or damaged: {error}") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot read it: {error.strerror or error}; check the path") from error


def _json(path: Path, number: int, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise SourceError(f"{path}:{number}: not JSON: damaged, or not a trace") from None
