"""Score a run that lies on the disk, without its clip: the lines of the run hold what the pipeline measured."""

from __future__ import annotations

from pathlib import Path

from driver_monitor.bench.runs.frame_columns import FrameColumns, read_columns
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.bench.runs.run_folder import RUN
from driver_monitor.bench.runs.scored_rules import rules_of
from driver_monitor.bench.score.clip import ClipScore, ScoreJob, check_length, check_rate, score_by_rules
from driver_monitor.bench.score.labels import ClipLabels
from driver_monitor.bench.score.track import Track
from driver_monitor.errors import LabelError, RunError


def score_run(run: Run, file: Path, labels: ClipLabels, track: Track) -> ClipScore:
    """Return the scores of a run against the `labels` of `file`, as `score clips` does for the clip.

    `track`: of the run. The rules are those of the profile that the run was made with, at its limits. A line has times
    in milliseconds and angles in tenths of a degree; `score clips` does not round. So a figure can differ by the frame
    at the edge of a time, and by a look-away whose angle lies within 0.05 degrees of a limit. Raises `RunError`: no
    rules in run.json; `LabelError`: the labels do not fit.
    """
    clip = str(run.info["clip"])
    job = ScoreJob(Path(clip), file, labels, track.stride)
    check_length(job, track)
    check_rate(job, track)
    if len(track) and track.frame[-1] >= labels.frames:
        raise LabelError(f"{file}: frames: {labels.frames}, but the run has frame {track.frame[-1]}")
    return score_by_rules(clip, labels, track, rules_of(run))


def stride_of(run: Run) -> int:
    """Return N of a run with every Nth frame of its clip. Raises `RunError`: run.json does not say it."""
    every = run.info.get("every")
    if not isinstance(every, int) or every < 1:
        raise RunError(f"{run.folder / RUN}: every: expected a whole number from 1, found {every!r:.40}")
    return every


def track_of_run(run: Run, columns: FrameColumns | None = None) -> Track:
    """Return the track of a run. `columns`: those of the run, if they were read already. Raises `RunError`."""
    read = read_columns(run) if columns is None else columns
    return Track(
        stride_of(run),
        read.frame,
        read.t,
        read.face,
        read.eyes == "closed",
        read.eyes == "unknown",
        read.gaze,
        read.head,
        read.yawning,
        tuple(_raised(run)),
    )


def _raised(run: Run) -> list[tuple[str, float]]:
    """Return rule and time of each alert raised. events.jsonl has no alert that must stay local."""
    found: list[tuple[str, float]] = []
    for alert in run.alerts():
        if alert.get("phase") == "raised":
            rule, t = alert.get("rule"), alert.get("t")
            if not isinstance(rule, str) or isinstance(t, bool) or not isinstance(t, int | float):
                raise RunError(f"{run.folder}: an alert has no rule or no time; replay the clip again")
            found.append((rule, float(t)))
    return found
