"""The verb `sweep`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console

from driver_monitor import PROGRAM
from driver_monitor.cli.options import (
    TABLE_COLUMNS,
    ConfigOption,
    JobsOption,
    JsonOption,
    OptionalPath,
    labels_path,
    print_json,
)
from driver_monitor.errors import UsageError
from driver_monitor.messages.lines import one_line

# typer evaluates annotations, and on Python 3.10 it needs Optional.
Paths = Optional[list[Path]]  # noqa: UP045
Texts = Optional[list[str]]  # noqa: UP045


def sweep(
    profile: Annotated[str, typer.Argument(help="Rule profile, name or file.")],
    traces: Annotated[Paths, typer.Argument(help="Traces, or folders with runs or traces.")] = None,
    labels: Annotated[
        Paths, typer.Option(parser=labels_path, help="Folder with the labels, or demo; may be given more than once.")
    ] = None,
    changes: Annotated[
        Texts,
        typer.Option(
            "--set", metavar="PATH=VALUES", help="What to try: FROM:TO:STEP, or values with commas. Repeatable."
        ),
    ] = None,
    rules: Annotated[Texts, typer.Option("--rule", help="Rule to score (default: those that --set changes).")] = None,
    paths: Annotated[
        bool, typer.Option("--paths", help="List what --set can change, with its present values.")
    ] = False,
    html: Annotated[OptionalPath, typer.Option(help="Also write a page with curves to this file.")] = None,
    as_json: JsonOption = False,
    jobs: JobsOption = 1,
    config: ConfigOption = None,
) -> None:
    """Try values in a profile on traces of labelled clips: recall, false alerts an hour, delay, with 95 % intervals."""
    from driver_monitor.app.build import Request, load_plan
    from driver_monitor.bench.html.write_page import write_page
    from driver_monitor.bench.sweep.places import places
    from driver_monitor.bench.sweep.run import chosen_rules, to_json
    from driver_monitor.bench.sweep.run import sweep as run_sweep
    from driver_monitor.bench.sweep.settings import parse_axes, settings_of
    from driver_monitor.bench.sweep.show import table
    from driver_monitor.bench.sweep.show.page import check_page, sweep_page
    from driver_monitor.bench.sweep.traces import labelled_traces

    plan = load_plan(Request(config, None, profile))
    console = Console(width=None if Console().is_terminal else TABLE_COLUMNS)
    if paths:
        table.show_places(places(plan.profile).values(), console)
        return
    for missing, option in ((traces, "TRACES"), (labels, "--labels"), (changes, "--set")):
        if not missing:
            raise UsageError(f"{PROGRAM} sweep: {option} is missing; see `{PROGRAM} sweep --help`")
    axes = parse_axes(plan.profile, changes or [])
    chosen = chosen_rules(plan.profile, axes, rules or [])
    settings = settings_of(plan.profile, axes)
    if html is not None:
        check_page(html)
    found, faults = labelled_traces(traces or [], labels or [])
    result = run_sweep(plan, axes, settings, chosen, found, faults, jobs, Console(stderr=True))
    for fault in result.faults:
        print(one_line(fault), file=sys.stderr)
    if html is not None and result.traces:
        write_page(html, sweep_page(result))
    if as_json:
        print_json(to_json(result))
    elif result.traces:
        table.show(result, console)
    if result.faults:
        raise typer.Exit(1)
