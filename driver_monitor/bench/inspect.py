"""Run single pictures through the pipeline, each without knowledge of the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from driver_monitor.app import build
from driver_monitor.app.build import Models, Plan
from driver_monitor.capture.recordings.images import read_image
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages.state import signals


def inspect(images: list[Path], plan: Plan, models: Models) -> Iterator[dict[str, Any]]:
    """Yield for each file a dict: `file` with the fields of signals.jsonl, or `file` with `error` if it is unreadable.

    One picture has no baseline: openness is relative to an average person's open eye, and gaze to the camera. The
    expression is the net's answer without smoothing over time. An active privacy filter removes the expression.
    """
    for path in images:
        try:
            frame = Frame(read_image(path), 0.0, 0, str(path))
        except SourceError as error:
            yield {"file": str(path), "error": str(error)}
            continue
        result = build.build_pipeline(plan, models, still=True).step(frame)
        yield {"file": str(path), **plan.privacy.state(signals(0, result.state, result.verdict))}


def sentence(result: dict[str, Any]) -> str:
    """Return one result of `inspect` as a line of text. The result must not hold `error`."""
    face, eyes, head = result["face"], result["eyes"], result["head"]
    if not face["present"]:
        return f"{result['file']}: no face ({face['reason']}), light {result['light']}"
    state = f"eyes {eyes['state']}" + (f" ({eyes['reason']})" if eyes["reason"] else "")
    openness = "" if eyes["openness"] is None else f", openness {eyes['openness']:.2f}"
    pose = "" if head is None else f", yaw {head['yaw']:+.0f}, pitch {head['pitch']:+.0f}"
    expression = f", {result['emotion']['label']}" if result["emotion"] else ""
    return f"{result['file']}: face {face['score']:.2f}, {state}{openness}{pose}{expression}, light {result['light']}"
