"""Reads traces, for fault reports and replays, and checks each line. A daemon writes traces and reads none."""

from __future__ import annotations

import functools
import gzip
import json
import logging
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from driver_monitor.data import observation as data
from driver_monitor.data.observation import EXPRESSIONS, Observation
from driver_monitor.errors import SourceError
from driver_monitor.messages.trace import KIND, LANDMARKS, SCHEMA, Header

MAX_PIXEL = 1e6
LONGEST_LINE = 100_000
"""Most characters of a line; a longer line is an error. An observation has about 2,500 (ours)."""

_log = logging.getLogger(__name__)


def _limits(low: float, high: float) -> AfterValidator:
    """Return a check that a number is from `low` to `high`, or NaN, which pydantic's own limits refuse."""

    def check(value: float) -> float:
        if not (math.isnan(value) or low <= value <= high):
            raise ValueError(f"a number from {low:g} to {high:g}")
        return value

    return AfterValidator(check)


Number = Annotated[float, Field(strict=True)]
Angle = Annotated[Number, _limits(-360, 360)]
Probability = Annotated[Number, _limits(0, 1)]
Pixel = Annotated[Number, Field(ge=-MAX_PIXEL, le=MAX_PIXEL, allow_inf_nan=False)]
Share = Annotated[Number, Field(ge=0, le=1 + 1e-6, allow_inf_nan=False)]
Speed = Annotated[Number, Field(ge=0, le=data.FASTEST_KMH, allow_inf_nan=False)]
Level = Annotated[Number, Field(ge=0, le=255, allow_inf_nan=False)]
Cosine = Annotated[Number, Field(ge=-1 - 1e-6, le=1 + 1e-6, allow_inf_nan=False)]
Ratio = Annotated[Number, Field(ge=-100, le=100, allow_inf_nan=False)]
Maybe = Probability | None
Objects = tuple[Maybe, Maybe, Maybe, Maybe, Maybe, Maybe]
Eye = tuple[Annotated[Number, _limits(-10, 10)] | None, Probability | None, data.EyeReason | None]


@dataclass(frozen=True, slots=True)
class _Face:
    box: tuple[Pixel, Pixel, Pixel, Pixel]
    score: Share
    points: Annotated[list[Pixel], Field(min_length=2 * LANDMARKS, max_length=2 * LANDMARKS)]
    head: tuple[Angle, Angle, Angle] | None
    mouth: tuple[Annotated[Number, _limits(-100, 100)] | None, Probability | None]
    others: Annotated[int, Field(strict=True)] | None

    def view(self) -> data.FaceView:
        points = np.array(self.points, np.float32).reshape(-1, 2)
        head = None if self.head is None else data.HeadPose(*self.head)
        return data.FaceView(data.Box(*self.box), self.score, points, head, *self.mouth, self.others)


@dataclass(frozen=True, slots=True)
class _Line:
    """One line as `encode` writes it. Other keys are ignored."""

    frame: Annotated[int, Field(strict=True, ge=0)]
    t: Number
    camera: data.CameraState
    light: data.Light
    face: _Face | None
    face_reason: data.FaceReason | None
    eyes: tuple[Eye, Eye, Angle | None, Angle | None] | None
    expression: Annotated[list[Share], Field(min_length=len(EXPRESSIONS), max_length=len(EXPRESSIONS))] | None
    vehicle: tuple[Speed | None, Annotated[bool, Field(strict=True)] | None]
    rotate_to: Literal[0, 90, 180, 270] | None = None
    bridged: Annotated[bool, Field(strict=True)] = False
    iris_weight: Share = 1.0
    lowered: tuple[Probability | None, Probability | None] = (None, None)
    grey: Annotated[bool, Field(strict=True)] | None = None
    scene: tuple[Cosine | None, Share | None, Ratio | None, Ratio | None] | None = None
    shake: tuple[Cosine, Cosine] | None = None
    face_light: tuple[Level, Level | None, Share, Level | None, Level | None] | None = None
    objects: Objects | None = None

    def eyes_view(self) -> data.EyesView | None:
        if self.eyes is None:
            return None
        left, right, yaw, pitch = self.eyes
        views = data.EyeView(*left, self.lowered[0]), data.EyeView(*right, self.lowered[1])
        return data.EyesView(*views, yaw, pitch, self.iris_weight)


