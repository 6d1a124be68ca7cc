"""Makes tables from finished runs: into the folder of each run, or one table of all."""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from driver_monitor.bench.runs.read_run import Run
from driver_monitor.bench.runs.run_folder import EVENTS, SIGNALS
from driver_monitor.bench.tables.columns import EVENT_COLUMNS, RUN_COLUMNS, SIGNAL_COLUMNS, CellError, TableColumn
from driver_monitor.bench.tables.table_file import TableFile, open_table
from driver_monitor.errors import OutputError, RunError

LINES = (SIGNALS, EVENTS)
"""The files of JSON lines that the two tables are made from."""


@dataclass(frozen=True, slots=True)
class MadeTables:
    """What was made: the `folder` with the tables, the rows of signals and of events."""

    folder: Path
    signals: int
    events: int


def write_own_tables(run: Run, form: str) -> MadeTables:
    """Write signals.<form> and events.<form> into the folder of `run`. Each replaces an older one in one step.

    Raises `RunError` if the run is damaged, `OutputError` if a table cannot be written.
    """
    own = run.info.get("clip_id")
    # A changed run.json must not choose another folder.
    beginning = own if isinstance(own, str) and re.fullmatch("[0-9a-f]{8}", own) else "table"
    # A hidden folder of this name, left by a killed process, is removed by the next replay of the clip.
    with _new_tables(run.folder, form, f".{beginning}.") as new:
        return _write([run], {}, form, new, run.folder, ())


def write_one_table(runs: Sequence[Run], form: str, folder: Path) -> MadeTables:
    """Write one signals.<form> and one events.<form> of all `runs` into `folder`, with the columns `RUN_COLUMNS`.

    Raises `RunError` if a run is damaged, `OutputError` if `folder` has such a file or cannot be written. Then nothing
    is left.
    """
    for name in _names(form):
        if os.path.lexists(folder / name):
            raise OutputError(f"{folder / name}: exists already; remove it, or choose another folder with --out")
    with _shown(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _new_tables(folder, form, ".tables.") as new:
        return _write(runs, _distinct_names(runs), form, new, folder, RUN_COLUMNS)


def each_once(runs: Sequence[Run]) -> list[Run]:
    """Return the runs without those whose folder was named before, such as by a folder above it."""
    return list({os.path.realpath(run.folder): run for run in reversed(runs)}.values())[::-1]


def _distinct_names(runs: Sequence[Run]) -> dict[Path, str]:
    """Return the name of each run by its folder. Runs of one name, from two batches, are named by their paths."""
    times = Counter(run.name for run in runs)
    return {run.folder: run.name if times[run.name] == 1 else str(run.folder) for run in runs}


def _names(form: str) -> tuple[str, str]:
    return f"signals.{form}", f"events.{form}"


@contextmanager
def _new_tables(folder: Path, form: str, beginning: str) -> Iterator[Path]:
    """Yield a hidden folder beside `folder`. At its end, both tables in it are moved into `folder`."""
    with _shown(folder), tempfile.TemporaryDirectory(".part", beginning, folder.resolve().parent) as name:
        new = Path(name)
        yield new
        for table in _names(form):
            (new / table).replace(folder / table)


def _write(
    runs: Sequence[Run], names: Mapping[Path, str], form: str, new: Path, shown: Path, first: tuple[TableColumn, ...]
) -> MadeTables:
    """Write both tables into the folder `new`. `shown`: the folder that errors name."""
    counts = [0, 0]
    columns = ((*first, *SIGNAL_COLUMNS), (*first, *EVENT_COLUMNS))
    for index, table_name in enumerate(_names(form)):
        with (
            _shown(shown / table_name),
            (new / table_name).open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
            open_table(file, form, columns[index]) as table,
        ):
            for run in runs:
                lines = run.alerts() if index else run.lines()
                about = {"run": names.get(run.folder), "clip": str(run.info["clip"])} if first else {}
                counts[index] += _add_lines(run.folder / LINES[index], lines, about, table)
    return MadeTables(shown, *counts)


def _add_lines(path: Path, lines: Iterable[Mapping[str, Any]], about: Mapping[str, Any], table: TableFile) -> int:
    """Add a row for each line of the file `path`, with the cells of `about`. Return the number of rows."""
    number = 0
    for number, line in enumerate(lines, 1):
        try:
            table.add({**line, **about} if about else line)
        except CellError as error:
            raise RunError(f"{path}:{number}: {error}; replay the clip again") from None
    return number


@contextmanager
def _shown(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot write: {error.strerror or error}; check disk and permissions") from error
