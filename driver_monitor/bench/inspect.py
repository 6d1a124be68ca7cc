"""What is seen in single stills, each on its own, with nothing learned from another."""

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
    """Yield for each file the fields of signals.jsonl plus `file`, or `{"file", "error"}` where it cannot be read.

    Openness is relative to a population's open eye, since a still says nothing of this driver's own; the gaze is
    relative to the camera. The expression is that of the one look, which a clip would not decide by.
    """
    for path in images:
        try:
            frame = Frame(read_image(path), 0.0, 0, str(path))
        except SourceError as error:
            yield {"file": str(path), "error": str(error)}
            continue
        step = build.build_pipeline(plan, models, still=True).step(frame)
        yield {"file": str(path), **plan.privacy.state(signals(0, step.state, step.verdict))}


def sentence(seen: dict[str, Any]) -> str:
    """Return one line for people on what `inspect` found in a file."""
    face, eyes, head = seen["face"], seen["eyes"], seen["head"]
    if not face["present"]:
        return f"{seen['file']}: no face ({face['reason']}), light {seen['light']}"
    lids = f"eyes {eyes['state']}" + (f" ({eyes['reason']})" if eyes["reason"] else "")
    opening = "" if eyes["openness"] is None else f", openness {eyes['openness']:.2f}"
    pose = "" if head is None else f", yaw {head['yaw']:+.0f}, pitch {head['pitch']:+.0f}"
    mood = f", {seen['emotion']['label']}" if seen["emotion"] else ""
    return f"{seen['file']}: face {face['score']:.2f}, {lids}{opening}{pose}{mood}, light {seen['light']}"
