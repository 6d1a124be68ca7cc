"""Run a sweep: all settings over all traces, and the result as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console

from driver_monitor.app.build import Plan
from driver_monitor.bench.batch.processes import Runner
from driver_monitor.bench.runs.scored_rules import due_times
from driver_monitor.bench.score.intervals import rounded
from driver_monitor.bench.sweep.judge import with_referred
from driver_monitor.bench.sweep.pooling import RuleFigures, figures
from driver_monitor.bench.sweep.settings import Axis, SweepSetting
from driver_monitor.bench.sweep.trace_sweep import SweepJob, TraceOutcome, asked, sweep_trace
from driver_monitor.bench.sweep.traces import LabelledTrace
from driver_monitor.errors import UsageError
from driver_monitor.messages.envelope import SCHEMA
from driver_monitor.rules.profile import Profile

INTERVALS = (
    "95 %: recall and delays by bootstrap over persons, false alerts an hour exact Poisson; "
    "against the present setting: exact test of signs, paired by person"
)


@dataclass(frozen=True, slots=True)
class Sweep:
    """A finished sweep. `rules`: rule -> figures of each valid setting, by its number in `settings`.

    `traces`: what was judged. `hours`: length by the labels. `faults`: a line for each trace or label file left out.
    """

    profile: str
    axes: tuple[Axis, ...]
    settings: tuple[SweepSetting, ...]
    rules: dict[str, dict[int, RuleFigures]]
    traces: tuple[TraceOutcome, ...]
    faults: tuple[str, ...]

    @property
    def hours(self) -> float:
        """The length of all traces, by the labels."""
        return sum(one.seconds for one in self.traces) / 3600

    @property
    def persons(self) -> int:
        """The number of persons in the traces."""
        return len({one.person for one in self.traces})

    @property
    def present(self) -> int:
        """The number of the present setting."""
        return next(number for number, one in enumerate(self.settings) if one.present)


def chosen_rules(profile: Profile, axes: Sequence[Axis], wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of the rules to score, in the order of `profile`. `wanted`: what the user named, or nothing.

    Without a wish: the rules that an axis changes, and those that can be scored and are changed with them. Raises
    `UsageError`: there is no such rule, or its alerts must stay on the machine.
    """
    ids = [rule.id for rule in profile.rules]
    for rule in wanted:
        if rule not in ids:
            raise UsageError(f"--rule {rule}: no such rule; {profile.name} has {', '.join(ids)}")
        if rule in profile.local_rules:
            raise UsageError(f"--rule {rule}: reads an expression, which stays in the car of a driver at work")
    if wanted:
        return tuple(rule for rule in ids if rule in wanted)
    keys = [axis.place.keys for axis in axes]
    changed = {ids[int(key[1])] for key in keys if key[0] == "rules"}
    everywhere = any(key[0] != "rules" for key in keys)
    scorable = {rule.id for rule in profile.rules if due_times(rule)}
    moved = {rule for rule in scorable if everywhere or with_referred(profile, {rule}) & changed}
    found = tuple(rule for rule in ids if rule in changed | moved and rule not in profile.local_rules)
    if not found:
        raise UsageError("--set: no rule is left to count; its alerts stay in the car of a driver at work")
    return found


def sweep(
    plan: Plan,
    axes: tuple[Axis, ...],
    settings: tuple[SweepSetting, ...],
    rules: tuple[str, ...],
    traces: Sequence[LabelledTrace],
    faults: Sequence[str],
    jobs: int,
    console: Console,
) -> Sweep:
    """Judge all valid settings on all `traces`, `jobs` in parallel. See `Sweep`.

    `faults`: of the search for traces; those of the traces follow. `console`: for the progress.
    """
    present = next(number for number, one in enumerate(settings) if one.present)
    valid = [present, *(n for n, one in enumerate(settings) if one.profile is not None and n != present)]
    profiles = (settings[number].profile for number in valid)
    to_judge = tuple(asked(profile, rules) for profile in profiles if profile is not None)
    work = [SweepJob(one, to_judge) for one in traces]
    outcomes = list(Runner(sweep_trace, plan).run(work, jobs, console))
    errors = [one.error for one in outcomes if one.error is not None]
    done = tuple(sorted((one.result for one in outcomes if one.result is not None), key=lambda one: one.path))
    found = {rule: dict(zip(valid, figures(done, rule), strict=True)) for rule in rules} if done else {}
    return Sweep(plan.profile.name, axes, settings, found, done, (*faults, *errors))


def to_json(result: Sweep) -> dict[str, Any]:
    """Return a sweep as a JSON object: times in seconds, shares from 0 to 1, None where there is no figure."""
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "profile": result.profile,
        "models": sorted({one.models for one in result.traces}),
        "set": {axis.place.path: list(axis.values) for axis in result.axes},
        "traces": [{"trace": str(one.path), "clip": one.clip_name, "person": one.person} for one in result.traces],
        "persons": result.persons,
        "hours": result.hours,
        "settings": [_setting(result, number) for number in range(len(result.settings))],
        "faults": list(result.faults),
        "intervals": INTERVALS,
    }
    return {**rounded(values), "settings": [rounded(one) for one in values["settings"]]}


def _setting(result: Sweep, number: int) -> dict[str, Any]:
    setting = result.settings[number]
    paths = [axis.place.path for axis in result.axes]
    found = {rule: of[number] for rule, of in result.rules.items() if number in of}
    return {
        "values": dict(zip(paths, setting.values, strict=True)),
        "present": setting.present,
        "invalid": setting.fault or None,
        "rules": {rule: _rule(one) for rule, one in found.items()},
    }


def _rule(one: RuleFigures) -> dict[str, Any]:
    against = {
        "words": one.against.words,
        "same": one.against.same,
        "told": asdict(one.against.told) if one.against.told else None,
        "false": asdict(one.against.false) if one.against.false else None,
        "later_s": asdict(one.against.later_s),
    }
    return {
        "raised": asdict(one.raised),
        "recall": asdict(one.recall) if one.recall else None,
        "false": asdict(one.false) if one.false else None,
        "delay_s": asdict(one.delay_s),
        "late_s": asdict(one.late_s),
        "counts": one.counts.to_json() if one.counts else None,
        "against_present": against,
        "missed": [{"trace": number, "start_s": round(t, 3)} for number, t in one.missed],
        "false_alerts": [{"trace": number, "t": round(t, 3)} for number, t in one.false_at],
    }
