"""The verb `table`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from driver_monitor.cli.options import OptionalPath, word
from driver_monitor.messages.lines import one_line


def table(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, or folders with runs in them.")],
    form: Annotated[str, word(("parquet", "csv"), "FORMAT", "parquet or csv.", "--format")] = "parquet",
    out: Annotated[
        OptionalPath, typer.Option(help="Write one table of all runs into this folder, with a column `run`.")
    ] = None,
) -> None:
    """Make tables from finished replays: signals and events, a row for each frame and for each alert."""
    from driver_monitor.bench.runs.read_run import find_runs
    from driver_monitor.bench.tables.of_runs import MadeTables, each_once, write_one_table, write_own_tables
    from driver_monitor.bench.tables.table_file import check_form
    from driver_monitor.errors import RunError

    def tell(made: MadeTables) -> None:
        places = " and ".join(f"{made.folder / name}.{form}" for name in ("signals", "events"))
        print(one_line(f"{places}: {made.signals} frames, {made.events} alerts"))

    check_form(form)
    found, faults = find_runs(runs)
    found = each_once(found)
    if out is not None and found:
        tell(write_one_table(found, form, out))
    for run in found if out is None else ():
        try:
            tell(write_own_tables(run, form))
        except RunError as error:
            faults.append(str(error))
    for fault in faults:
        print(one_line(fault), file=sys.stderr)
    if faults:
        raise typer.Exit(1)
