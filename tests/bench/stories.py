"""Small hand-made labels, and what a pipeline might have said of such a clip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from driver_monitor.bench.score.labels import ClipLabels
from driver_monitor.bench.score.track import Track

Span = tuple[int, int]


def event(kind: str, start: int, end: int, **more: Any) -> dict[str, Any]:
    return {"type": kind, "start": start, "end": end, **more}


def labels(
    *events: dict[str, Any], frames: int = 100, fps: float = 20.0, person: str = "p", reference: str = "the camera"
) -> ClipLabels:
    return ClipLabels.model_validate(
        {"person": person, "fps": fps, "frames": frames, "look_away_reference": reference, "events": list(events)}
    )


def closed(*spans: Span) -> list[dict[str, Any]]:
    return [event("eyes_closed", start, end) for start, end in spans]


def track(
    *spans: Span,
    frames: int = 100,
    fps: float = 20.0,
    every: int = 1,
    unknown: Sequence[Span] = (),
    absent: Sequence[Span] = (),
    yawning: Sequence[Span] = (),
    head: dict[Span, tuple[float, float]] | None = None,
    gaze: dict[Span, tuple[float, float]] | None = None,
    raised: Sequence[tuple[str, float]] = (),
) -> Track:
    """A clip in which eyes were called closed in `spans`; all else is as in an attentive drive."""
    number = np.arange(0, frames, every)
    return Track(
        every,
        number,
        number / fps,
        ~_in(spans=absent, number=number),
        _in(spans=spans, number=number),
        _in(spans=unknown, number=number),
        _angles(gaze or {}, number),
        _angles(head or {}, number),
        _in(spans=yawning, number=number),
        tuple(raised),
    )


def _in(*, spans: Sequence[Span], number: Any) -> Any:
    inside = np.zeros(len(number), bool)
    for start, end in spans:
        inside |= (number >= start) & (number <= end)
    return inside


def _angles(values: dict[Span, tuple[float, float]], number: Any) -> Any:
    angles = np.zeros((len(number), 2))
    for span, direction in values.items():
        angles[_in(spans=[span], number=number)] = direction
    return angles
