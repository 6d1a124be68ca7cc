"""Compares two results of `bench --json`: the ratio B / A of each number that both have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from driver_monitor.bench.compare.comparison import KIND
from driver_monitor.bench.compare.json_files import ComparedSide
from driver_monitor.bench.compare.table import escaped
from driver_monitor.messages.envelope import SCHEMA

DEEPEST = 20
"""Levels of objects that are read. The objects of `bench` have four."""
SHOWN = ("p50", "p99")
"""Measures of a stage's `ms` in the table."""
HIDDEN = ("schema", "clip", "models", "stages", "warnings")
"""Top-level keys whose numbers the table does not list one by one. The JSON has all."""


@dataclass(frozen=True, slots=True)
class ComparedNumber:
    """A number in both files. `path`: keys joined by points; the member of a list is called by its `name`."""

    path: str
    a: float | None
    b: float | None

    @property
    def ratio(self) -> float | None:
        """B / A; None if one is missing or A is 0."""
        return self.b / self.a if self.a and self.b is not None else None


@dataclass(frozen=True, slots=True)
class BenchComparison:
    """Numbers of both files, and texts (versions, hashes, names) that differ: path -> text of A and of B."""

    a: ComparedSide
    b: ComparedSide
    numbers: tuple[ComparedNumber, ...]
    texts: dict[str, tuple[str, str]]

    @property
    def same(self) -> bool:
        """Whether both files say the same."""
        return not self.texts and all(one.a == one.b for one in self.numbers)


def compare_bench(a: ComparedSide, b: ComparedSide) -> BenchComparison:
    """Compare two results of `bench`. Numbers that only one of them has are kept, without a ratio."""
    sides = dict(leaves(a.values)), dict(leaves(b.values))
    paths = list(dict.fromkeys((*sides[0], *sides[1])))
    values = {path: (sides[0].get(path), sides[1].get(path)) for path in paths}
    numbers, texts = [], {}
    for path, (mine, theirs) in values.items():
        if isinstance(mine, str) or isinstance(theirs, str):
            if mine != theirs:
                texts[path] = ("-" if mine is None else str(mine), "-" if theirs is None else str(theirs))
        else:
            numbers.append(ComparedNumber(path, mine, theirs))
    return BenchComparison(a, b, tuple(numbers), texts)


def leaves(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, float | str]]:
    """Yield path and value of each number and text in a JSON value. Lists of texts and of numbers are left out."""
    if isinstance(value, dict) and depth < DEEPEST:
        for key, part in value.items():
            yield from leaves(part, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list) and depth < DEEPEST:
        for part in value:
            if isinstance(part, dict) and isinstance(part.get("name"), str):
                inner = {key: one for key, one in part.items() if key != "name"}
                yield from leaves(inner, f"{path}.{part['name']}", depth + 1)
    elif path and (isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool))):
        yield path, value


def to_json(found: BenchComparison) -> dict[str, Any]:
    """Return the comparison as a JSON object."""
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "of": "bench",
        "a": str(found.a.path),
        "b": str(found.b.path),
        "same": found.same,
        "texts": [{"path": path, "a": a, "b": b} for path, (a, b) in found.texts.items()],
        "numbers": [
            {**asdict(one), "ratio": None if one.ratio is None else round(one.ratio, 4)} for one in found.numbers
        ],
    }


def show(found: BenchComparison, console: Console) -> None:
    """Print what differs, the ratio of each stage, and that of the other numbers."""
    if found.same:
        console.print("nothing differs: both files have the same numbers", highlight=False)
        return
    console.print(escaped(f"A {found.a.path}, B {found.b.path}; B / A: below 1 is faster or smaller"), soft_wrap=True)
    for path, (a, b) in found.texts.items():
        console.print(escaped(f"differs: {path} {a} -> {b}"), highlight=False, soft_wrap=True)
    console.print(_stages(found))
    console.print(_others(found))


def _stages(found: BenchComparison) -> Table:
    by_path = {one.path: one for one in found.numbers}
    names = dict.fromkeys(path.split(".ms.")[0] for path in by_path if path.startswith("stages.") and ".ms." in path)
    measures = [*(f"ms.{name}" for name in SHOWN), "cpu_ms"]
    table = _table(
        "ms a frame", *(part for name in measures for part in (f"{name.removeprefix('ms.')} A", "B", "B / A"))
    )
    for stage in names:
        cells: list[str] = []
        for measure in measures:
            cells += _cells(by_path.get(f"{stage}.{measure}"))
        table.add_row(escaped(stage.removeprefix("stages.")), *cells)
    return table


def _others(found: BenchComparison) -> Table:
    table = _table("other numbers", "A", "B", "B / A")
    for one in found.numbers:
        if not one.path.startswith(tuple(f"{key}." for key in HIDDEN)) and one.path not in HIDDEN:
            table.add_row(escaped(one.path), *_cells(one))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=bool(index), overflow="fold")
    return table


def _cells(one: ComparedNumber | None) -> tuple[str, str, str]:
    if one is None:
        return "-", "-", "-"
    a, b = ("-" if value is None else f"{value:.4g}" for value in (one.a, one.b))
    return a, b, "-" if one.ratio is None else f"{one.ratio:.3f}"
