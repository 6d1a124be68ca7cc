"""The verb `doctor`: examines this machine and says what is wrong and what to do."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from driver_monitor.cli.cameras import InstalledConfigOption


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

    findings = examine(Machine(), Options(config, beep), show)
    print(json.dumps(to_json(findings), ensure_ascii=False, allow_nan=False) if as_json else last_line(findings))
    if not can_work(findings):
        raise typer.Exit(1)
