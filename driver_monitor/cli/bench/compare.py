"""The verb `compare`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from driver_monitor.cli.options import TABLE_COLUMNS, JsonOption, OptionalPath, labels_path, number, print_json
from driver_monitor.errors import UsageError
from driver_monitor.messages.lines import one_line

Pair = TypeVar("Pair")
SIDE = "Run, folder of runs, or the JSON of `score clips` or `bench`"


def compare(
    a: Annotated[Path, typer.Argument(help=f"{SIDE}: the one that is known.")],
    b: Annotated[Path, typer.Argument(help=f"{SIDE}: the one in question.")],
    labels: Annotated[
        OptionalPath, typer.Option(parser=labels_path, help="Folder with labels, or demo: also compare scores of runs.")
    ] = None,
    moved: Annotated[float, number(float, 0, 3600, "Seconds from which on an alert counts as moved.")] = 0.5,
    as_json: JsonOption = False,
    html: Annotated[OptionalPath, typer.Option(help="Also write a page for a browser to this file.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit code 1 if B has a new false alert or misses one, by the labels.")
    ] = False,
) -> None:
    """Show what differs between two runs, batches of runs, or results of `score clips` or `bench`. Runs nothing."""
    from driver_monitor.app.first_lines import program
    from driver_monitor.bench.compare import bench_files, comparison, score_files, table
    from driver_monitor.bench.compare.json_files import open_sides
    from driver_monitor.bench.compare.page import comparison_page
    from driver_monitor.bench.html.write_page import write_page

    sides = open_sides(a, b)
    kind = sides[0].kind
    _check_options(kind, labels, html, check)
    console = Console(width=None if Console().is_terminal else TABLE_COLUMNS)
    worse, faults = 0, 0
    if kind == "bench":
        found = bench_files.compare_bench(*sides)
        print_json(bench_files.to_json(found)) if as_json else bench_files.show(found, console)
    elif kind == "scores":
        scores = score_files.compare_scores(*sides)
        print_json(score_files.to_json(scores)) if as_json else score_files.show(scores, console)
        worse = scores.worse
    else:
        runs = comparison.compare_runs(a, b, labels, moved, _shown)
        for fault in runs.faults:
            print(one_line(fault), file=sys.stderr)
        print_json(comparison.to_json(runs)) if as_json else table.show(runs, console, program())
        if html is not None:
            write_page(html, comparison_page(runs, program()))
        worse, faults = runs.worse, len(runs.faults)
    if faults or (check and worse):
        raise typer.Exit(1)


def _check_options(kind: str, labels: Path | None, html: Path | None, check: bool) -> None:
    """Raise `UsageError` for options that do not fit what is compared."""
    if kind != "runs" and (labels is not None or html is not None):
        raise UsageError("--labels and --html: only for runs; leave them out")
    if check and (kind == "bench" or (kind == "runs" and labels is None)):
        raise UsageError("--check: needs labels; give --labels DIR, or two results of score clips --json")


def _shown(pairs: Sequence[Pair]) -> Iterable[Pair]:
    """Show on a terminal how many pairs are compared."""
    from rich.progress import track

    console = Console(stderr=True)
    return track(pairs, "clips", console=console, transient=True, disable=not console.is_terminal)