@functools.cache
def _adapter() -> TypeAdapter[_Line]:
    """Return what checks a line. It takes 20 ms to build, and a daemon reads no trace."""
    return TypeAdapter(_Line)


_WANTED = {
    "float_type": "a number", "int_type": "a whole number", "int_parsing_size": "a whole number",
    "bool_type": "true, false or null", "list_type": "a list", "tuple_type": "a list", "dataclass_type": "an object",
    "finite_number": "a finite number", "greater_than_equal": "at least {ge:g}", "less_than_equal": "at most {le:g}",
    "literal_error": "{expected}", "too_short": "{min_length} values", "too_long": "at most {max_length} values",
    "value_error": "{error}",
}  # fmt: skip
"""What a field should be, by pydantic's type of error."""


def decode(message: Any) -> tuple[int, Observation]:
    """Return frame number and observation of a parsed line. Raises `ValueError` that names the field and the fault."""
    try:
        line = _adapter().validate_python(message)
    except ValidationError as error:
        raise ValueError(_reason(error)) from None
    face = line.face.view() if line.face else None
    p = None if line.expression is None else data.Expression(dict(zip(EXPRESSIONS, line.expression, strict=True)))
    vehicle = data.VehicleData(*line.vehicle)
    face_light = None if line.face_light is None else data.FaceLight(*line.face_light)
    scene = None if line.scene is None else data.SceneView(*line.scene)
    shake = None if line.shake is None else data.Shake(*line.shake)
    objects = None if line.objects is None else data.ObjectsView(*line.objects)
    return line.frame, Observation(
        line.t, line.camera, line.light, face, line.eyes_view(), p, line.face_reason, vehicle, line.rotate_to,
        line.bridged, grey=line.grey, face_light=face_light, scene=scene, shake=shake, objects=objects,
    )  # fmt: skip


def _reason(error: ValidationError) -> str:
    """Return the first fault as `field: reason`, or "not an observation" if it has no field."""
    fault = error.errors(include_url=False)[0]
    if not fault["loc"]:
        return "not an observation"
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"]).lstrip(".")
    if fault["type"] == "missing":
        return f"{where}: missing"
    wanted, found = _WANTED[fault["type"]].format(**fault.get("ctx", {})), fault["input"]
    shown = f"{len(found)} values" if isinstance(found, list) else f"{json.dumps(found):.40}"
    return f"{where}: expected {wanted}, found {shown}"


def read(path: Path) -> tuple[Header, Iterator[tuple[int, Observation]]]:
    """Return the header and an iterator over (frame number, observation).

    The call and the iterator raise `SourceError` for a file or line that cannot be read or is wrong. A file that breaks
    off after the header, as after a power cut, is no error: a warning is logged, and the iterator ends."""
    lines = _lines(path)
    first = next(lines, None)
    message = {} if first is None else _json(path, *first)
    if not isinstance(message, dict) or message.get("kind") != KIND:
        raise SourceError(f"{path}:1: not a trace of driver-monitor; write one with replay --trace or run --trace")
    if message.get("schema") != SCHEMA:
        raise SourceError(f"{path}:1: of another version, which does not write schema {SCHEMA}; record it again")
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
        # The machine lost its power while it wrote. The lines before that are complete.
        _log.warning("%s: the file ends within line %d; the lines before it are replayed", path, number + 1)
        return
    except (gzip.BadGzipFile, zlib.error, UnicodeDecodeError):
        raise SourceError(f"{path}: not a gzipped trace, or damaged; copy it again") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot read it: {error.strerror or error}; check the path") from error


def _json(path: Path, number: int, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise SourceError(f"{path}:{number}: not JSON; the file is damaged or not a trace") from None
