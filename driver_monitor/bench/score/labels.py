"""Read the hand labels of a clip from a JSON file, strictly, and turn them into one value per frame.

    {"clip": "trip.mp4", "person": "p1", "fps": 30, "frames": 900, "look_away_reference": "the camera",
     "events": [{"type": "eyes_closed", "start": 10, "end": 14}, ...]}

Frames are numbered from 0 in decoding order. `start` and `end` are both part of the event. Other keys are ignored.
`reviewed`, `[[0, 399]]`: the frames that a person has looked at; missing: all. Only these are scored.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from driver_monitor.bench.files import first_fault, read_bytes
from driver_monitor.errors import LabelError

_log = logging.getLogger(__name__)

MAX_BYTES = 20_000_000
"""Largest label file. Labels of one hour take some hundred kilobytes."""
MAX_FRAMES = 10_000_000
"""Largest number of frames in a clip: more than three days at 30 frames a second."""
TYPES = frozenset(
    {
        *("eyes_closed", "blink", "partial_blink", "one_eye_closed", "one_eye_squint", "eyes_lowered"),
        *("yawn", "mouth_wide_open", "talking_or_laughing", "expression", "light"),
        *("look_away", "look_away_marginal"),
        *("uncertain", "occluded", "face_not_visible", "uncertain_head", "uncertain_mouth"),
    }
)
"""Known types; labels of other types are ignored with a warning."""
CAMERA = "the camera"
"""The `look_away_reference` of directions relative to the camera's axis. All else: to the head's usual direction."""
_SIDES = {"left": (-1.0, 0.0), "right": (1.0, 0.0), "up": (0.0, 1.0), "down": (0.0, -1.0)}
"""Word -> yaw and pitch as a unit vector. The camera faces the driver: left in its image is the driver's right."""

MAX_NAME = 255
"""Bytes of the longest file name on Linux (NAME_MAX)."""

Mask = NDArray[np.bool_]


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError(f"control characters are not allowed: {name!r}")
    return name


Range = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2, max_length=2)]
"""First and last frame, both included."""
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_printable)]
"""Name of a clip or a person. Tables and error lines show it."""


class Event(BaseModel):
    """A label on frames `start` to `end`, both included. `direction`: as "image_left". `confidence`: "low": unsure."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    type: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    direction: str | None = None
    confidence: str | None = None

    @property
    def towards(self) -> tuple[float, float] | None:
        """The direction as a unit vector (yaw + to the driver's left, pitch + up). None: missing, or not understood."""
        words = [word for word in (self.direction or "").split("_") if word != "image"]
        if not words or not all(word in _SIDES for word in words):
            return None
        yaw, pitch = np.sum([_SIDES[word] for word in words], axis=0)
        length = float(np.hypot(yaw, pitch))
        return (float(yaw) / length, float(pitch) / length) if length else None


class ClipLabels(BaseModel):
    """All labels of one clip. `clip`: its name; None: the label file's name. `frames`: number of frames of the clip.

    `closures_over_half_second`: whether the clip has any; None: not said. `blinks`: whether all, some or none of the
    short closures are labelled. `reviewed`: ranges of frames that a person has looked at; None: all frames.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)

    clip: Name | None = None
    person: Name
    fps: float = Field(ge=0.1, le=1000)
    frames: int = Field(gt=0, le=MAX_FRAMES)
    look_away_reference: str = CAMERA
    closures_over_half_second: Literal["yes", "no", "unsure"] | None = None
    blinks: Literal["complete", "partial", "none"] = "complete"
    reviewed: list[Range] | None = None
    events: list[Event]

    @model_validator(mode="after")
    def _inside(self) -> ClipLabels:
        for index, event in enumerate(self.events):
            if event.end < event.start:
                raise ValueError(f"events[{index}]: ends at {event.end}, before its start at {event.start}")
            if event.end >= self.frames:
                raise ValueError(f"events[{index}]: ends at {event.end}; the last frame is {self.frames - 1}")
        for index, (first, last) in enumerate(self.reviewed or []):
            if not first <= last < self.frames:
                raise ValueError(f"reviewed[{index}]: {first} to {last} is no range in frames 0 to {self.frames - 1}")
        return self

    @property
    def seen(self) -> Mask:
        """(frames,) bool: true in each frame that a person has looked at. The other frames are not scored."""
        seen = np.full(self.frames, self.reviewed is None)
        for first, last in self.reviewed or []:
            seen[first : last + 1] = True
        return seen

    def mask(self, *types: str) -> Mask:
        """Return (frames,) bool: true in each frame of an event of these `types`."""
        found = np.zeros(self.frames, bool)
        for event in self.events:
            if event.type in types:
                found[event.start : event.end + 1] = True
        return found


def runs(truth: Mask) -> list[tuple[int, int]]:
    """Return (first, last) index of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], truth, [False])).astype(np.int8)))
    return [(int(first), int(end) - 1) for first, end in zip(edges[::2], edges[1::2], strict=True)]


def load_labels(path: Path) -> ClipLabels:
    """Return the labels in a file. Raises `LabelError` if it is unreadable or wrong. Unknown types give a warning."""
    values = _json(path)
    if not isinstance(values, dict):
        raise LabelError(f"{path}: expected an object with clip, person, fps, frames and events; is it the right file?")
    try:
        labels = ClipLabels.model_validate(values)
    except ValidationError as error:
        raise LabelError(f"{path}: {first_fault(error)}") from None
    unknown = sorted({event.type for event in labels.events} - TYPES)
    if unknown:
        _log.warning("%s: events of unknown type %s are ignored", path, ", ".join(map(repr, unknown)))
    return labels


def _json(path: Path) -> Any:
    data = read_bytes(path, MAX_BYTES, "a .json file with labels")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise LabelError(f"{path}: not UTF-8 text (byte {error.start}); is it the right file?") from error
    except json.JSONDecodeError as error:
        raise LabelError(f"{path}:{error.lineno}: not valid JSON; correct it or copy it again") from error
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else "a number too long"
        raise LabelError(f"{path}: not valid JSON: {reason}; correct it or copy it again") from error
