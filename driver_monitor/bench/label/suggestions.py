"""Finds events in the signals of a clip and suggests them as labels (pure). A suggestion is never a label by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from driver_monitor.bench.label.document import LabelDocument
from driver_monitor.bench.score.labels import Mask, runs

LOWERED_S, AWAY_S, NO_FACE_S = 0.3, 0.5, 0.3
"""Shortest lowered lids, look away and missing face that are suggested, seconds (ours). Closures: any length."""
CLOSED_FROM_P = 0.5
"""Frames with a higher `eyes.p_closed` outside a closure are suggested too: the state may have missed a short blink."""
SIDES = {"left": "right", "right": "left", "up": "up", "down": "down"}
"""Zone of the gaze (left is the driver's left) -> direction in the picture. The camera faces the driver."""
ALIKE = {
    "eyes_closed": ("eyes_closed", "partial_blink", "one_eye_closed", "uncertain"),
    "eyes_lowered": ("eyes_lowered", "eyes_closed", "uncertain"),
    "look_away": ("look_away", "look_away_marginal", "uncertain_head"),
    "yawn": ("yawn", "mouth_wide_open", "uncertain_mouth"),
    "face_not_visible": ("face_not_visible", "occluded"),
}
"""Type of a suggestion -> labels that answer it where they overlap."""
COLUMNS = ("face.present", "eyes.state", "eyes.p_closed", "eyes.lowered", "gaze.zone", "mouth.yawning")
"""The signals that suggestions need."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A suggested label on frames `start` to `end`, both included. `direction`: as seen in the picture, or None."""

    type: str
    start: int
    end: int
    direction: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the values of a label."""
        values = {"type": self.type, "start": self.start, "end": self.end}
        return values if self.direction is None else {**values, "direction": self.direction}


def suggestions(columns: Mapping[str, Sequence[Any]], fps: float) -> list[Suggestion]:
    """Return what the signals of a clip suggest, in order of time. `columns`: a value for each frame, by `COLUMNS`."""
    closed = _is(columns["eyes.state"], "closed")
    found = [Suggestion("eyes_closed", *span) for span in runs(closed)]
    likely = np.array([p is not None and p > CLOSED_FROM_P for p in columns["eyes.p_closed"]], bool)
    found += [
        Suggestion("eyes_closed", *span) for span in runs(likely) if not closed[max(0, span[0] - 2) : span[1] + 3].any()
    ]
    found += _long("eyes_lowered", _is(columns["eyes.lowered"], True) & ~closed, LOWERED_S * fps)
    found += [Suggestion("yawn", *span) for span in runs(_is(columns["mouth.yawning"], True))]
    found += _long("face_not_visible", _is(columns["face.present"], False), NO_FACE_S * fps)
    for zone, direction in SIDES.items():
        found += _long("look_away", _is(columns["gaze.zone"], zone), AWAY_S * fps, direction)
    return sorted(found, key=lambda one: (one.start, one.end, one.type))


def open_suggestions(found: Iterable[Suggestion], document: LabelDocument) -> list[Suggestion]:
    """Return the suggestions that nobody has accepted, rejected or answered by a label of their own."""
    labelled = {kind: _labelled(document, answers) for kind, answers in ALIKE.items()}
    return [
        one
        for one in found
        if (one.type, one.start, one.end) not in document.rejected
        and not labelled[one.type][one.start : one.end + 1].any()
    ]


def _labelled(document: LabelDocument, types: Sequence[str]) -> Mask:
    """Return the frames with a label of these types, without those that only say that nobody has looked."""
    found = np.zeros(document.frames, bool)
    for first, last in (one.span for one in document.events if one.values["type"] in types):
        found[first : last + 1] = True
    return found


def _long(kind: str, truth: Mask, frames: float, direction: str | None = None) -> list[Suggestion]:
    return [Suggestion(kind, *span, direction) for span in runs(truth) if span[1] - span[0] + 1 >= frames]


def _is(column: Sequence[Any], value: Any) -> Mask:
    return np.array([one == value for one in column], bool)
