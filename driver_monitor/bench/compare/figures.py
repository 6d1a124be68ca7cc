"""Paired scores: the same clips scored twice, and what the difference shows.

"Better" and "worse" are only said if chance alone would hardly give the difference: see `CHANGES`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from driver_monitor.bench.runs.scored_rules import UNLABELLED
from driver_monitor.bench.score.clip import RATIOS, ClipScore, Share
from driver_monitor.bench.score.intervals import Figure, Floats, bootstrap_difference, poisson_rate, ratio, rounded

Change = Literal["better", "worse", "same", "no difference shown", "too few persons", "not in both"]
CHANGES: Mapping[Change, str] = {
    "better": "B is better: the 95 % interval of the difference excludes 0",
    "worse": "B is worse: the 95 % interval of the difference excludes 0",
    "same": "no person has another value",
    "no difference shown": "the 95 % interval of the difference includes 0",
    "too few persons": "fewer than six persons: that all change to one side is no rare chance",
    "not in both": "only one of the two has this figure",
}
"""What a difference shows. Counts also need an exact sign test over persons: for few events a bootstrap is too sure."""
LEAST_PERSONS = 6
"""Of five persons, all change to one side by chance in 2 / 2**5 = 6 %; of six, in 3 %."""
CHANCE = 0.05
LOWER_IS_BETTER = frozenset({"closed_share_error", "unknown_share"})
ScorePair = tuple[ClipScore, ClipScore]

SHARES: Mapping[str, Share] = {
    **RATIOS,
    "long_closures_found": lambda c: (
        c.long_events.closures - c.long_events.closures_missed,
        c.long_events.closures,
    ),
    "long_looks_told": lambda c: (c.long_events.looks_told, c.long_events.looks),
    "yawns_found": lambda c: (c.yawns.found, c.yawns.labelled),
    "alerts_in_time": lambda c: _in_time(c, *(rule for rule in c.alerts if rule != UNLABELLED)),
}
"""Name -> numerator and denominator in a clip, summed over the clips of a person."""
Count = Callable[[ClipScore], int | None]
COUNTS: Mapping[str, Count] = {
    "false_long_closures": lambda c: len(c.eyes.long),
    "false_closure_alerts": lambda c: c.long_events.alerts_false,
    "false_yawns": lambda c: c.yawns.false,
    "false_alerts": lambda c: sum(alert.false for alert in c.alerts.values()),
}
"""Name -> number of false events in a clip; None: this profile has no such rule."""


@dataclass(frozen=True, slots=True)
class PairedFigure:
    """A figure of A and of B (None: undefined), B minus A with its interval, and what this shows.

    For a rate (`hours` is not None), `a` and `b` are counts, and `difference` is per hour. `persons`: those with data;
    `up`, `down`: of these, those with a larger and a smaller value in B. `excluded`: only of a rate that is the same
    for each person: a larger difference per hour is excluded at 95 %. `counts`: only of alerts in time: how many are,
    and how many are due, in A and in B.
    """

    name: str
    a: float | None
    b: float | None
    difference: Figure
    persons: int
    up: int
    down: int
    change: Change
    hours: float | None = None
    excluded: float | None = None
    counts: tuple[tuple[int, int], tuple[int, int]] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the figure as a JSON object."""
        return dict(rounded(asdict(self), 5))


def paired_figures(pairs: Sequence[ScorePair]) -> list[PairedFigure]:
    """Return all figures over pairs of scores (A, B) of the same clips. Empty without pairs."""
    if not pairs:
        return []
    rules = tuple(dict.fromkeys(rule for both in pairs for score in both for rule in score.alerts))
    shares = {**SHARES, **{f"{rule}_in_time": _share_of(rule) for rule in rules if rule != UNLABELLED}}
    counts = {**COUNTS, **{f"false_{rule}": _count_of(rule) for rule in rules}}
    both_score = common_rules(pairs)
    ratios = [_ratio(both_score if name == "alerts_in_time" else pairs, name, share) for name, share in shares.items()]
    return ratios + [_rate(pairs, *one) for one in counts.items()]


def common_rules(pairs: Iterable[ScorePair]) -> list[ScorePair]:
    """Return the pairs with the alerts of those rules only that both runs score: others have no fair partner."""
    return [
        (
            replace(a, alerts={rule: score for rule, score in a.alerts.items() if rule in b.alerts}),
            replace(b, alerts={rule: score for rule, score in b.alerts.items() if rule in a.alerts}),
        )
        for a, b in pairs
    ]


