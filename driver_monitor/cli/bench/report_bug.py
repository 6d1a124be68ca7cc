"""The verb `report-bug`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from driver_monitor.cli.options import ConfigOption, OptionalNumber, ProfileOption, TrackOption, number

LONGEST_S = 1e7
"""More seconds than a recording has."""


def report_bug(
    run: Annotated[Path, typer.Argument(help="Folder of a run that `replay --trace` wrote.")],
    begin: Annotated[OptionalNumber, number(float, 0, LONGEST_S, "Begin of the fault, seconds.", "--from")] = None,
    end: Annotated[OptionalNumber, number(float, 0, LONGEST_S, "End of the fault, seconds.", "--to")] = None,
    out: Annotated[Path, typer.Option(help="The new archive.")] = Path("bug-report.zip"),
    config: ConfigOption = None,
    profile: ProfileOption = None,
    track: TrackOption = None,
) -> None:
    """Pack what others need to see a fault of a run: trace, configuration, versions. No picture, and no name."""
    from driver_monitor.app.build import Request, load_plan
    from driver_monitor.bench.bug_report.readme import sizes
    from driver_monitor.bench.bug_report.write import write_bug_report
    from driver_monitor.bench.runs.read_run import read_run

    report = write_bug_report(read_run(run), load_plan(Request(config, None, profile, track)), begin, end, out)
    print(f"{report.path}: {report.first:.2f} s to {report.last:.2f} s, {report.alerts[0]} alerts in this time")
    print("\n".join(sizes(report.files)))
    print(f"left out of the configuration: {', '.join(report.left_out) or 'nothing'}")
    if report.differences:
        print(f"a replay of the report gives other alerts: {'; '.join(report.differences)}")
    else:
        print(f"a replay of the report gives the same alerts, {report.alerts[1]} from the first frame on")
    print("Nothing was sent to anybody. Unpack and read it before you pass it on: it holds the outline of a face.")
