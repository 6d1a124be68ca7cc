"""Figures of a sweep in words, for the table on the terminal and the page."""

from __future__ import annotations

from driver_monitor.bench.score.intervals import Figure, Rate
from driver_monitor.bench.sweep.pooling import Recall, RuleFigures
from driver_monitor.bench.sweep.run import Sweep

NONE = "-"
"""Cell of a figure without data."""
MANY = 8
"""Most settings that a sentence lists."""


def told(recall: Recall | None) -> str:
    """Return how many events were told, of how many."""
    return NONE if recall is None or not recall.events else f"{recall.told}/{recall.events}"


def recall_in_words(recall: Recall | None) -> str:
    """Return recall with what the persons show of it: an interval, or a limit where all or no events are told."""
    if recall is None or recall.share.value is None:
        return NONE
    value = f"{100 * recall.share.value:.0f} %"
    if recall.at_least is not None:
        return f"{value}; at least {100 * recall.at_least:.0f} %"
    if recall.at_most is not None:
        return f"{value}; at most {100 * recall.at_most:.0f} %"
    if recall.share.low is None or recall.share.high is None:
        return f"{value}; one person"
    return f"{value} ({100 * recall.share.low:.0f} to {100 * recall.share.high:.0f})"


def rate_in_words(rate: Rate | None) -> str:
    """Return a rate an hour with its interval. Without events, only that it is below a limit."""
    if rate is None or rate.per_hour is None or rate.below is None:
        return NONE
    if rate.count == 0:
        return f"fewer than {_rate(rate.below)}"
    return f"{_rate(rate.per_hour)} ({_rate(rate.low or 0.0)} to {_rate(rate.high or 0.0)})"


def seconds(figure: Figure) -> str:
    """Return a mean time with its interval, seconds."""
    if figure.value is None:
        return NONE
    if figure.low is None or figure.high is None:
        return plain_seconds(figure.value)
    return f"{plain_seconds(figure.value)} ({plain_seconds(figure.low)} to {plain_seconds(figure.high)})"


def against(result: Sweep, number: int, one: RuleFigures) -> str:
    """Return what the persons show about a setting and the present one."""
    return "present" if number == result.present else one.against.words


def summary(result: Sweep, rule: str) -> list[str]:
    """Return what the sweep shows of a rule: the best setting, and which ones cannot be told from the present one."""
    found = result.rules[rule]
    first = found[result.present]
    if first.recall is None or first.false is None:
        return [f"{rule} cannot be scored: no label says when it is due. Only its alerts are counted."]
    lines = []
    if not first.recall.events:
        lines.append(f"No labelled event is long enough for {rule}: these clips show nothing about its recall.")
    best = min(found, key=lambda number: _rank(found[number], number == result.present))
    one, name = found[best], result.settings[best].name
    if first.recall.events or one.false is None or one.false.count:
        change = "the present one" if best == result.present else one.against.words
        lines.append(f"Most told, then fewest false, then earliest: {name} ({change}): {_figures(one)}.")
    apart = [result.settings[number].name for number in sorted(found) if differs(found[number])]
    if not apart:
        lines.append("These clips cannot distinguish any setting from the present one.")
    else:
        more = f"; and {len(apart) - MANY} more" if len(apart) > MANY else ""
        lines.append(f"Distinguishable from the present one: {'; '.join(apart[:MANY])}{more}. All others are not.")
    return lines


def _figures(one: RuleFigures) -> str:
    recall, rate = recall_in_words(one.recall), rate_in_words(one.false)
    return f"told {told(one.recall)}, {recall}; false {one.false.count if one.false else 0}, {rate} an hour"


def differs(one: RuleFigures) -> bool:
    """Return whether the persons show that a setting tells more or fewer events, or raises more or fewer false ones."""
    changes = (one.against.told, one.against.false)
    return any(change is not None and change.told_apart for change in changes)


def footing(result: Sweep) -> str:
    """Return what the figures rest on."""
    clips, persons = _count(len(result.traces), "clip"), _count(result.persons, "person")
    return (
        f"{clips} of {persons}, {60 * result.hours:.1f} minutes. Intervals are 95 %: "
        "recall and times by bootstrap over persons, false alerts an hour exact Poisson. The last column: exact test "
        "of signs by person; of 20 settings that are alike, one looks different by chance."
    )


def _rank(one: RuleFigures, present: bool) -> tuple[int, int, float, bool]:
    """Order settings: most told, fewest false, earliest; of equal ones the present one first."""
    assert one.recall is not None
    assert one.false is not None
    delay = one.delay_s.value
    return -one.recall.told, one.false.count, 0.0 if delay is None else round(delay, 3), not present


def plain_seconds(value: float) -> str:
    """Return a time with two decimals."""
    # Without the sum, a small negative number would be -0.00.
    return f"{round(value, 2) + 0.0:.2f}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _rate(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
