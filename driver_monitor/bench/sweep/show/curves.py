"""The curves of a sweep, as data and layout for plotly: recall against false alerts, and each figure by the value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from driver_monitor.bench.score.intervals import Figure, Rate
from driver_monitor.bench.sweep.pooling import Recall, RuleFigures
from driver_monitor.bench.sweep.run import Sweep
from driver_monitor.bench.sweep.settings import shown
from driver_monitor.bench.sweep.show import words
from driver_monitor.data.alert import Value

Bar = tuple[float | None, float | None, float | None]
"""A value with the ends of its interval. None: there is no value, or no interval."""
Curve = Sequence[tuple[int, RuleFigures]]
COLOURS = ("#1d5fa8", "#b3541e", "#2d7d46", "#7b4aa0", "#8a6d00", "#a3243b", "#00707a", "#5a5a5a")
"""Each has a contrast of at least 3 with a white and a black page (WCAG 2.1, 1.4.11)."""
MOST_CURVES = 40
"""Most curves in one figure (ours): more cannot be told apart."""


def trade(result: Sweep, rule: str) -> dict[str, Any]:
    """Return recall against false alerts an hour, a point for each setting, joined in the order of the first value."""
    data = []
    for colour, name, curve in _curves(result, rule):
        rates, recalls = [_rate(one.false) for _, one in curve], [_recall(one.recall) for _, one in curve]
        line = _line(result, name, colour, curve, [value for value, _, _ in rates], recalls)
        data.append({**line, "error_x": _bars(rates)})
    ends = [_rate(one.false)[2] for one in result.rules[rule].values()]
    most = max((end for end in ends if end is not None), default=1.0)
    layout = {
        # Points at 0 need room at their left.
        "xaxis": {"title": {"text": "false alerts an hour"}, "range": [-0.04 * most, 1.04 * most]},
        "yaxis": {"title": {"text": "recall, %"}, "range": [-5, 105]},
        "height": 460,
        "hovermode": "closest",
        "showlegend": len(data) > 1,
    }
    return {"data": data, "layout": layout}


def by_value(result: Sweep, rule: str) -> dict[str, Any]:
    """Return recall, false alerts an hour, delay and lateness against the first value that was set."""
    panels: tuple[tuple[str, Callable[[RuleFigures], Bar]], ...] = (
        ("recall, %", lambda one: _recall(one.recall)),
        ("false alerts an hour", lambda one: _rate(one.false)),
        ("delay from the start, s", lambda one: _figure(one.delay_s)),
        ("late after it was due, s", lambda one: _figure(one.late_s)),
    )
    if all(one.counts is None for one in result.rules[rule].values()):
        panels = (("alerts an hour", lambda one: _rate(one.raised)),)
    data = []
    layout: dict[str, Any] = {"height": 340 * -(-len(panels) // 2), "hovermode": "closest"}
    layout["grid"] = {"rows": -(-len(panels) // 2), "columns": min(2, len(panels)), "pattern": "independent"}
    for index, (title, read) in enumerate(panels, 1):
        number = "" if index == 1 else str(index)
        for colour, name, curve in _curves(result, rule):
            x = _positions([result.settings[row].values[0] for row, _ in curve])
            line = _line(result, name, colour, curve, x, [read(one) for _, one in curve])
            data.append({**line, "xaxis": f"x{number}", "yaxis": f"y{number}", "showlegend": False})
        layout[f"xaxis{number}"] = {"title": {"text": result.axes[0].place.path}}
        layout[f"yaxis{number}"] = {"title": {"text": title}, "rangemode": "tozero"}
    return {"data": data, "layout": layout}


def _curves(result: Sweep, rule: str) -> list[tuple[str, str, Curve]]:
    """Return colour, name and settings of each curve: a curve for each combination of the values after the first."""
    groups: dict[str, list[tuple[int, RuleFigures]]] = {}
    firsts = _positions([one.values[0] for one in result.settings])
    order = sorted(result.rules[rule].items(), key=lambda item: (firsts[item[0]], item[0]))
    for number, one in order:
        rest = zip(result.axes[1:], result.settings[number].values[1:], strict=True)
        name = ", ".join(f"{axis.place.path} {shown(value)}" for axis, value in rest)
        groups.setdefault(name, []).append((number, one))
    named = list(groups.items())[:MOST_CURVES]
    return [(COLOURS[index % len(COLOURS)], name, curve) for index, (name, curve) in enumerate(named)]


def _line(result: Sweep, name: str, colour: str, curve: Curve, x: Sequence[Any], y: Sequence[Bar]) -> dict[str, Any]:
    present = [number == result.present for number, _ in curve]
    return {
        "mode": "lines+markers",
        "name": name,
        "x": list(x),
        "y": [value for value, _, _ in y],
        "error_y": _bars(y),
        "line": {"color": colour, "width": 1},
        "marker": {
            "color": colour,
            "size": [14 if one else 8 for one in present],
            "symbol": ["star" if one else "circle" for one in present],
        },
        "text": [_hover(result, number, one) for number, one in curve],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _hover(result: Sweep, number: int, one: RuleFigures) -> str:
    pairs = zip(result.axes, result.settings[number].values, strict=True)
    lines = [f"<b>{axis.place.path} {shown(value)}</b>" for axis, value in pairs]
    lines.append(f"{one.raised.count} alerts")
    if one.counts is not None:
        lines.append(f"told {words.told(one.recall)}: {words.recall_in_words(one.recall)}")
        lines.append(f"false {one.counts.false}: {words.rate_in_words(one.false)} an hour")
        lines.append(f"delay {words.seconds(one.delay_s)} s, late {words.seconds(one.late_s)} s")
    return "<br>".join([*lines, words.against(result, number, one)])


def _bars(values: Sequence[Bar]) -> dict[str, Any]:
    """Return error bars: lengths from each value to the ends of its interval."""
    up = [None if value is None or high is None else high - value for value, _, high in values]
    down = [None if value is None or low is None else value - low for value, low, _ in values]
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 1, "width": 3}


def _recall(recall: Recall | None) -> Bar:
    if recall is None or recall.share.value is None:
        return (None, None, None)
    low = recall.share.low if recall.at_least is None else recall.at_least
    high = recall.share.high if recall.at_most is None else recall.at_most
    return _percent(recall.share.value), _percent(low), _percent(high)


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _rate(rate: Rate | None) -> Bar:
    if rate is None:
        return (None, None, None)
    return rate.per_hour, rate.low, rate.high if rate.count else rate.below


def _figure(figure: Figure) -> Bar:
    return figure.value, figure.low, figure.high


def _positions(values: Sequence[Value]) -> list[Any]:
    """Return where values stand on an axis: numbers, or else all of them as words."""
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return list(numbers) if len(numbers) == len(values) else [shown(value) for value in values]
