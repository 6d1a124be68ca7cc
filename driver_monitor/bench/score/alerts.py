"""Score alerts against labels. The profile sets which rules are scored and when an alert is due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from driver_monitor.bench.runs.scored_rules import EYES, GAZE, LIDS, ScoredRule
from driver_monitor.bench.score.closures import eye_truth
from driver_monitor.bench.score.labels import ClipLabels, Mask, runs
from driver_monitor.bench.score.track import Track

LATE_S = 0.5
"""An alert may come this long after it was due: one or two frames, and the time the eyelid logic waits."""


@dataclass(frozen=True, slots=True)
class AlertScore:
    """Counts for one rule in one clip.

    `due`: labelled stretches, at least half scored, as long as the rule needs. `in_time`: of these, stretches with an
    alert after their start and at most `LATE_S` after it was due. An alert that holds this one back is enough, too.
    `raised`: all alerts. Each is judged by the frames before it, for as long as the rule needs. `unscored`: most of
    these frames are not scored. `false`: most of the scored ones are not labelled, for every cause of the rule.
    `not_judged`, the same as `unscored`, stands in the JSON.
    """

    due: int
    in_time: int
    raised: int
    false: int
    unscored: int

    def to_json(self) -> dict[str, int]:
        """Return the counts as a JSON object."""
        return {**asdict(self), "not_judged": self.unscored}


@dataclass(frozen=True, slots=True, eq=False)
class AlertTruth:
    """What labels say of the causes of alerts. `by_signal`: labelled frames and scored frames; None: never labelled."""

    labels: ClipLabels
    by_signal: Mapping[str | None, tuple[Mask, Mask]]
    in_yawn: Mask


@dataclass(frozen=True, slots=True)
class DueEvent:
    """A labelled stretch in which an alert is due: `seconds` after its `start`. `start`, `end`: time in the clip, s.

    `signal`: what is labelled; see `LABELLED`.
    """

    signal: str | None
    start: float
    end: float
    seconds: float


def score_alerts(labels: ClipLabels, track: Track, rules: Iterable[ScoredRule]) -> dict[str, AlertScore]:
    """Return rule -> score. `rules`: see `scored_rules`; those without causes are left out."""
    truth = alert_truth(labels)
    return {rule.id: score_rule(truth, track, rule) for rule in rules if rule.causes}


def alert_truth(labels: ClipLabels) -> AlertTruth:
    """Return what the labels say of the causes of alerts."""
    eyes = eye_truth(labels)
    away = labels.mask("look_away")
    head = ~(labels.mask("look_away_marginal", "uncertain_head", "face_not_visible") | eyes.closed) | away
    seen = labels.seen
    by_signal = {
        EYES: (eyes.closed, eyes.counted),
        LIDS: (eyes.closed | labels.mask("eyes_lowered"), eyes.counted),
        GAZE: (away, head & seen),
        None: (np.zeros_like(away), seen),
    }
    return AlertTruth(labels, by_signal, labels.mask("yawn"))


def due_events(truth: AlertTruth, track: Track, rule: ScoredRule) -> list[DueEvent]:
    """Return the labelled stretches, at least half of them scored, that are as long as `rule` needs."""
    labels = truth.labels
    return [
        DueEvent(signal, frame_time(labels, track, first), frame_time(labels, track, last), seconds)
        for signal, seconds, labelled, scored in _causes(truth, rule)
        for first, last in runs(labelled)
        if last - first + 1 >= seconds * labels.fps and 2 * scored[first : last + 1].sum() >= last - first + 1
    ]


def times_told(track: Track, rule: ScoredRule) -> list[float]:
    """Return the times of the alerts of `rule` and of the rules that hold it back, as they tell the driver too."""
    enough = {rule.id, *rule.held_back_by}
    return [t for name, t in track.raised if name in enough]


def judged_alerts(truth: AlertTruth, track: Track, rule: ScoredRule) -> list[tuple[float, bool | None]]:
    """Return the time of each alert of `rule`, and whether it is right. None: most of its time is not scored."""
    causes = _causes(truth, rule)
    found: list[tuple[float, bool | None]] = []
    for t in (t for name, t in track.raised if name == rule.id):
        verdicts = {_right(track, t, seconds, labelled, scored) for _, seconds, labelled, scored in causes}
        found.append((t, True if True in verdicts else None if None in verdicts else False))
    return found


def verdicts_of(labels: ClipLabels, track: Track, rules: Iterable[ScoredRule]) -> dict[tuple[str, float], bool | None]:
    """Return rule and time of each alert -> whether it is right, as `judged_alerts`. Rules as in `score_alerts`."""
    truth = alert_truth(labels)
    return {(rule.id, t): right for rule in rules if rule.causes for t, right in judged_alerts(truth, track, rule)}


def score_rule(truth: AlertTruth, track: Track, rule: ScoredRule) -> AlertScore:
    """Return the score of one rule with causes."""
    told, due = times_told(track, rule), due_events(truth, track, rule)
    in_time = sum(any(one.start <= t <= one.start + one.seconds + LATE_S for t in told) for one in due)
    right = [verdict for _, verdict in judged_alerts(truth, track, rule)]
    return AlertScore(len(due), in_time, len(right), right.count(False), right.count(None))


def _causes(truth: AlertTruth, rule: ScoredRule) -> list[tuple[str | None, float, Mask, Mask]]:
    """Return the causes of a rule: signal, seconds until an alert is due, labelled frames, scored frames."""
    awake = ~truth.in_yawn if rule.past_yawn else np.ones_like(truth.in_yawn)
    found = [(cause.signal, cause.due_s, *truth.by_signal[cause.signal]) for cause in rule.causes]
    return [(signal, seconds, labelled, scored & awake) for signal, seconds, labelled, scored in found]


def _right(track: Track, t: float, seconds: float, labelled: Mask, scored: Mask) -> bool | None:
    """Return whether 50 % or more of the scored frames in `seconds` before `t` are labelled.

    None: most are not scored, or there are no frames.
    """
    frames = track.frame[(track.t > t - seconds) & (track.t <= t)]
    known = scored[frames]
    # Without a frame in this time (a pause in the recording) nothing says that the alert is right.
    if not len(frames) or 2 * known.sum() < len(known):
        return None
    return bool(2 * (labelled[frames] & known).sum() >= known.sum())


def frame_time(labels: ClipLabels, track: Track, frame: int) -> float:
    """Return the time of a frame of the clip: from `track` if the frame was used, else from the labels' frame rate."""
    row = int(np.searchsorted(track.frame, frame))
    if row < len(track) and track.frame[row] == frame:
        return float(track.t[row])
    return frame / labels.fps
