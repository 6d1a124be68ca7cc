"""Score alerts against labels. The profile sets which rules are scored and when an alert is due."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from driver_monitor.bench.runs.scored_rules import EYES, GAZE, LIDS, ScoredRule
from driver_monitor.bench.score.closures import eye_truth
from driver_monitor.bench.score.labels import ClipLabels, Mask, runs
from driver_monitor.bench.score.track import Track

LATE_S = 0.5
"""An alert may come this long after it was due: one or two frames, and the time the eyelid logic waits."""
Judgement = Literal["right", "false", "not judged"]
Causes = tuple[float, Mask, Mask]
"""Seconds until an alert is due, labelled frames, scored frames."""


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


def score_alerts(labels: ClipLabels, track: Track, rules: Iterable[ScoredRule]) -> dict[str, AlertScore]:
    """Return rule -> score. `rules`: see `scored_rules`; those without causes are left out."""
    return {rule.id: _score(labels, track, rule, causes) for rule, causes in _causes(labels, rules)}


def judge_alerts(labels: ClipLabels, track: Track, rules: Iterable[ScoredRule]) -> dict[tuple[str, float], Judgement]:
    """Return rule and time of each alert of the scored `rules` -> whether the labels call it right or false."""
    return {
        (rule.id, t): _judged([_right(track, t, *cause) for cause in causes])
        for rule, causes in _causes(labels, rules)
        for name, t in track.raised
        if name == rule.id
    }


def _causes(labels: ClipLabels, rules: Iterable[ScoredRule]) -> Iterator[tuple[ScoredRule, list[Causes]]]:
    truth, in_yawn = _truth(labels), labels.mask("yawn")
    for rule in rules:
        awake = ~in_yawn if rule.past_yawn else np.ones_like(in_yawn)
        truths = [(one.due_s, *truth[one.signal]) for one in rule.causes]
        if truths:
            yield rule, [(seconds, labelled, scored & awake) for seconds, labelled, scored in truths]


def _judged(verdicts: Collection[bool | None]) -> Judgement:
    """Return what the verdicts by all causes of a rule say: one that is right is enough."""
    if True in verdicts:
        return "right"
    return "not judged" if None in verdicts else "false"


def _truth(labels: ClipLabels) -> dict[str | None, tuple[Mask, Mask]]:
    """Return what the labels say of each signal: labelled frames, scored frames. None: never labelled."""
    eyes = eye_truth(labels)
    away = labels.mask("look_away")
    head = ~(labels.mask("look_away_marginal", "uncertain_head", "face_not_visible") | eyes.closed) | away
    return {
        EYES: (eyes.closed, eyes.counted),
        LIDS: (eyes.closed | labels.mask("eyes_lowered"), eyes.counted),
        GAZE: (away, head),
        None: (np.zeros_like(away), np.ones_like(away)),
    }


def _score(labels: ClipLabels, track: Track, rule: ScoredRule, causes: list[Causes]) -> AlertScore:
    """Score one rule."""
    raised = [t for name, t in track.raised if name == rule.id]
    enough = {rule.id, *rule.held_back_by}
    told = [t for name, t in track.raised if name in enough]
    due = [
        (frame_time(labels, track, first), seconds)
        for seconds, labelled, scored in causes
        for first, last in runs(labelled)
        if last - first + 1 >= seconds * labels.fps and 2 * scored[first : last + 1].sum() >= last - first + 1
    ]
    in_time = sum(any(start <= t <= start + seconds + LATE_S for t in told) for start, seconds in due)
    verdicts = [_judged([_right(track, t, *cause) for cause in causes]) for t in raised]
    return AlertScore(len(due), in_time, len(raised), verdicts.count("false"), verdicts.count("not judged"))


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
