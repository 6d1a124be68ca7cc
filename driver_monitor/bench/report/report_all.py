"""Writes the reports of many runs, and their index."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from driver_monitor.bench.report.index_page import IndexRow
from driver_monitor.bench.report.labelled import labels_of
from driver_monitor.bench.report.write import index_row, read_content, write_index, write_run_page
from driver_monitor.bench.runs.read_run import Run, read_run
from driver_monitor.bench.runs.run_folder import REPORT
from driver_monitor.errors import RunError


class Reports:
    """Writes the pages of `runs`. `labels`: a file or folder, None: none.

    `faults`: a line for each fault so far.
    """

    def __init__(self, runs: Sequence[Run], labels: Path | None) -> None:
        self._runs = runs
        self._labels, self.faults = labels_of(runs, labels)
        self._rows: list[IndexRow] = []

    @property
    def unlabelled(self) -> int:
        """The number of runs without labels."""
        return len(self._runs) - len(self._labels)

    def write(self, make_pages: bool = True) -> Iterator[Path]:
        """Write report.html into the folder of each run, and yield its path. A damaged run is a fault.

        `make_pages` false: they are there already. Raises `UsageError`: no plotly; `OutputError`.
        """
        for run in self._runs:
            try:
                content = read_content(run, self._labels.get(run.folder))
            except RunError as error:
                self.faults.append(str(error))
                continue
            if content.note and make_pages:
                self.faults.append(f"{run.folder}: {content.note}")
            path = write_run_page(content, run.folder) if make_pages else run.folder / REPORT
            self._rows.append(index_row(content, str(path.resolve())))
            yield path

    def write_index(self, folder: Path) -> Path:
        """Write index.html into `folder`. Return its path. Raises `OutputError`."""
        here = folder.resolve()
        rows = [
            IndexRow(row.name, os.path.relpath(row.link, here), row.summary, row.score, row.note) for row in self._rows
        ]
        return write_index(rows, folder)

    @property
    def folder(self) -> Path:
        """The folder that holds the folders of all runs: there the index belongs."""
        return Path(os.path.commonpath([run.folder.resolve().parent for run in self._runs]))


def index_replays(folders: Sequence[Path], labels: Path | None, out: Path) -> Path | None:
    """Write the index of replays that wrote their reports, into `out`. None: less than two of them have succeeded."""
    runs = []
    for folder in folders:
        if (folder / REPORT).is_file():
            run = read_run(folder)
            runs.append(Run(run.folder, run.info, os.path.relpath(folder, out)))
    if len(runs) < 2:
        return None
    reports = Reports(runs, labels)
    for _ in reports.write(make_pages=False):
        pass
    return reports.write_index(out)
