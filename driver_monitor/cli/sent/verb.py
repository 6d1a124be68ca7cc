"""The verb `sent` itself: finds the spool of the configuration, and prints it as a table or as messages."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from driver_monitor.cli.options import TABLE_COLUMNS, InstalledConfigOption


def sent(
    config: InstalledConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the messages themselves, one a line.")] = False,
) -> None:
    """Show the alerts that were sent to the operator of the fleet, and those that wait to be sent."""
    from driver_monitor.app.build import Request, load_plan
    from driver_monitor.cli.sent.table import show, spool_folder
    from driver_monitor.config.lock import installed_config
    from driver_monitor.spool.file import FILE
    from driver_monitor.spool.history import read_history

    path = config or installed_config()
    settings = load_plan(Request(path)).config
    folder = spool_folder(settings, path)
    if not settings.uplink.enabled:
        # Not among the messages of --json: another program reads these.
        out = sys.stderr if as_json else sys.stdout
        print("no uplink: no operator gets alerts (uplink.brokers is empty)", file=out)
    alerts = read_history(folder)
    if not as_json:
        show(alerts, settings, folder / FILE, Console(width=None if Console().is_terminal else TABLE_COLUMNS))
        return
    for alert in alerts:
        sys.stdout.buffer.write(alert.body + b"\n")
    sys.stdout.buffer.flush()
