"""Judges a finished run by the labels of its clip, as `score clips` judges a replay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from driver_monitor.bench.labelled.label_files import ClipLabelFile
from driver_monitor.bench.report.columns import Columns
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.bench.score.clip import ClipScore, ScoreJob, check_length, check_rate, score_track
from driver_monitor.bench.score.track import Track
from driver_monitor.errors import LabelError
from driver_monitor.rules.profile import Profile


def judge(
    run: Run, columns: Columns, raised: Sequence[tuple[str, float]], labels: ClipLabelFile, profile: Profile
) -> ClipScore:
    """Return the scores of a run against its labels, as `score clips` does. `raised`: rule and time of each alert.

    Raises `LabelError`: the labels have another length or frame rate.
    """
    track = _track(run, columns, raised)
    job = ScoreJob(Path(str(run.info["clip"])), labels.file, labels.labels, track.stride)
    check_length(job, track)
    check_rate(job, track)
    if len(track) and track.frame[-1] >= labels.labels.frames:
        raise LabelError(f"{labels.file}: frames: {labels.labels.frames}, but the run has frame {track.frame[-1]}")
    return score_track(run.name, labels.labels, track, profile)


def _track(run: Run, columns: Columns, raised: Sequence[tuple[str, float]]) -> Track:
    numbers, states = columns.numbers, columns.words["eyes.state"]
    every = run.info.get("every", 1)
    return Track(
        every if isinstance(every, int) and every > 0 else 1,
        numbers["frame"].astype(np.int64),
        columns.t,
        columns.words["face.present"].equals(True),
        states.equals("closed"),
        ~(states.equals("open") | states.equals("closed")),
        np.stack([numbers["gaze.yaw"], numbers["gaze.pitch"]], axis=1),
        np.stack([numbers["head.yaw"], numbers["head.pitch"]], axis=1),
        columns.words["mouth.yawning"].equals(True),
        tuple(raised),
    )
