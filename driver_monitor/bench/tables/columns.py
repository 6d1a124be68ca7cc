"""The columns of both tables. Those of signals follow from the table of signals, so a new signal is a new column."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from driver_monitor.data.observation import EXPRESSIONS
from driver_monitor.signals.as_json import FIELDS
from driver_monitor.signals.rows import OBJECTS
from driver_monitor.signals.signal import Signal

ColumnKind = Literal["number", "whole", "bool", "text", "numbers", "texts", "json", "known"]
"""What a column holds. `json`: an object as text. `known`: whether an object of the line is not null."""
LARGEST = 2**53
"""Every whole number up to here is exact as float64. No signal comes near it."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column: its dotted `name`, the `path` of its value in a line, and what it holds."""

    name: str
    path: tuple[str, ...]
    kind: ColumnKind
    unit: str = ""
    meaning: str = ""


class CellError(Exception):
    """A line has another value in a column than the column holds."""


def _signal_columns() -> Iterator[TableColumn]:
    """Yield the columns of signals, in the order of a line."""
    nullable = {one.name for one in OBJECTS if one.known is not None}
    for name, rows in FIELDS.items():
        if name in nullable and any(None in row.json_values.values() for row in rows):
            # Only here a null of a member also means "no". In other objects some member is never null.
            yield TableColumn(f"{name}.known", (name,), "known", meaning=f"whether `{name}` is known in this frame")
        for row in rows:
            yield from _columns_of(row)


def _columns_of(row: Signal) -> Iterator[TableColumn]:
    assert row.json is not None
    path = tuple(row.json.split("."))
    if row.kind == "map":
        for name in EXPRESSIONS:
            yield TableColumn(f"{row.json}.{name}", (*path, name), "number", "", f"{row.meaning}: {name}")
    elif row.kind == "list":
        # The one list with a unit holds numbers.
        yield TableColumn(row.json, path, "numbers" if row.unit else "texts", row.unit, row.meaning)
    else:
        kind: ColumnKind = "whole" if row.json in ("schema", "frame") else row.kind
        yield TableColumn(row.json, path, kind, row.unit, row.meaning)


SIGNAL_COLUMNS = tuple(_signal_columns())
_EVENT_KINDS: dict[str, ColumnKind] = {
    "schema": "whole", "id": "text", "seq": "whole", "episode": "text", "vehicle": "text", "trip": "text",
    "boot": "text", "t": "number", "t_mono": "number", "t_wall": "text", "wall_synced": "bool", "rule": "text",
    "level": "text", "phase": "text", "message": "text", "evidence.measured": "json", "evidence.threshold": "json",
    "evidence.window_s": "number", "evidence.coverage": "number", "evidence.clause": "text",
    "evidence.compared": "json", "evidence.interval": "json", "model": "text", "config": "text", "profile": "text",
    "frame": "whole",
}  # fmt: skip
EVENT_COLUMNS = tuple(TableColumn(name, tuple(name.split(".")), kind) for name, kind in _EVENT_KINDS.items())
"""The fields of events.jsonl (docs/messages.md), in the order of a line. The members of four objects of the evidence
are named by signals, so each of these objects is one text."""
RUN_COLUMNS = (
    TableColumn("run", ("run",), "text", meaning="name of the run"),
    TableColumn("clip", ("clip",), "text", meaning="file name of the clip"),
)
"""The first columns of one table of many runs."""


@dataclass
class _Node:
    """A key of a line: the columns of its value, with their numbers, and the keys of the object that it holds."""

    cells: list[tuple[int, TableColumn]] = field(default_factory=list)
    members: dict[str, _Node] = field(default_factory=dict)


def row_reader(columns: Sequence[TableColumn]) -> Callable[[Mapping[str, Any]], list[Any]]:
    """Return a function that reads the cells of a line, in the order of `columns`. None: unknown or left out.

    Texts of kind `json` are compact JSON. The function raises `CellError` for a value of another kind.
    """
    root = _Node()
    for number, column in enumerate(columns):
        node = root
        for key in column.path:
            node = node.members.setdefault(key, _Node())
        node.cells.append((number, column))
    empty = [False if column.kind == "known" else None for column in columns]

    def read(line: Mapping[str, Any]) -> list[Any]:
        cells: list[Any] = empty.copy()
        _fill(cells, line, root)
        return cells

    return read


def _fill(cells: list[Any], line: Mapping[str, Any], node: _Node) -> None:
    """Put the values of an object into the `cells` of its members."""
    for key, member in node.members.items():
        value = line.get(key)
        if value is None:
            continue
        for number, column in member.cells:
            cells[number] = _cell(value, column)
        if member.members:
            if not isinstance(value, dict):
                name = _first(member).name
                raise CellError(f"{name}: expected an object around it, found {_shown(value)}")
            _fill(cells, value, member)


def _first(node: _Node) -> TableColumn:
    """Return the first column whose value lies in the object of `node`."""
    inner = next(iter(node.members.values()))
    return inner.cells[0][1] if inner.cells else _first(inner)


def _cell(value: Any, column: TableColumn) -> Any:
    kind = column.kind
    if kind == "known":
        return True
    if not _FITS[kind](value):
        raise CellError(f"{column.name}: expected {_EXPECTED[kind]}, found {_shown(value)}")
    return json.dumps(value, ensure_ascii=False) if kind == "json" else value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def _is_number(value: object) -> bool:
    # Not by `isinstance`: True is an int. NaN and infinity fail the comparison.
    return type(value) in (int, float) and -LARGEST <= value <= LARGEST  # type: ignore[operator]


_FITS: dict[ColumnKind, Callable[[Any], bool]] = {
    "number": _is_number,
    "whole": lambda value: type(value) is int and abs(value) <= LARGEST,
    "bool": lambda value: type(value) is bool,
    "text": lambda value: type(value) is str,
    "numbers": lambda value: type(value) is list and all(map(_is_number, value)),
    "texts": lambda value: type(value) is list and all(type(one) is str for one in value),
    "json": lambda value: isinstance(value, Mapping),
}
_EXPECTED: dict[ColumnKind, str] = {
    "number": "a number", "whole": "a whole number", "bool": "true or false", "text": "a text",
    "numbers": "a list of numbers", "texts": "a list of texts", "json": "an object",
}  # fmt: skip
