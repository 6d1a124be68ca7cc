"""The verb `doctor`: examines this machine and says what is wrong and what to do."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from driver_monitor.cli.options import InstalledConfigOption


def doctor(
    config: InstalledConfigOption = None,
    beep: Annotated[bool, typer.Option("--beep", help="Also try buzzer, LED and loudspeaker.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Examine this machine, the configuration and the running daemon. Exit 1: the daemon cannot do its job."""
    from driver_monitor.doctor.examine import Options, can_work, examine
    from driver_monitor.doctor.gather.machine import Machine
    from driver_monitor.doctor.report import last_line, lines, to_json
    from driver_monitor.doctor.verdicts.finding import Finding

    def show(finding: Finding) -> None:
        if not as_json:
            print("\n".join(lines(finding)), flush=True)

    with _quiet_log():
        findings = examine(Machine(), Options(config, beep), show)
    print(json.dumps(to_json(findings), ensure_ascii=False, allow_nan=False) if as_json else last_line(findings))
    if not can_work(findings):
        raise typer.Exit(1)


@contextmanager
def _quiet_log() -> Iterator[None]:
    """Log nothing in the `with` block: what the parts would log is in the findings."""
    log = logging.getLogger("driver_monitor")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(before)