def rules_of_one(pairs: Iterable[ScorePair]) -> tuple[list[str], list[str]]:
    """Return the rules that only A scores in a clip, and those that only B scores."""
    both = list(pairs)
    only_a = {rule for a, b in both for rule in a.alerts.keys() - b.alerts.keys()}
    only_b = {rule for a, b in both for rule in b.alerts.keys() - a.alerts.keys()}
    return sorted(only_a), sorted(only_b)


def _share_of(rule: str) -> Share:
    return lambda clip: _in_time(clip, rule)


def _in_time(clip: ClipScore, *rules: str) -> tuple[float, float]:
    alerts = [clip.alerts[rule] for rule in rules if rule in clip.alerts]
    return sum(alert.in_time for alert in alerts), sum(alert.due for alert in alerts)


def _count_of(rule: str) -> Count:
    return lambda clip: clip.alerts[rule].false if rule in clip.alerts else None


def _ratio(pairs: Sequence[ScorePair], name: str, share: Share) -> PairedFigure:
    sides = _sums(pairs, share)
    a, b = (ratio(float(side[0].sum()), float(side[1].sum())) for side in sides)
    in_a, in_b = ((int(side[0].sum()), int(side[1].sum())) for side in sides)
    counts = (in_a, in_b) if name.endswith("_in_time") else None
    if a is None or b is None:
        return PairedFigure(name, a, b, Figure(None), 0, 0, 0, "not in both", counts=counts)
    found = bootstrap_difference(*sides)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = [np.where(side[1] > 0, side[0] / side[1], np.nan) for side in sides]
    persons = int(np.sum((sides[0][1] > 0) | (sides[1][1] > 0)))
    up, down = int(np.sum(own[1] > own[0])), int(np.sum(own[1] < own[0]))
    changed = any(not np.array_equal(one, other) for one, other in zip(*sides, strict=True))
    change = _change(found, persons, changed, lower=name in LOWER_IS_BETTER)
    return PairedFigure(name, a, b, found, persons, up, down, change, counts=counts)


def _rate(pairs: Sequence[ScorePair], name: str, count: Count) -> PairedFigure:
    counted = [[count(score) for score in both] for both in pairs]
    a, b = (_total(column) for column in zip(*counted, strict=True))
    hours = sum(both[0].seconds for both in pairs) / 3600
    if a is None or b is None:
        return PairedFigure(name, a, b, Figure(None), 0, 0, 0, "not in both", hours)
    sides = _sums(pairs, lambda clip: (count(clip) or 0, clip.seconds / 3600))
    found = bootstrap_difference(*sides)
    more = sides[1][0] - sides[0][0]
    up, down = int(np.sum(more > 0)), int(np.sum(more < 0))
    change = _change(found, len(more), bool(up or down), lower=True)
    if change in ("better", "worse") and sign_test(up, down) >= CHANCE:
        change = "no difference shown"
    excluded = None if up or down else poisson_rate(0, hours).below
    return PairedFigure(name, a, b, found, len(more), up, down, change, hours, excluded)


def _total(column: Iterable[int | None]) -> int | None:
    known = [value for value in column if value is not None]
    return sum(known) if known else None


def _sums(pairs: Sequence[ScorePair], share: Share) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return numerators and denominators by person, (persons,) each, of A and of B."""
    persons = {person: row for row, person in enumerate(sorted({a.person for a, _ in pairs}))}
    sums = np.zeros((2, 2, len(persons)))
    for both in pairs:
        for side, score in enumerate(both):
            sums[side, :, persons[both[0].person]] += share(score)
    return (sums[0, 0], sums[0, 1]), (sums[1, 0], sums[1, 1])


def _change(difference: Figure, persons: int, changed: bool, *, lower: bool) -> Change:
    """Return what a difference shows. `changed`: a person has another value. `lower`: a lower value is better."""
    if not changed:
        return "same"
    if persons < LEAST_PERSONS or difference.low is None or difference.high is None:
        return "too few persons"
    if difference.low <= 0 <= difference.high:
        return "no difference shown"
    return "better" if (difference.high < 0) == lower else "worse"


def sign_test(up: int, down: int) -> float:
    """Return the probability, by chance alone, that at least so many persons change to one side (exact, two-sided)."""
    count = up + down
    tail: int = sum(math.comb(count, k) for k in range(max(up, down), count + 1))
    return min(1.0, float(2 * tail / 2**count))
