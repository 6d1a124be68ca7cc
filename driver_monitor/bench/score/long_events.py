"""Score what lasts: long closures, alerts about closed eyes, long yawns and long looks away. See docs/scores.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from driver_monitor.bench.runs.scored_rules import EYES, ScoredRule
from driver_monitor.bench.score.alerts import LATE_S, frame_time
from driver_monitor.bench.score.closures import LONG_S, EyeTruth, Span, counts, eye_truth, rows_in
from driver_monitor.bench.score.labels import ClipLabels, runs
from driver_monitor.bench.score.sightings import found_yawns, sure_yawns
from driver_monitor.bench.score.track import Track

CALLED = 0.5
"""A long closure is missed if a smaller share of its frames is called closed."""
CLOSED, UNCERTAIN, EITHER = 0.5, 0.5, 0.6
"""An alert about closed eyes is false if smaller shares of its time are labelled closed, uncertain, and either."""
YAWN_S, LOOK_S = 2.0, 3.0
"""Lengths from which a yawn and a look-away count as long. 3 s: long distraction (Euro NCAP Driver Engagement
v1.1, as reported)."""


@dataclass(frozen=True, slots=True)
class LongScore:
    """Counts of long events in one clip.

    `closures`: labelled closures of `LONG_S` or more, at least half of them scored; `closures_missed`: of these, those
    of which less than `CALLED` is called closed. `alerts`: alerts of the rules that need nothing but closed eyes;
    `alerts_false`: of these, the false ones: see `CLOSED`. Their time is as long as the rule needs. `yawns`: sure yawns
    of `YAWN_S` or more; `yawns_found`: of these, the found ones. `looks`: look-aways of `LOOK_S` or more;
    `looks_told`: of these, those in which a rule with the attention "distracted" raised an alert, at most `LATE_S`
    after the end.
    """

    closures: int
    closures_missed: int
    alerts: int
    alerts_false: int
    yawns: int
    yawns_found: int
    looks: int
    looks_told: int

    def to_json(self) -> dict[str, int]:
        """Return the counts as a JSON object."""
        return asdict(self)


def score_long(labels: ClipLabels, track: Track, rules: Sequence[ScoredRule]) -> LongScore:
    """Return the counts of `track` against `labels`. `rules`: they say what an alert is about."""
    truth = eye_truth(labels)
    closures, missed = _closures(labels, truth, track)
    seconds = {rule.id: rule.causes[0].due_s for rule in rules if {cause.signal for cause in rule.causes} == {EYES}}
    raised = [(t, seconds[rule]) for rule, t in track.raised if rule in seconds]
    yawns = [yawn for yawn in sure_yawns(labels) if _seconds(labels, yawn) >= YAWN_S]
    seen = labels.seen
    away = [look for look in runs(labels.mask("look_away")) if counts(seen[look[0] : look[1] + 1])]
    looks = [look for look in away if _seconds(labels, look) >= LOOK_S]
    about_gaze = {rule.id for rule in rules if rule.distracted}
    told = [t for rule, t in track.raised if rule in about_gaze]
    return LongScore(
        closures=closures,
        closures_missed=missed,
        alerts=len(raised),
        alerts_false=sum(_false(truth, track, *alert) for alert in raised),
        yawns=len(yawns),
        yawns_found=found_yawns(yawns, track),
        looks=len(looks),
        looks_told=sum(_in(labels, track, look, told) for look in looks),
    )


def _seconds(labels: ClipLabels, span: Span) -> float:
    return (span[1] - span[0] + 1) / labels.fps


def _closures(labels: ClipLabels, truth: EyeTruth, track: Track) -> tuple[int, int]:
    """Return how many long closures are labelled, and how many of these are missed."""
    long = [rows_in(track, span) for span in runs(truth.closed) if _seconds(labels, span) >= LONG_S]
    scored = [rows for rows in long if counts(truth.counted[track.frame[rows]])]
    return len(scored), sum(float(np.mean(track.closed[rows])) < CALLED for rows in scored)


def _false(truth: EyeTruth, track: Track, t: float, seconds: float) -> bool:
    """Return whether the `seconds` before an alert at `t` show that it is false. Without a frame nothing shows it."""
    frames = track.frame[(track.t > t - seconds) & (track.t <= t)]
    if not len(frames):
        return False
    closed, uncertain = truth.closed[frames], ~truth.counted[frames]
    shares = [float(np.mean(mask)) for mask in (closed, uncertain, closed | uncertain)]
    return shares[0] < CLOSED and shares[1] < UNCERTAIN and shares[2] < EITHER


def _in(labels: ClipLabels, track: Track, look: Span, told: list[float]) -> bool:
    """Return whether one of the times in `told` lies in the look-away, or up to `LATE_S` after it."""
    start, end = (frame_time(labels, track, frame) for frame in look)
    return any(start <= t <= end + LATE_S for t in told)
