"""Pool the outcomes of all traces: figures of each setting with 95 % intervals, and its change from the present one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from driver_monitor.bench.score.alerts import AlertScore
from driver_monitor.bench.score.intervals import LEVEL, Figure, Floats, Rate, bootstrap_ratio, poisson_rate
from driver_monitor.bench.sweep.paired import Against, paired
from driver_monitor.bench.sweep.trace_sweep import RuleOutcome, TraceOutcome

NOTHING = Figure(None)


@dataclass(frozen=True, slots=True)
class Recall:
    """The share of events that were told. `persons`: with events. `share`: with its interval by bootstrap over persons.

    `at_least`, `at_most`: exact one-sided 95 % limit where all or no events are told, and no bootstrap shows a spread.
    """

    events: int
    told: int
    persons: int
    share: Figure
    at_least: float | None
    at_most: float | None


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """Figures of one rule with one setting, over all traces.

    `counts`: as `score clips` has them for a profile with this setting; None: the rule cannot be scored. `delay_s`:
    from the start of an event until it is told, mean. `late_s`: the same from when the alert was due by the setting's
    own limit. `missed`, `false_at`: number of the trace, and seconds: start of an event, time of a false alert.
    """

    raised: Rate
    counts: AlertScore | None
    recall: Recall | None
    false: Rate | None
    delay_s: Figure
    late_s: Figure
    against: Against
    missed: tuple[tuple[int, float], ...]
    false_at: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Sums over the traces of each person: (persons,) each. `both_s`, `both`: of events that the present tells too."""

    events: Floats
    told: Floats
    false: Floats
    delay: Floats
    late: Floats
    both_s: Floats
    both: Floats


def figures(traces: Sequence[TraceOutcome], rule: str) -> list[RuleFigures]:
    """Return the figures of a rule for each setting, the present one first. `traces`: at least one."""
    persons = sorted({one.person for one in traces})
    hours = sum(one.seconds for one in traces) / 3600
    first = _sums(traces, rule, 0, persons)
    return [_figures(traces, rule, index, first, persons, hours) for index in range(len(traces[0].outcomes[rule]))]


def _figures(
    traces: Sequence[TraceOutcome], rule: str, index: int, present: _Sums, persons: Sequence[str], hours: float
) -> RuleFigures:
    outcomes = [one.outcomes[rule][index] for one in traces]
    raised = poisson_rate(sum(len(one.raised) for one in outcomes), hours)
    same = all(one.raised == trace.outcomes[rule][0].raised for one, trace in zip(outcomes, traces, strict=True))
    scores = [one.score for one in outcomes if one.score is not None]
    if not scores:
        return RuleFigures(raised, None, None, None, NOTHING, NOTHING, Against(same, None, None, NOTHING), (), ())
    sums = _sums(traces, rule, index, persons)
    # An event that another rule tells may change too.
    same = same and all(one.told == trace.outcomes[rule][0].told for one, trace in zip(outcomes, traces, strict=True))
    counts = AlertScore(
        *(sum(getattr(one, name) for one in scores) for name in ("due", "in_time", "raised", "false", "unscored"))
    )
    against = Against(
        same,
        paired(sums.told - present.told),
        paired(sums.false - present.false),
        bootstrap_ratio(sums.both_s, sums.both),
    )
    return RuleFigures(
        raised,
        counts,
        _recall(sums),
        poisson_rate(counts.false, hours),
        bootstrap_ratio(sums.delay, sums.told),
        bootstrap_ratio(sums.late, sums.told),
        against,
        tuple(
            (number, event.start)
            for number, trace in enumerate(traces)
            for event, t in zip(trace.events[rule], outcomes[number].told, strict=True)
            if t is None
        ),
        tuple((number, t) for number, one in enumerate(outcomes) for t in one.false),
    )


def _recall(sums: _Sums) -> Recall:
    events, told = int(sums.events.sum()), int(sums.told.sum())
    persons = int(np.count_nonzero(sums.events))
    # The least share of persons without a miss that is not refuted by `persons` of them (Clopper and Pearson, 1934).
    limit = (1 - LEVEL) ** (1 / persons) if persons else None
    return Recall(
        events,
        told,
        persons,
        bootstrap_ratio(sums.told, sums.events),
        limit if limit is not None and told == events else None,
        1 - limit if limit is not None and told == 0 else None,
    )


def _sums(traces: Sequence[TraceOutcome], rule: str, index: int, persons: Sequence[str]) -> _Sums:
    rows = np.zeros((len(persons), 7))
    number = {person: row for row, person in enumerate(persons)}
    for trace in traces:
        rows[number[trace.person]] += _row(trace, rule, trace.outcomes[rule][index])
    return _Sums(*rows.T)


def _row(trace: TraceOutcome, rule: str, outcome: RuleOutcome) -> tuple[float, ...]:
    told = [
        (event, t, due)
        for event, t, due in zip(trace.events[rule], outcome.told, outcome.due, strict=True)
        if t is not None
    ]
    both = [
        t - before
        for t, before in zip(outcome.told, trace.outcomes[rule][0].told, strict=True)
        if t is not None and before is not None
    ]
    return (
        len(trace.events[rule]),
        len(told),
        len(outcome.false),
        sum(t - event.start for event, t, _ in told),
        sum(t - due for _, t, due in told),
        sum(both),
        len(both),
    )
