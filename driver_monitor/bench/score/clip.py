"""Replay one clip through the pipeline and compare the result with the clip's labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from driver_monitor.app import build
from driver_monitor.app.build import Plan
from driver_monitor.bench.replays.kept_models import kept_models
from driver_monitor.bench.replays.recording import open_recording
from driver_monitor.bench.replays.replay import OnProgress
from driver_monitor.bench.runs.scored_rules import ScoredRule, scored_rules
from driver_monitor.bench.score.alerts import AlertScore, score_alerts
from driver_monitor.bench.score.closures import ClosureScore, score_closures
from driver_monitor.bench.score.intervals import ratio, rounded
from driver_monitor.bench.score.labels import ClipLabels
from driver_monitor.bench.score.long_events import LongScore, score_long
from driver_monitor.bench.score.sightings import FaceScore, LookScore, YawnScore, score_face, score_looks, score_yawns
from driver_monitor.bench.score.track import Track, record_track
from driver_monitor.errors import LabelError
from driver_monitor.rules.profile import Profile

MAX_RATE_FACTOR = 1.5
"""Largest factor between frame rates of labels and clip (mean, with pauses). Ours; 2 would double labelled lengths."""


@dataclass(frozen=True, slots=True)
class ScoreJob:
    """A clip to score, and its `labels` from `file`. `every`: use every Nth frame."""

    clip: Path
    file: Path
    labels: ClipLabels
    every: int = 1


@dataclass(frozen=True, slots=True)
class ClipScore:
    """All scores of one clip. `frames`: of the clip. `seconds`: those that a person has looked at.

    `raised`: rule -> number of alerts, if any.
    """

    clip: str
    person: str
    frames: int
    seconds: float
    eyes: ClosureScore
    face: FaceScore
    looks: LookScore
    yawns: YawnScore
    alerts: dict[str, AlertScore]
    raised: dict[str, int]
    long_events: LongScore

    def ratio(self, name: str) -> float | None:
        """Return the figure `name` of `RATIOS` for this clip, None if its denominator is 0."""
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
"""Name of a figure -> numerator and denominator in a clip, summed over clips. `closed_share_error`: mean, % points."""
_EYE_RATIOS = ("frame_f1", "frame_precision", "frame_recall", "event_f1", "unknown_share")
"""Ratios in the part `eyes` of a clip's JSON."""


def score_clip(job: ScoreJob, plan: Plan, progress: OnProgress | None = None) -> ClipScore:
    """Replay the clip and score it. Raises `DriverMonitorError`: clip or model unreadable, or labels do not fit."""
    pipeline = build.build_pipeline(plan, kept_models(plan.config))
    with open_recording(job.clip, plan.config.camera, job.every) as camera:
        track = record_track(camera, pipeline, job.every, progress)
    check_length(job, track)
    check_rate(job, track)
    return score_track(job.clip.name, job.labels, track, plan.profile)


def check_length(job: ScoreJob, track: Track) -> None:
    """Raise `LabelError` if labels and clip differ in frames. With `every` N, a difference of less than N may pass."""
    if len(track) != -(-job.labels.frames // job.every):
        # With every Nth frame only, the clip's own number of frames is known to within N.
        found = f"{len(track)}" if job.every == 1 else f"{len(track)} times {job.every}"
        raise LabelError(
            f"{job.file}: frames: {job.labels.frames} are labelled, but {job.clip} has {found}; use the clip that was "
            "labelled, uncut"
        )


def check_rate(job: ScoreJob, track: Track) -> None:
    """Raise `LabelError` if frame rates of labels and clip differ by more than `MAX_RATE_FACTOR`. One frame passes."""
    if len(track) < 2:
        return
    rate = float((track.frame[-1] - track.frame[0]) / (track.t[-1] - track.t[0]))
    if not 1 / MAX_RATE_FACTOR <= job.labels.fps / rate <= MAX_RATE_FACTOR:
        raise LabelError(
            f"{job.file}: fps: {job.labels.fps:g}, but {job.clip} has {rate:.4g} frames a second; correct the labels"
        )


def score_track(clip: str, labels: ClipLabels, track: Track, profile: Profile) -> ClipScore:
    """Return the scores of `track` against `labels`. `clip`: its name. `profile`: its rules say when alerts are due."""
    return score_by_rules(clip, labels, track, scored_rules(profile))


def score_by_rules(clip: str, labels: ClipLabels, track: Track, rules: Sequence[ScoredRule]) -> ClipScore:
    """Return the scores of `track`, as `score_track` does, by the `rules` that labels can judge."""
    return ClipScore(
        clip,
        labels.person,
        labels.frames,
        int(labels.seen.sum()) / labels.fps,
        score_closures(labels, track),
        score_face(labels, track),
        score_looks(labels, track),
        score_yawns(labels, track),
        score_alerts(labels, track, rules),
        dict(Counter(rule for rule, _ in track.raised)),
        score_long(labels, track, rules),
    )


def to_json(score: ClipScore) -> dict[str, Any]:
    """Return a clip's scores as a JSON object: shares 0 to 1, `share_error` in percentage points, None if undefined."""
    values = {**asdict(score), "seconds": round(score.seconds, 3)}
    values["eyes"] |= {name: score.ratio(name) for name in _EYE_RATIOS}
    values["face"] |= {"present_share": score.ratio("face_present")}
    values["alerts"] = {rule: alert.to_json() for rule, alert in score.alerts.items()}
    values["look_away"] = {**values.pop("looks"), "agreement": score.ratio("look_away_agreement")}
    return dict(rounded(values, 4))


_SCORE = TypeAdapter(ClipScore)


def from_json(values: Mapping[str, Any]) -> ClipScore:
    """Return the scores of a clip from their JSON object. Raises pydantic's `ValidationError` or `KeyError`."""
    return _SCORE.validate_python({**values, "looks": values["look_away"]})
