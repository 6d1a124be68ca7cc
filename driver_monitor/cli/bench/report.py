"""The verb `report`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from driver_monitor.cli.options import OptionalPath, labels_path
from driver_monitor.messages.lines import one_line

if TYPE_CHECKING:
    from driver_monitor.bench.replays.job import ReplayJob

LabelsOption = Annotated[
    OptionalPath,
    typer.Option(parser=labels_path, help="Label file, or folder with label files, for the reports (docs/scores.md)."),
]


def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders that `replay` wrote, or folders with such folders.")],
    labels: LabelsOption = None,
) -> None:
    """Write report.html into the folder of each run, and index.html beside them if there are several."""
    from driver_monitor.bench.report.report_all import Reports
    from driver_monitor.bench.runs.read_run import find_runs

    check_report(True, False, labels)
    found, faults = find_runs(runs)
    reports = Reports(found, labels)
    for path in reports.write():
        print(one_line(f"report: {path}"))
    if len(found) > 1:
        print(one_line(f"index: {reports.write_index(reports.folder)}"))
    # Labels for none of the runs are a fault.
    if labels is not None and 0 < reports.unlabelled < len(found):
        print(f"labels: {reports.unlabelled} of {len(found)} runs have none", file=sys.stderr)
    for fault in [*faults, *reports.faults]:
        print(one_line(fault), file=sys.stderr)
    if faults or reports.faults:
        raise typer.Exit(1)


def check_report(report: bool, pictures: bool, labels: Path | None) -> None:
    """Raise `UsageError` if these options of `report` and `replay` cannot work together, or plotly is missing."""
    from driver_monitor.bench.html.plotly_script import check_plotly
    from driver_monitor.errors import UsageError

    for name, given in (("--pictures", pictures), ("--labels", labels is not None)):
        if given and not report:
            raise UsageError(f"{name} is for the report; give --report too")
    if report:
        check_plotly()
    if labels is not None and not labels.exists():
        raise UsageError(f"{labels}: no such file or folder; give labels with --labels (docs/scores.md)")


def print_report(jobs: Sequence[ReplayJob], labels: Path | None, out: Path) -> None:
    """Write the index of several replays with reports, and print where to begin to read."""
    from driver_monitor.bench.report.report_all import index_replays
    from driver_monitor.bench.runs.run_folder import REPORT

    index = index_replays([job.folder for job in jobs], labels, out) if len(jobs) > 1 else None
    first = index or next((path for job in jobs if (path := job.folder / REPORT).is_file()), None)
    if first is not None:
        print(one_line(f"report: {first}"))
    if any(job.files.pictures for job in jobs):
        print("these pages show a person; store them as you would the recordings")
