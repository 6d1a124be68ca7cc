"""The table in words: for the rule schema and for docs/signals.md."""

from __future__ import annotations

import re
from collections.abc import Iterator

from driver_monitor.signals.as_json import FIELDS
from driver_monitor.signals.signal import Signal, Topic
from driver_monitor.signals.table import HELD, SIGNALS, TOPICS

BEGIN, END = "<!-- generated from driver_monitor/signals -->", "<!-- end -->"
HEAD = ("| in JSON | in rules | unit or values | meaning |", "| --- | --- | --- | --- |")


def described() -> str:
    """Return every signal with its meaning, unit and second name, for people who write profiles."""
    return "; ".join(map(_entry, (*SIGNALS.values(), HELD)))


def _entry(signal: Signal) -> str:
    unit = f", {signal.unit}" if signal.unit else ""
    other = f", also named {signal.path}" if signal.path not in (None, signal.name) else ""
    return f"{signal.name}: {signal.meaning}{unit}{other}"


def with_tables(text: str) -> str:
    """Return the document `text` with the tables between its two markers made anew."""
    tables = "\n\n".join("\n".join(_table(topic)) for topic in TOPICS)
    return re.sub(f"(?s)(?<={re.escape(BEGIN)}\n).*(?={re.escape(END)})", lambda _: f"\n{tables}\n\n", text)


def _table(topic: Topic) -> Iterator[str]:
    """Yield the lines of one topic: JSON fields in the order of a line, then the signals that only rules use."""
    yield from (f"## {topic.title}", "", *HEAD)
    objects = {one.name: one for one in topic.objects}
    order = [*FIELDS, ""]
    for row in sorted(topic.rows, key=lambda row: order.index(_field(row))):
        if _field(row) in objects:
            yield f"| `{_field(row)}` | | object | {objects.pop(_field(row)).meaning} |"
        path = f"`{row.path}`" if row.path else ""
        used = f"`{row.name}`" if row.rule else ""
        kept = "" if row.public else "; stays on this machine at a workplace"
        yield f"| {path} | {used} | {_values(row)} | {row.meaning}{kept} |"


def _field(row: Signal) -> str:
    return (row.path or "").partition(".")[0]


def _values(row: Signal) -> str:
    if row.choices:
        return ", ".join(f"`{name}`" for name in row.choices)
    if row.kind == "bool":
        return "`true`, `false`"
    bounds = f"{row.low:g} to {row.high:g}" if row.high < float("inf") else ""
    return " ".join(filter(None, (bounds, row.unit))) or {"number": "number", "map": "object"}.get(row.kind, row.kind)
