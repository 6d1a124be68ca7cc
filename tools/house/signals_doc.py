"""Write the tables of docs/signals.md from the table of signals: `python -m tools.house.signals_doc`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from driver_monitor.signals.as_json import FIELDS
from driver_monitor.signals.rows import OBJECTS, TOPICS
from driver_monitor.signals.signal import Signal

PAGE = Path(__file__).parents[2] / "docs" / "signals.md"
BEGIN, END = "<!-- generated from driver_monitor/signals -->", "<!-- end -->"
HEAD = ("| in JSON | in rules | unit or values | meaning |", "| --- | --- | --- | --- |")


def with_tables(text: str) -> str:
    """Return the page `text` with new tables between its two markers."""
    tables = "\n\n".join("\n".join(_table(*topic)) for topic in TOPICS.items())
    return re.sub(f"(?s)(?<={re.escape(BEGIN)}\n).*(?={re.escape(END)})", lambda _: f"\n{tables}\n\n", text)


def _table(title: str, rows: tuple[Signal, ...]) -> Iterator[str]:
    """Yield the lines of one topic: JSON fields in the order of a line, then the signals that only rules use."""
    yield from (f"## {title}", "", *HEAD)
    objects = {one.name: one.meaning for one in OBJECTS}
    order = [*FIELDS, ""]
    for row in sorted(rows, key=lambda row: order.index(_field(row))):
        if _field(row) in objects:
            yield f"| `{_field(row)}` | | object | {objects.pop(_field(row))} |"
        path = f"`{row.json}`" if row.json else ""
        used = f"`{row.name}`" if row.rule else ""
        kept = "" if row.public else "; stays on this machine at a workplace"
        yield f"| {path} | {used} | {_values(row)} | {row.meaning}{kept} |"


def _field(row: Signal) -> str:
    return (row.json or "").partition(".")[0]


def _values(row: Signal) -> str:
    if row.choices:
        return ", ".join(f"`{name}`" for name in row.choices)
    if row.kind == "bool":
        return "`true`, `false`"
    bounds = f"{row.low:g} to {row.high:g}" if row.high < float("inf") else ""
    return " ".join(filter(None, (bounds, row.unit))) or {"map": "object"}.get(row.kind, row.kind)


def main() -> None:
    """Write the page anew."""
    PAGE.write_text(with_tables(PAGE.read_text()))


if __name__ == "__main__":
    main()
