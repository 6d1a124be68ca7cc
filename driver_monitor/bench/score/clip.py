"""One clip: replayed through the pipeline, held against its labels."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from driver_monitor.app import build
from driver_monitor.app.build import Plan
from driver_monitor.bench.replay import Job, open_recording
from driver_monitor.bench.score.alarms import AlarmScore, score_alarms
from driver_monitor.bench.score.closures import ClosureScore, score_closures
from driver_monitor.bench.score.intervals import ratio
from driver_monitor.bench.score.labels import ClipLabels
from driver_monitor.bench.score.sightings import (
    FaceScore,
    LookScore,
    YawnScore,
    score_face,
    score_looks,
    score_yawns,
)
from driver_monitor.bench.score.track import Track, track
from driver_monitor.errors import DriverMonitorError, LabelError

MOST_OFF = 1.5
"""Factor by which the labels' frame rate may differ from the clip's mean one: recordings pause and dawdle, but labels
of twice the rate make half a blink of a closure of a second."""


@dataclass(frozen=True, slots=True)
class Task:
    """A clip and what was labelled of it in `file`. `every`: use each Nth frame only."""

    clip: Path
    file: Path
    labels: ClipLabels
    every: int = 1


@dataclass(frozen=True, slots=True)
class ClipScore:
    """All scores of one clip. `seconds`: how long it is; `raised`: how often each rule spoke."""

    clip: str
    person: str
    frames: int
    seconds: float
    eyes: ClosureScore
    face: FaceScore
    looks: LookScore
    yawns: YawnScore
    alarms: dict[str, AlarmScore]
    raised: dict[str, int]

    def ratio(self, name: str) -> float | None:
        """Return one of `RATIOS` of this clip alone, None where it is 0 / 0."""
        return ratio(*RATIOS[name](self))


Share = Callable[[ClipScore], tuple[float, float]]

RATIOS: Mapping[str, Share] = {
    "frame_f1": lambda c: (2 * c.eyes.hit, 2 * c.eyes.hit + c.eyes.wrong + c.eyes.missed),
    "frame_precision": lambda c: (c.eyes.hit, c.eyes.hit + c.eyes.wrong),
    "frame_recall": lambda c: (c.eyes.hit, c.eyes.hit + c.eyes.missed),
    "event_f1": lambda c: (2 * c.eyes.found, c.eyes.labelled + c.eyes.found + c.eyes.false),
    "event_precision": lambda c: (c.eyes.found, c.eyes.found + c.eyes.false),
    "event_recall": lambda c: (c.eyes.found, c.eyes.labelled),
    "closed_share_error": lambda c: (c.eyes.share_error or 0.0, float(c.eyes.share_error is not None)),
    "unknown_share": lambda c: (c.eyes.unknown, c.eyes.scored),
    "face_present": lambda c: (c.face.present, c.face.visible),
    "look_away_agreement": lambda c: (c.looks.agreed, c.looks.frames),
}
"""Each figure as what it sums over clips and divides by; `closed_share_error`, in points, is a mean of clips."""
_OF_EYES = ("frame_f1", "frame_precision", "frame_recall", "event_f1", "unknown_share")
"""Those told under `eyes` of a clip."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What came of a task: the score, or the one-line `error`."""

    clip: Path
    score: ClipScore | None = None
    error: str | None = None


def score_clip(task: Task, plan: Plan, progress: Callable[[int, int | None], None] | None = None) -> ClipScore:
    """Replay the clip through a fresh pipeline and score it. Raises `DriverMonitorError`."""
    pipeline = build.build_pipeline(plan, build.load_models(plan.config))
    with open_recording(Job(task.clip, Path(), task.every), plan.config.camera.rotate) as camera:
        seen = track(camera, pipeline, task.every, progress)
    check_length(task, seen)
    check_rate(task, seen)
    return score_track(task.clip.name, task.labels, seen)


def attempt(task: Task, plan: Plan) -> Scored:
    """Score one clip in a process of a pool: a clip that cannot be read must not take the other clips with it."""
    try:
        return Scored(task.clip, score_clip(task, plan))
    except DriverMonitorError as error:
        return Scored(task.clip, error=str(error))
    except SystemExit:
        # A pool would take this for a result, try to hand it to a parent that may be dead, and wait for more work.
        os._exit(1)


def check_length(task: Task, seen: Track) -> None:
    """Raise `LabelError` unless the labels are of as many frames as the clip has."""
    if len(seen) != -(-task.labels.frames // task.every):
        # With every Nth frame only, the clip's own number of frames is known no better than to N.
        found = f"{len(seen)}" if task.every == 1 else f"{len(seen)} times {task.every}"
        raise LabelError(
            f"{task.file}: frames: {task.labels.frames} are labelled, but {task.clip} has {found}; labels and clip "
            "must be of the same recording, uncut"
        )


def check_rate(task: Task, seen: Track) -> None:
    """Raise `LabelError` where the labels' frame rate is not the clip's: every length and rate would be wrong."""
    if len(seen) < 2:
        return
    rate = float((seen.frame[-1] - seen.frame[0]) / (seen.t[-1] - seen.t[0]))
    if not 1 / MOST_OFF <= task.labels.fps / rate <= MOST_OFF:
        raise LabelError(
            f"{task.file}: fps: {task.labels.fps:g}, but {task.clip} has {rate:.4g} frames a second; correct the labels"
        )


def score_track(clip: str, labels: ClipLabels, seen: Track) -> ClipScore:
    """Hold what was seen of `clip` against its labels; pure."""
    raised: dict[str, int] = {}
    for rule, _ in seen.raised:
        raised[rule] = raised.get(rule, 0) + 1
    return ClipScore(
        clip,
        labels.person,
        labels.frames,
        labels.frames / labels.fps,
        score_closures(labels, seen),
        score_face(labels, seen),
        score_looks(labels, seen),
        score_yawns(labels, seen),
        score_alarms(labels, seen),
        raised,
    )


def to_json(score: ClipScore) -> dict[str, Any]:
    """Return the scores of a clip as one JSON object; times in seconds, shares 0 to 1, null where undefined."""
    return {
        "clip": score.clip,
        "person": score.person,
        "frames": score.frames,
        "seconds": round(score.seconds, 3),
        "eyes": {
            **_rounded(score.eyes),
            **{name: _round(score.ratio(name)) for name in _OF_EYES},
        },
        "face": {**_rounded(score.face), "present_share": _round(score.ratio("face_present"))},
        "look_away": {**_rounded(score.looks), "agreement": _round(score.ratio("look_away_agreement"))},
        "yawns": _rounded(score.yawns),
        "alerts": {rule: _rounded(alarm) for rule, alarm in score.alarms.items()},
        "raised": score.raised,
    }


def _rounded(part: ClosureScore | FaceScore | LookScore | YawnScore | AlarmScore) -> dict[str, Any]:
    return {name: _round(value) if isinstance(value, float) else value for name, value in asdict(part).items()}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
