"""Says whether the rules of two runs differ where an alert differs."""

from __future__ import annotations

from collections.abc import Mapping

from driver_monitor.bench.compare.episodes import AlertDifference
from driver_monitor.bench.compare.pairs import RunPair
from driver_monitor.bench.runs.scored_rules import KEY, ScoredRule, rules_of
from driver_monitor.errors import RunError


def changed_rules(pair: RunPair, difference: AlertDifference) -> str:
    """Return what run.json says of the rules of a difference: only one run has it, or it is due at another time.

    Empty: nothing differs there, or a run does not say. Only rules that labels can judge stand in run.json.
    """
    try:
        a, b = ({rule.id: rule for rule in rules_of(run)} for run in (pair.a, pair.b))
    except RunError:
        return ""
    names = dict.fromkeys(one.rule for one in (difference.a, difference.b) if one is not None)
    return "; ".join(words for name in names if (words := _change(name, a, b)))


def _change(name: str, a: Mapping[str, ScoredRule], b: Mapping[str, ScoredRule]) -> str:
    mine, theirs = a.get(name), b.get(name)
    if mine is None or theirs is None:
        missing = "B" if mine else "A"
        return "" if mine is theirs else f"{missing} has no rule {name} ({KEY} in run.json)"
    if mine.causes == theirs.causes:
        return ""
    return f"{name} is due after {_due(mine)} in A, {_due(theirs)} in B"


def _due(rule: ScoredRule) -> str:
    return " or ".join(f"{cause.due_s:g} s ({cause.signal or 'not labelled'})" for cause in rule.causes) or "no time"
