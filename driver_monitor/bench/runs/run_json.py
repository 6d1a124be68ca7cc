"""Describe a replay in its run.json: what was replayed, with what, and how it went. It reads no clock."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from driver_monitor import PROGRAM, __version__
from driver_monitor.bench.runs.run_folder import clip_id
from driver_monitor.capture.camera import RecordingFacts
from driver_monitor.disk.regular_file import read_regular
from driver_monitor.errors import SourceError
from driver_monitor.messages import trace
from driver_monitor.messages.envelope import SCHEMA, Provenance
from driver_monitor.vehicle.recorded import MAX_BYTES, found_beside


def begun(clip: Path, origin: Provenance, sha256: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return run.json at the start of a run. `origin`: hashes as in alerts. `sha256`: of the clip.

    Raises `SourceError` on vehicle data that cannot be read.
    """
    kind = "trace" if trace.is_trace(clip) else "images" if clip.is_dir() else "clip"
    return {
        "schema": SCHEMA,
        "state": "running",
        "program": PROGRAM,
        "version": __version__,
        "clip": clip.name,
        "clip_id": clip_id(clip),
        "kind": kind,
        "sha256": sha256,
        "vehicle_sha256": _vehicle_sha256(clip),
        "model": origin.models,
        "config": origin.config,
        "profile": origin.profile,
        **options,
    }


def _vehicle_sha256(clip: Path) -> str | None:
    path = found_beside(clip)
    if path is None:
        return None
    try:
        data = read_regular(path, MAX_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{path}: cannot read it: {error.strerror}; replace it by JSON lines or remove it") from error
    if len(data) > MAX_BYTES:
        raise SourceError(f"{path}: more than {MAX_BYTES} bytes; cut it to the length of the clip")
    return hashlib.sha256(data).hexdigest()


def complete(
    run: Mapping[str, Any], facts: RecordingFacts | None, frames: int, last: float, alerts: int, warnings: list[str]
) -> dict[str, Any]:
    """Return run.json at the end. `facts`: None for a trace. `last`: time of the last frame, seconds.

    `missing`: announced frames that were not found; None: none were announced.
    """
    announced = None if facts is None else facts.announced
    return {
        **run,
        "state": "complete",
        "frame_rate": None if facts is None or facts.rate is None else round(facts.rate, 4),
        "frame_rate_from": facts and facts.rate_from,
        "frames": frames,
        "seconds": round(last, 3),
        "announced": announced,
        "missing": None if announced is None or facts is None else max(0, announced - facts.decoded),
        "damaged": facts and facts.damaged,
        "alerts": alerts,
        "warnings": warnings,
    }


@contextmanager
def log_lines() -> Iterator[list[str]]:
    """Yield a list that gets each warning and error that this program logs in the `with` block."""
    handler = _Lines()
    logger = logging.getLogger("driver_monitor")
    logger.addHandler(handler)
    try:
        yield handler.lines
    finally:
        logger.removeHandler(handler)


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
