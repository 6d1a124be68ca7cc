"""Shows findings: as lines of at most 80 columns without colours, and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from driver_monitor import __version__
from driver_monitor.doctor.examine import can_work, left_out
from driver_monitor.doctor.verdicts.finding import Finding
from driver_monitor.messages.lines import one_line

SCHEMA = 1
WIDTH = 80
"""Columns: a terminal of a Raspberry Pi without a desktop."""
STATES = {"ok": "ok", "warning": "warning", "fault": "FAULT", "not_checked": "not checked"}
INDENT = 26


def lines(finding: Finding) -> Iterator[str]:
    """Yield a finding as lines: state, check, what was found, and then what to do."""
    start = f"{STATES[finding.state]:<12}{finding.check:<14}"
    yield from _wrapped(start, finding.found)
    if finding.remedy is not None:
        yield from _wrapped(" " * INDENT, f"-> {finding.remedy}")


def last_line(findings: Sequence[Finding]) -> str:
    """Return whether the daemon can do its job, and which checks found a fault or a warning."""
    named = {state: dict.fromkeys(one.check for one in findings if one.state == state) for state in STATES}
    if can_work(findings):
        warned = f" Warnings: {', '.join(named['warning'])}." if named["warning"] else ""
        return f"The daemon can do its job here.{warned}"
    if not named["fault"]:
        return f"Not known whether the daemon can do its job here. Not checked: {', '.join(left_out(findings))}."
    return f"The daemon cannot do its job here. Faults: {', '.join(named['fault'])}."


def to_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the report as a JSON object (docs/doctor.md)."""
    return {
        "schema": SCHEMA,
        "driver_monitor": __version__,
        "can_work": can_work(findings),
        "checks": [
            {
                "check": finding.check,
                "state": finding.state,
                "fault": finding.fault,
                "found": one_line(finding.found),
                "remedy": None if finding.remedy is None else one_line(finding.remedy),
                "values": dict(finding.values),
            }
            for finding in findings
        ],
    }


def _wrapped(start: str, text: str) -> list[str]:
    room = " " * (INDENT if start.strip() else INDENT + 3)
    return textwrap.wrap(one_line(text), WIDTH, initial_indent=start, subsequent_indent=room, break_on_hyphens=False)
