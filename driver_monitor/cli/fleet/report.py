"""The verb `fleet report`."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated, cast

import typer
from rich.console import Console

from driver_monitor.cli.fleet import options
from driver_monitor.cli.fleet.watch import VehiclesOption
from driver_monitor.cli.options import TABLE_COLUMNS, OptionalPath, OptionalText, number, word
from driver_monitor.messages.lines import one_line

FORMS = ("table", "csv", "html", "json")
SECTIONS = ("rules", "vehicles", "rates", "unacknowledged", "silent", "missing", "gaps", "clocks", "dead-letters")


def report(
    store: options.StoreOption = options.DEFAULT_STORE,
    since: Annotated[str, typer.Option(help="From a time ago (12h, 7d, 4w) or a date.")] = "7d",
    until: Annotated[OptionalText, typer.Option(help="Up to this time (default: now).")] = None,
    vehicle: VehiclesOption = [],  # noqa: B006
    silent_h: Annotated[
        float, number(float, 0.1, 10_000, "Hours without a sign after which a vehicle is called silent.")
    ] = 24.0,
    rows: Annotated[int, number(int, 1, 100_000, "Most rows of each table.")] = 100,
    format: Annotated[str, word(FORMS, "FORM", f"One of {', '.join(FORMS)}.")] = "table",
    section: Annotated[str, word(SECTIONS, "SECTION", f"The table for csv: {', '.join(SECTIONS)}.")] = "rates",
    out: Annotated[OptionalPath, typer.Option(help="Write to this file, which is replaced, and not to stdout.")] = None,
) -> None:
    """Report on the fleet: alerts an hour of driving, what nobody looked at, silent vehicles, missing numbers."""
    from driver_monitor.fleet.look import patterns
    from driver_monitor.fleet.look.gather import Gatherer, Question
    from driver_monitor.fleet.look.period import period
    from driver_monitor.fleet.look.write_report import Form, as_tables, as_text, print_tables
    from driver_monitor.fleet.store.store import open_store
    from driver_monitor.fleet.store.views import engine_of

    patterns.check("--vehicle", vehicle)
    now = datetime.now().astimezone()
    question = Question(now, period(since, until, now), tuple(vehicle), silent_h, rows)
    opened = open_store(store)
    try:
        found = Gatherer(opened, engine_of(store), question).report()
    finally:
        opened.close()
    if format == "table":
        text = as_tables(found, TABLE_COLUMNS)
        if out is None and (console := Console()).is_terminal:
            print_tables(found, console)
            return
    else:
        text = as_text(found, cast(Form, format), section)
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")
        print(f"written: {one_line(str(out))}")
