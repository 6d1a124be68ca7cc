"""Run single pictures through the pipeline, each without knowledge of the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from driver_monitor.app import build
from driver_monitor.app.build import Models, Plan
from driver_monitor.capture.recordings.images import read_image
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages.state import signals

NAMED_FROM = 0.5
"""Least probability with which an object is named in the line of text: it is then more likely there than not."""
DIGITS = 3
"""As the probabilities of the other fields (`signals.rows`)."""
_WORDS = {"phone_left": "telephone at the left ear", "phone_right": "telephone at the right ear",
          "hand": "hand on the face", "at_mouth": "object at the mouth", "mask": "mask"}  # fmt: skip


def inspect(images: list[Path], plan: Plan, models: Models) -> Iterator[dict[str, Any]]:
    """Yield for each file a dict: `file` with the fields of signals.jsonl, or `file` with `error` if it is unreadable.

    One picture has no baseline: openness is relative to an average person's open eye, and gaze to the camera. The
    expression is the net's answer without smoothing over time. An active privacy filter removes the expression.
    `objects`: the probabilities of `ObjectsView`, each None if unknown; None: the net did not run.
    """
    for path in images:
        try:
            frame = Frame(read_image(path), 0.0, 0, str(path))
        except SourceError as error:
            yield {"file": str(path), "error": str(error)}
            continue
        result = build.build_pipeline(plan, models, still=True).step(frame)
        seen = result.observation.objects
        objects = seen and {name: p if p is None else round(p, DIGITS) for name, p in asdict(seen).items()}
        yield {"file": str(path), **plan.privacy.state(signals(0, result.state, result.verdict)), "objects": objects}


def sentence(result: dict[str, Any]) -> str:
    """Return one result of `inspect` as a line of text. The result must not hold `error`."""
    face, eyes, head = result["face"], result["eyes"], result["head"]
    if not face["present"]:
        return f"{result['file']}: no face ({face['reason']}), light {result['light']}"
    state = f"eyes {eyes['state']}" + (f" ({eyes['reason']})" if eyes["reason"] else "")
    openness = "" if eyes["openness"] is None else f", openness {eyes['openness']:.2f}"
    pose = "" if head is None else f", yaw {head['yaw']:+.0f}, pitch {head['pitch']:+.0f}"
    expression = f", {result['emotion']['label']}" if result["emotion"] else ""
    shown = f"{state}{openness}{pose}{expression}{_objects(result['objects'])}"
    return f"{result['file']}: face {face['score']:.2f}, {shown}, light {result['light']}"


def _objects(p: Mapping[str, float | None] | None) -> str:
    """Return what is probably at the face, with the probability of each: `, mask 0.98`. Nothing for what is unknown."""
    known = {words: value for name, words in _WORDS.items() if (value := (p or {}).get(name)) is not None}
    return "".join(f", {words} {value:.2f}" for words, value in known.items() if value >= NAMED_FROM)
