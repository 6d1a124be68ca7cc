"""A run on the disk for tests of reports: a drive in which the driver sleeps, looks away and cannot be seen."""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from driver_monitor.bench.runs.read_run import value_at
from driver_monitor.bench.runs.scored_rules import recorded
from driver_monitor.data.observation import ObjectsView
from driver_monitor.messages.envelope import Provenance, ReplayStamper, envelope
from driver_monitor.messages.state import signals
from tests.timeline import (
    Stretch,
    attentive,
    away,
    film,
    no_camera,
    no_face,
    shipped,
    shut,
    states,
    unreadable,
    verdicts,
)

FPS = 10.0
FREE = ObjectsView(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
NIGHT = (
    attentive(6, speed_kmh=87.3),
    shut(4, speed_kmh=87.3),
    attentive(4),
    away(7),
    unreadable(3),
    no_face(3),
    no_camera(2, "frozen"),
    attentive(3, mouth=None, light="infrared"),
    attentive(3, objects=FREE),
    attentive(6, objects=ObjectsView(0.95, 0.0, 0.9, 0.9, 0.0, 0.0)),
    attentive(2, objects=ObjectsView(None, None, 0.0, 0.0, 0.0, 0.0)),
    attentive(3, objects=FREE),
)
"""46 s in which each part is unknown for a while."""


def write_night(
    folder: Path, drive: Sequence[Stretch] = NIGHT, clip: str = "night.mp4", sha256: str = "ab", **changes: Any
) -> Path:
    """Write the run of a drive into `folder`, which `replay` would have made. `changes`: of the alerts' fields."""
    folder.mkdir(parents=True)
    frames = film(drive, FPS)
    seen, judged = states(frames), verdicts(frames)
    lines = [signals(number, *pair) for number, pair in enumerate(zip(seen, judged, strict=True))]
    stamper, origin = ReplayStamper(sha256), Provenance("van", "m0", "c0", "default")
    events = [event for verdict in judged for event in verdict.events]
    alerts = [{**envelope(event, stamper.stamp(event, None), origin), **changes} for event in events]
    info = {
        **{"schema": 1, "state": "complete", "version": "0", "clip": clip, "clip_id": "0", "kind": "clip"},
        **{"sha256": sha256, "model": "m0", "config": "c0", "profile": "default", "every": 1, "fps": None},
        **{"frames": len(lines), "seconds": lines[-1]["t"], "alerts": len(alerts), "warnings": []},
        **recorded(shipped("default")),
    }
    (folder / "run.json").write_text(json.dumps(info))
    (folder / "signals.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "events.jsonl").write_text("".join(json.dumps(alert) + "\n" for alert in alerts))
    return folder


def lines_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "signals.jsonl").read_text().splitlines()]


def element(page: str, name: str) -> str:
    """The text of the element of this id."""
    start = page.index(">", page.index(f'id="{name}"')) + 1
    return page[start : page.index("</", start)]


def unpacked(page: str) -> dict[str, list[Any]]:
    """Name -> the values of each series of a page, decoded by the words of packing.py alone."""
    facts = json.loads(element(page, "facts"))
    data, n = gzip.decompress(base64.b64decode(element(page, "packed"))), facts["frames"]
    return {one["name"]: _values(data[one["at"] :], n, one) for one in facts["series"]}


def _values(data: bytes, n: int, series: Mapping[str, Any]) -> list[Any]:
    if series["kind"] == "floats":
        return [None if math.isnan(one) else one for one in np.frombuffer(data[: 8 * n], "<f8").tolist()]
    values: list[Any] = []
    whole = 0
    for i in range(n):
        code = sum(data[i + plane * n] << (8 * plane) for plane in range(4))
        if code == 0:
            values.append(None)
            continue
        whole += code // 2 if code % 2 else -(code // 2)
        values.append(series["table"][whole] if "table" in series else whole / 10 ** series["digits"])
    return values


def from_json(folder: Path, name: str) -> list[Any]:
    """The values of one series, in each line of signals.jsonl."""
    return [value_at(line, name.split(".")) for line in lines_of(folder)]
