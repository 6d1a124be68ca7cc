"""Writes a report as text for a terminal, as CSV, as JSON or as a page."""

from __future__ import annotations

import csv
import io
import json
from datetime import timezone, tzinfo
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from driver_monitor.fleet.look.findings import FleetReport
from driver_monitor.fleet.look.html_page import page
from driver_monitor.fleet.look.period import shown
from driver_monitor.fleet.look.sections import (
    ReportSection,
    Value,
    headline,
    missing_row,
    sections,
    summary,
)
from driver_monitor.messages.lines import STYLES, plain

Form = Literal["table", "csv", "html", "json"]
FORMS: tuple[Form, ...] = ("table", "csv", "html", "json")
SCHEMA = 1
"""Version of the JSON. Within it, fields may be added, but never renamed."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets run a cell that begins so."""


def as_text(report: FleetReport, form: Form, section: str, zone: tzinfo | None = None) -> str:
    """Return the report as CSV (of one `section`), HTML or JSON."""
    if form == "csv":
        return _csv(next(one for one in sections(report, zone) if one.name == section))
    if form == "html":
        return page(report, zone)
    return json.dumps(_json(report), ensure_ascii=True, allow_nan=False) + "\n"


def as_tables(report: FleetReport, width: int, zone: tzinfo | None = None) -> str:
    """Return what `print_tables` prints, `width` characters wide, without colours."""
    written = io.StringIO()
    print_tables(report, Console(file=written, width=width), zone)
    return "".join(f"{line.rstrip()}\n" for line in written.getvalue().splitlines())


def print_tables(report: FleetReport, out: Console, zone: tzinfo | None = None) -> None:
    """Print the report on `out`."""
    period = f"{shown(report.period.since, zone)} to {shown(report.period.until, zone)}"
    out.print(Text(f"Fleet report, {period}", style="bold"), soft_wrap=True)
    out.print(Text(summary(report)), soft_wrap=True)
    answers = headline(report)
    words = ", ".join(answers) if answers else "nothing needs attention"
    out.print(Text(words, style="bold yellow" if answers else "green"), soft_wrap=True)
    for section in sections(report, zone):
        _print_section(section, out)


def _print_section(section: ReportSection, out: Console) -> None:
    out.print()
    out.print(Text(section.title, style="bold"), soft_wrap=True)
    if not section.rows:
        out.print(Text(section.none, style="green"), soft_wrap=True)
        return
    table = Table(box=None, pad_edge=False)
    for column in section.columns:
        table.add_column(Text(column.heading), justify="right" if column.number else "left", overflow="fold")
    for row in section.rows:
        style = STYLES.get(str(row.get("level")), "")
        table.add_row(
            *(Text(column.words(row), style=style if column.heading == "level" else "") for column in section.columns)
        )
    out.print(table)
    if section.total > len(section.rows):
        out.print(Text(f"the first {len(section.rows)} of {section.total}; more with --rows"), soft_wrap=True)
    out.print(Text(section.advice, style="dim"), soft_wrap=True)


def _csv(section: ReportSection) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(section.fields)
    writer.writerows([_cell(row[name]) for name in section.fields] for row in section.rows)
    return written.getvalue()


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return repr(round(value, 6))
    line = plain(value)
    return f"'{line}" if line.startswith(_FORMULA) else line


def _json(report: FleetReport) -> dict[str, Any]:
    def iso(at: Any) -> str:
        return str(at.astimezone(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z"))

    return {
        "schema": SCHEMA,
        "made": iso(report.made),
        "since": iso(report.period.since),
        "until": iso(report.period.until),
        "silent_h": report.silent_h,
        "vehicles": report.vehicles,
        "vehicles_with_hours": report.with_hours,
        "alerts": report.alerts,
        "missing": {name: value for name, value in missing_row(report.missing).items() if name != "vehicle"},
        "sections": {
            section.name: {"total": section.total, "rows": [dict(row) for row in section.rows]}
            for section in sections(report)
        },
    }
