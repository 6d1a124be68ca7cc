"""Read the lines of a run as columns: what scores and comparisons need of each frame."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError, with_config
from typing_extensions import NotRequired, TypedDict

from driver_monitor.bench.files import first_fault
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.errors import RunError

EyeState = Literal["open", "closed", "unknown"]
Angle = Annotated[float, Field(allow_inf_nan=False)]
Words = NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class FrameColumns:
    """Columns with one row for each line of signals.jsonl, n rows.

    `frame`: number in the clip, from 0, rising. `t`: seconds. `face`: present. `eyes`, `zone`, `attention`: as in the
    line; `zone` is "unknown" without a gaze. `gaze`, `head`: (n, 2), yaw and pitch in degrees, NaN where unknown.
    """

    frame: NDArray[np.int64]
    t: NDArray[np.float64]
    face: NDArray[np.bool_]
    eyes: Words
    zone: Words
    attention: Words
    gaze: NDArray[np.float64]
    head: NDArray[np.float64]
    yawning: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.frame)


@with_config(strict=True)
class _Face(TypedDict):
    present: bool


@with_config(strict=True)
class _Eyes(TypedDict):
    state: EyeState


@with_config(strict=True)
class _Angles(TypedDict):
    yaw: NotRequired[Angle | None]
    pitch: NotRequired[Angle | None]
    zone: NotRequired[str | None]


@with_config(strict=True)
class _Mouth(TypedDict):
    yawning: NotRequired[bool | None]


@with_config(strict=True)
class _Line(TypedDict):
    """The fields that are read. All others are skipped by the parser, which makes it five times faster."""

    frame: Annotated[int, Field(ge=0, lt=2**53)]
    t: Annotated[float, Field(allow_inf_nan=False)]
    face: _Face
    eyes: _Eyes
    attention: str
    head: NotRequired[_Angles | None]
    gaze: NotRequired[_Angles | None]
    mouth: NotRequired[_Mouth | None]


_LINE = TypeAdapter(_Line)
_NOTHING: _Angles = {}


def read_columns(run: Run) -> FrameColumns:
    """Return the columns of a run. It holds one line at a time.

    Raises `RunError`, with the number of the line: a value is missing or wrong, or a frame is not after the one before.
    """
    frame, t, face, yawning = array("q"), array("d"), array("b"), array("b")
    angles = array("d"), array("d")
    words: tuple[list[str], list[str], list[str]] = [], [], []
    for line in _lines(run):
        frame.append(line["frame"])
        t.append(line["t"])
        face.append(line["face"]["present"])
        gaze = line.get("gaze") or _NOTHING
        for column, seen in zip(angles, (gaze, line.get("head") or _NOTHING), strict=True):
            yaw, pitch = seen.get("yaw"), seen.get("pitch")
            column.extend((np.nan, np.nan) if yaw is None or pitch is None else (yaw, pitch))
        yawning.append((line.get("mouth") or {}).get("yawning") or False)
        words[0].append(line["eyes"]["state"])
        words[1].append(gaze.get("zone") or "unknown")
        words[2].append(line["attention"])
    eyes, zone, attention = (np.array(column, np.str_) for column in words)
    return FrameColumns(
        np.array(frame, np.int64),
        np.array(t, np.float64),
        np.array(face, bool),
        eyes,
        zone,
        attention,
        np.array(angles[0], np.float64).reshape(-1, 2),
        np.array(angles[1], np.float64).reshape(-1, 2),
        np.array(yawning, bool),
    )


def _lines(run: Run) -> Iterator[_Line]:
    before = -1
    for number, raw in enumerate(run.raw_lines(), 1):
        try:
            line = _LINE.validate_json(raw)
        except ValidationError as error:
            raise RunError(f"{run.signals}:{number}: {first_fault(error)}; replay the clip again") from None
        if line["frame"] <= before:
            raise RunError(f"{run.signals}:{number}: frame {line['frame']} after frame {before}; replay the clip again")
        before = line["frame"]
        yield line
