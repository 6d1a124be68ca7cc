"""Judge and score all settings on one trace."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from driver_monitor.app.build import Plan
from driver_monitor.app.pipeline import FrameResult
from driver_monitor.bench.replays.replay import OnProgress
from driver_monitor.bench.runs.scored_rules import ScoredRule, scored_rule
from driver_monitor.bench.score.alerts import (
    LATE_S,
    AlertScore,
    AlertTruth,
    DueEvent,
    alert_truth,
    due_events,
    judged_alerts,
    score_rule,
    times_told,
)
from driver_monitor.bench.score.clip import ScoreJob, check_length, check_rate
from driver_monitor.bench.score.track import Track, track_of
from driver_monitor.bench.sweep.judge import RuleSet, TraceJudge, rule_set
from driver_monitor.bench.sweep.traces import LabelledTrace
from driver_monitor.data.alert import Verdict
from driver_monitor.messages import trace_reader
from driver_monitor.rules.profile import Profile
from driver_monitor.state.tracker import StateTracker

_NO_VERDICT = Verdict("unknown", (), None, ())


@dataclass(frozen=True, slots=True)
class Asked:
    """A setting to judge. `chosen`: the rules whose alerts are wanted. `local`: those that stay unseen."""

    judged: RuleSet
    chosen: tuple[ScoredRule, ...]
    local: frozenset[str]


def asked(profile: Profile, rules: Collection[str]) -> Asked:
    """Return what to judge of `profile`. `rules`: ids of the rules whose alerts are wanted."""
    chosen = tuple(scored_rule(rule) for rule in profile.rules if rule.id in rules)
    return Asked(rule_set(profile, rules), chosen, profile.local_rules)


@dataclass(frozen=True, slots=True)
class SweepJob:
    """A trace to judge with all `settings`, the present one first."""

    labelled: LabelledTrace
    settings: tuple[Asked, ...]

    @property
    def clip(self) -> Path:
        """The path of the trace."""
        return self.labelled.path


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What one rule does with one setting in one trace.

    `score`: counts, as `score clips` has them; None: the rule cannot be scored. `told`: for each event of the rule the
    time of its first alert, None if it was not told. `due`: when the setting's own limit was due, for each event.
    `false`: times of the false alerts. All times are in seconds.
    """

    raised: tuple[float, ...]
    score: AlertScore | None = None
    told: tuple[float | None, ...] = ()
    due: tuple[float, ...] = ()
    false: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class TraceOutcome:
    """What all settings do in one trace.

    `events`: rule -> labelled stretches in which it is due by the present profile. `outcomes`: rule -> an outcome for
    each setting. `seconds`: length by the labels. `models`: hash of the nets.
    """

    path: Path
    clip_name: str
    person: str
    seconds: float
    models: str
    events: dict[str, tuple[DueEvent, ...]]
    outcomes: dict[str, tuple[RuleOutcome, ...]]


def sweep_trace(job: SweepJob, plan: Plan, progress: OnProgress | None = None) -> TraceOutcome:
    """Judge all profiles of `job`. Raises `DriverMonitorError`: the trace is unreadable, or the labels do not fit."""
    labels = job.labelled.labels
    header, observations = trace_reader.read(job.clip)
    tracker = StateTracker(wheel=plan.config.vehicle.steering_wheel)
    results: list[tuple[int, FrameResult]] = []
    for number, observation in observations:
        results.append((number, FrameResult(observation, tracker.update(observation), _NO_VERDICT)))
        if progress is not None:
            progress(len(results), labels.frames)
    track = track_of(results, job.labelled.every)
    as_job = ScoreJob(job.clip, job.labelled.file, labels, job.labelled.every)
    check_length(as_job, track)
    check_rate(as_job, track)
    judge, scorer = TraceJudge(result.state for _, result in results), _Scorer(alert_truth(labels), track, job)
    outcomes: dict[str, list[RuleOutcome]] = {rule: [] for rule in scorer.events}
    for setting in job.settings:
        judged = judge.judge(setting.judged)
        raised = tuple((rule, t) for rule, one in judged.items() for t in one.raised if rule not in setting.local)
        for rule in setting.chosen:
            outcomes[rule.id].append(scorer.outcome(rule, raised))
    return TraceOutcome(
        job.clip,
        job.labelled.clip_name,
        labels.person,
        labels.frames / labels.fps,
        header.models,
        scorer.events,
        {rule: tuple(found) for rule, found in outcomes.items()},
    )


class _Scorer:
    """Scores the alerts of rules in one trace. Settings with the same alerts are scored once."""

    def __init__(self, truth: AlertTruth, track: Track, job: SweepJob) -> None:
        self._truth, self._track = truth, track
        self.events = {rule.id: tuple(due_events(truth, track, rule)) for rule in job.settings[0].chosen}
        self._known: dict[tuple[object, ...], RuleOutcome] = {}

    def outcome(self, rule: ScoredRule, raised: tuple[tuple[str, float], ...]) -> RuleOutcome:
        """Return the outcome of a rule. `raised`: rule and time of the alerts of this rule and those it refers to."""
        if not rule.causes:
            return RuleOutcome(tuple(t for name, t in raised if name == rule.id))
        key = (rule, raised)
        if key not in self._known:
            self._known[key] = self._score(rule, replace(self._track, raised=raised))
        return self._known[key]

    def _score(self, rule: ScoredRule, track: Track) -> RuleOutcome:
        seconds = {cause.signal: cause.due_s for cause in rule.causes}
        events = self.events[rule.id]
        times = sorted(times_told(track, rule))
        told = tuple(next((t for t in times if one.start <= t <= one.end + LATE_S), None) for one in events)
        due = tuple(one.start + seconds[one.signal] for one in events)
        alerts = judged_alerts(self._truth, track, rule)
        false = tuple(t for t, right in alerts if right is False)
        score = score_rule(self._truth, track, rule)
        return RuleOutcome(tuple(t for t, _ in alerts), score, told, due, false)
