"""Measures how fast a clip is processed on this computer, where the time goes, and what memory it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from driver_monitor import PROGRAM, __version__
from driver_monitor.app.build import Request, load_models, load_plan, provenance
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.recording import digest
from driver_monitor.bench.speed import result as results
from driver_monitor.bench.speed.computer import MeasuredComputer, versions
from driver_monitor.bench.speed.nets import bare_nets
from driver_monitor.bench.speed.passes import Subject, measure
from driver_monitor.bench.speed.start import measure_start
from driver_monitor.errors import UsageError
from driver_monitor.messages import trace


def bench(clip: Path, request: Request, frames: int, repeats: int, fps: float | None = None) -> dict[str, Any]:
    """Return the object of `bench --json`. The first `frames` frames are measured, `repeats` times.

    `fps`: the frame rate to judge by; None: that of the clip. For a folder of images it is also their rate. Raises
    `UsageError` for a trace, and `DriverMonitorError` if clip, configuration or a model cannot be read.
    """
    if trace.is_trace(clip):
        raise UsageError(f"{clip}: a trace has no pictures, so it says nothing about speed; give a clip")
    if clip.is_dir() and fps is None:
        raise UsageError(f"{clip}: a folder of images has no frame rate of its own; give one with --fps")
    plan = load_plan(request)
    sha256, models = digest(clip), load_models(plan.config)
    around = MeasuredComputer()
    rate = fps if clip.is_dir() else None
    subject = Subject(
        ReplayJob(clip, Path("none"), fps=rate), plan, models, bare_nets(plan.config, models), sha256, frames, repeats
    )
    times = measure(subject)
    config = None if request.config is None else str(request.config)
    start = measure_start(
        {"clip": str(clip), "config": config, "profile": request.profile, "fps": rate, "frames": frames}, repeats
    )
    board, warnings = around.judge()
    origin = provenance(plan, models.digest)
    return {
        "kind": results.KIND,
        "schema": results.SCHEMA,
        "program": PROGRAM,
        "version": __version__,
        "model": origin.models,
        "config": origin.config,
        "profile": origin.profile,
        "board": board,
        "cpu": around.cpu,
        "versions": versions(),
        **results.result(subject, times, fps),
        **start,
        "warnings": warnings,
    }
