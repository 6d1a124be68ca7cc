"""Judges the rules of many profiles on one trace, with the same alerts as a replay with each of these profiles.

The driver states do not depend on the profile, so they are made once. A rule reads only states and the rules before it,
so each rule is judged over the whole trace before the next one. Its `when` is judged on columns. Frames in which
nothing can change (`RunningRule.ignores`) are left out: most of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from driver_monitor.bench.sweep.columns import MEANING, TRUE, Numbers, TraceColumns, as_numbers, judged
from driver_monitor.data.alert import Level, Phase, Value
from driver_monitor.data.driver_state import DriverState
from driver_monitor.rules.engine import without, worst_allowed
from driver_monitor.rules.profile import Profile, Rule, Standstill
from driver_monitor.rules.running_rule import RunningRule
from driver_monitor.signals.table import held_rule, reader


@dataclass(frozen=True, slots=True)
class RuleAlert:
    """One step of an alert of a rule: `t` in seconds, as in `AlertEvent`."""

    t: float
    phase: Phase
    level: Level


@dataclass(frozen=True, eq=False)
class JudgedRule:
    """A rule over a whole trace. `held`: its time without a return in each frame; None: unknown."""

    alerts: tuple[RuleAlert, ...]
    held: list[float | None]

    @property
    def raised(self) -> tuple[float, ...]:
        """The times at which it was raised, seconds."""
        return tuple(alert.t for alert in self.alerts if alert.phase == "raised")

    @cached_property
    def numbers(self) -> Numbers:
        """`held` as numbers, NaN: unknown."""
        return as_numbers(self.held)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of a profile to judge, in its order, each with the names `rule.<id>.held_s` that it reads."""

    standstill: Standstill | None
    rules: tuple[tuple[Rule, tuple[str, ...]], ...]


def rule_set(profile: Profile, wanted: Collection[str]) -> RuleSet:
    """Return the rules with the ids `wanted`, and those that they refer to."""
    needed = with_referred(profile, wanted)
    rules = (rule for rule in profile.rules if rule.id in needed)
    return RuleSet(profile.standstill, tuple((rule, tuple(filter(held_rule, rule.reads()))) for rule in rules))


class TraceJudge:
    """Judges rules on the driver states of one trace. States that are not later than those before them are left out."""

    def __init__(self, states: Iterable[DriverState]) -> None:
        kept: list[DriverState] = []
        for state in states:
            if not kept or state.t > kept[-1].t:
                kept.append(state)
        self._columns = TraceColumns(kept)
        self._known: dict[tuple[object, ...], tuple[Rule, JudgedRule]] = {}
        self._same: dict[tuple[object, ...], JudgedRule] = {}
        """Results by what they are: rules that refer to the same result are judged once."""

    def judge(self, asked: RuleSet) -> dict[str, JudgedRule]:
        """Return the result of each rule, by id."""
        done: dict[str, JudgedRule] = {}
        for rule, names in asked.rules:
            # A message may name the rule's own time.
            others = {name: done[other] for name in names if (other := held_rule(name)) in done and other}
            # Hashing a rule takes longer than judging it. The rule is kept, so that no other one gets its id.
            key = (id(rule), asked.standstill, *map(id, others.values()))
            if key not in self._known:
                found = _judge_rule(rule, asked.standstill, self._columns, others)
                self._known[key] = rule, self._same.setdefault((found.alerts, tuple(found.held)), found)
            done[rule.id] = self._known[key][1]
        return done


def with_referred(profile: Profile, wanted: Collection[str]) -> frozenset[str]:
    """Return `wanted`, and the ids of all rules that these rules read."""
    needed = set(wanted)
    for rule in reversed(profile.rules):
        if rule.id in needed:
            needed.update(other for name in rule.reads() if (other := held_rule(name)) is not None)
    return frozenset(needed)


def _judge_rule(
    rule: Rule, standstill: Standstill | None, columns: TraceColumns, others: dict[str, JudgedRule]
) -> JudgedRule:
    """Judge one rule as `rules.engine.Engine` does. `others`: the rules that it reads, by `rule.<id>.held_s`."""
    when = judged(rule.when, columns, {name: other.numbers for name, other in others.items()})
    alerts: list[RuleAlert] = []
    held: list[float | None] = [0.0] * len(columns)
    if TRUE not in when:
        return JudgedRule((), held)
    running, read = RunningRule(rule), reader(dict.fromkeys(rule.reads()))
    # The first frames of each run of frames with the same answer, and the end.
    changes = [*(np.flatnonzero(np.diff(when)) + 1).tolist(), len(columns)]
    row = 0
    while row < len(columns):
        sure_met = MEANING[when[row]]
        if sure_met in running.ignores:
            row = changes[bisect_right(changes, row)]
            continue
        state, doubts = columns.states[row], columns.doubts[row]
        values: dict[str, Value] = {**read(state), running.held_name: running.held_s}
        values.update((name, other.held[row]) for name, other in others.items())
        sure = without(doubts, values) if doubts else values
        met = running.judge_when(values) if doubts else sure_met
        cap = worst_allowed(standstill, state.vehicle.speed_kmh)
        event = running.update(state, values, sure, (met, sure_met), 0, cap)
        held[row] = running.held_s
        if event is not None:
            alerts.append(RuleAlert(event.t, event.phase, event.level))
        row += 1
    return JudgedRule(tuple(alerts), held)
