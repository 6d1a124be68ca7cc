"""Judge and score all settings on one trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from driver_monitor.app.build import Plan
from driver_monitor.app.pipeline import FrameResult
from driver_monitor.bench.replays.replay import OnProgress
from driver_monitor.bench.score.alerts import (
    LATE_S,
    AlertScore,
    AlertTruth,
    DueEvent,
    alert_truth,
    due_events,
    due_times,
    judged_alerts,
    score_rule,
    times_told,
)
from driver_monitor.bench.score.clip import ScoreJob, check_length, check_rate
from driver_monitor.bench.score.track import Track, track_of
from driver_monitor.bench.sweep.judge import TraceJudge
from driver_monitor.bench.sweep.traces import LabelledTrace
from driver_monitor.data.alert import Verdict
from driver_monitor.messages import trace
from driver_monitor.rules.profile import Profile, Rule
from driver_monitor.state.tracker import StateTracker

_NO_VERDICT = Verdict("unknown", (), None, ())


@dataclass(frozen=True, slots=True)
class SweepJob:
    """A trace to judge with all `profiles`, the present one first. `rules`: ids of the rules that are wanted."""

    labelled: LabelledTrace
    profiles: tuple[Profile, ...]
    rules: tuple[str, ...]

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
    header, observations = trace.read(job.clip)
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
    judge, truth = TraceJudge(result.state for _, result in results), alert_truth(labels)
    events = {rule.id: tuple(due_events(truth, track, rule)) for rule in _chosen(job.profiles[0], job.rules)}
    outcomes: dict[str, list[RuleOutcome]] = {rule: [] for rule in job.rules}
    for profile in job.profiles:
        judged = judge.judge(profile, job.rules)
        raised = tuple((rule, t) for rule, one in judged.items() for t in one.raised if rule not in profile.local_rules)
        told = replace(track, raised=raised)
        for rule in _chosen(profile, job.rules):
            outcomes[rule.id].append(_outcome(truth, told, rule, judged[rule.id].raised, events[rule.id]))
    return TraceOutcome(
        job.clip,
        job.labelled.clip_name,
        labels.person,
        labels.frames / labels.fps,
        header.models,
        events,
        {rule: tuple(found) for rule, found in outcomes.items()},
    )


def _chosen(profile: Profile, rules: Sequence[str]) -> list[Rule]:
    return [rule for rule in profile.rules if rule.id in rules]


def _outcome(
    truth: AlertTruth, track: Track, rule: Rule, raised: tuple[float, ...], events: Sequence[DueEvent]
) -> RuleOutcome:
    needs = dict(due_times(rule))
    if not needs:
        return RuleOutcome(raised)
    times = sorted(times_told(track, rule))
    told = tuple(next((t for t in times if one.start <= t <= one.end + LATE_S), None) for one in events)
    due = tuple(one.start + needs[one.signal] for one in events)
    false = tuple(t for t, right in judged_alerts(truth, track, rule) if right is False)
    return RuleOutcome(raised, score_rule(truth, track, rule), told, due, false)
