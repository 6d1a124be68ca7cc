"""Print a sweep: what was set, a table for each rule, and what the table shows."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from driver_monitor.bench.sweep.places import Place
from driver_monitor.bench.sweep.pooling import RuleFigures
from driver_monitor.bench.sweep.run import Sweep
from driver_monitor.bench.sweep.settings import shown
from driver_monitor.bench.sweep.show import words

LETTERS = "abcdefghijklmnopqrstuvwxyz"
"""Names of the values in the heads of the tables: a path is too wide for a column."""
TITLES = ("raised", "told", "recall", "false", "false an hour", "delay s", "late s")
UNSCORED_TITLES = ("raised", "an hour")
"""Heads of the figures of a rule, and of a rule that cannot be scored."""


def show_places(places: Iterable[Place], console: Console) -> None:
    """Print what can be set, with the present values."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("path", "present"):
        table.add_column(title, no_wrap=True)
    for place in places:
        value = "not set" if place.value is None else shown(place.value)
        table.add_row(escape(place.path), f"{place.comparison.replace('_', ' ')} {value}".strip())
    console.print(table)


def show(result: Sweep, console: Console) -> None:
    """Print the sweep."""
    for line in what_was_set(result):
        _line(console, line)
    for rule, found in result.rules.items():
        console.print()
        console.print(f"[bold]{escape(rule)}[/]", highlight=False)
        console.print(_table(result, found))
        for line in words.summary(result, rule):
            _line(console, line)
    invalid = [one for one in result.settings if one.fault]
    if invalid:
        console.print()
    for setting in invalid:
        _line(console, f"{setting.name}: invalid: {setting.fault}")
    console.print()
    _line(console, words.footing(result))


def _table(result: Sweep, found: dict[int, RuleFigures]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in value_heads(result):
        table.add_column(escape(name), justify="right", no_wrap=True)
    scored = any(one.counts is not None for one in found.values())
    for title in TITLES if scored else UNSCORED_TITLES:
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("against the present")
    for number, one in sorted(found.items()):
        values = [shown(value) for value in result.settings[number].values]
        style = "bold" if number == result.present else None
        table.add_row(*map(escape, (*values, *cells(one), words.against(result, number, one))), style=style)
    return table


def what_was_set(result: Sweep) -> list[str]:
    """Return a line for each `--set`: its letter, if there are several, its path and present value."""
    several = len(result.axes) > 1
    return [
        f"{f'{letter}: ' if several else ''}{axis.place.path}, now {shown(axis.place.value)}"
        for letter, axis in zip(LETTERS, result.axes, strict=False)
    ]


def value_heads(result: Sweep) -> list[str]:
    """Return the heads of the columns with the values that were set."""
    return list(LETTERS[: len(result.axes)]) if len(result.axes) > 1 else ["value"]


def cells(one: RuleFigures) -> list[str]:
    """Return the figures of a row, under `TITLES`, or under `UNSCORED_TITLES`."""
    raised = str(one.raised.count)
    if one.counts is None:
        return [raised, words.rate_in_words(one.raised)]
    return [
        raised,
        words.told(one.recall),
        words.recall_in_words(one.recall),
        str(one.counts.false),
        words.rate_in_words(one.false),
        words.seconds(one.delay_s),
        words.NONE if one.late_s.value is None else words.plain_seconds(one.late_s.value),
    ]


def _line(console: Console, text: str) -> None:
    console.print(escape(text), highlight=False, soft_wrap=True)
