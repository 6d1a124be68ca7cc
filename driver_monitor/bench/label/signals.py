"""The signals of a clip for the page, and the track for its scores: from a finished run, or from a replay in memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from driver_monitor.app import build
from driver_monitor.app.build import Models, Plan
from driver_monitor.bench.label.suggestions import COLUMNS
from driver_monitor.bench.replays.recording import frames_of, open_recording
from driver_monitor.bench.replays.replay import OnProgress
from driver_monitor.bench.runs.read_run import Run, numbers, read_run, value_at
from driver_monitor.bench.score.track import Track, track_of
from driver_monitor.errors import RunError
from driver_monitor.messages.state import signals

SHOWN = ("t", "face.box", "eyes.openness", "gaze.yaw", "gaze.pitch", "mouth.opening", *COLUMNS)
"""The signals that the page draws, and those of the suggestions."""
_HEAD = ("head.yaw", "head.pitch")
_PATHS = {name: name.split(".") for name in (*SHOWN, *_HEAD)}
Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class ClipSignals:
    """What the program saw in each frame of a clip. `columns`: by `SHOWN`; None where unknown. `track`: for scores."""

    columns: Columns
    track: Track


def of_replay(clip: Path, plan: Plan, models: Models, progress: OnProgress | None = None) -> ClipSignals:
    """Replay `clip` as `score clips` does, and keep in memory what is seen. Raises `DriverMonitorError`."""
    pipeline = build.build_pipeline(plan, models)
    columns: Columns = {name: [] for name in _PATHS}
    results = []
    with open_recording(clip, plan.config.camera) as camera:
        for frame in frames_of(camera):
            result = pipeline.step(frame)
            results.append((frame.sequence, result))
            _append(columns, plan.privacy.state(signals(frame.sequence, result.state, result.verdict)))
            if progress is not None:
                progress(len(results), camera.frames)
    return ClipSignals({name: columns[name] for name in SHOWN}, track_of(results))


def of_run(run: Run) -> ClipSignals:
    """Return the signals of a finished run. Its angles have one decimal. Raises `RunError`."""
    columns: Columns = {name: [] for name in _PATHS}
    for line in run.lines():
        _append(columns, line)
    alerts = [one for one in run.alerts() if one.get("phase") == "raised"]
    raised = tuple((str(one["rule"]), float(one["t"])) for one in alerts)
    state = columns["eyes.state"]
    track = Track(
        1,
        np.arange(len(state), dtype=np.int64),
        numbers(columns["t"]),
        np.array([one is True for one in columns["face.present"]], bool),
        np.array([one == "closed" for one in state], bool),
        np.array([one == "unknown" for one in state], bool),
        _pair(columns, "gaze.yaw", "gaze.pitch"),
        _pair(columns, *_HEAD),
        np.array([one is True for one in columns["mouth.yawning"]], bool),
        raised,
    )
    return ClipSignals({name: columns[name] for name in SHOWN}, track)


def check_run(folder: Path, clip: Path, sha256: str, profile: str) -> Run:
    """Return the run in `folder`. Raises `RunError`: it is of another clip or profile, or does not use every frame."""
    run = read_run(folder)
    again = f"replay {clip} again, or leave out --run"
    if run.info.get("sha256") != sha256:
        raise RunError(f"{folder}: the run is of another clip ({run.info.get('clip')}); {again}")
    if run.info.get("every") != 1:
        raise RunError(f"{folder}: the run does not use every frame; {again}")
    if run.info.get("profile") != profile:
        raise RunError(f"{folder}: the run has the profile {run.info.get('profile')}; give it with --profile")
    return run


def found_run(folder: Path, wanted: Mapping[str, Any]) -> Run | None:
    """Return the run in `folder` if each value of its run.json that `wanted` names is the same, else None."""
    try:
        run = read_run(folder)
    except RunError:
        return None
    return run if all(run.info.get(key) == value for key, value in wanted.items()) else None


def _append(columns: Columns, line: Mapping[str, Any]) -> None:
    for name, path in _PATHS.items():
        columns[name].append(value_at(line, path))


def _pair(columns: Columns, yaw: str, pitch: str) -> Any:
    pairs = zip(columns[yaw], columns[pitch], strict=True)
    known = [(math.nan, math.nan) if None in pair else pair for pair in pairs]
    return np.array(known, np.float64).reshape(-1, 2)
