"""The verb `fleet watch`."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from typing import Annotated, cast

import typer
from rich.console import Console

from driver_monitor.cli.fleet import options
from driver_monitor.cli.options import word
from driver_monitor.data.alert import LEVELS, Level

NAMES = "May be repeated; * stands for any text."
VehiclesOption = Annotated[list[str], typer.Option("--vehicle", help=f"Only this vehicle, such as van-*. {NAMES}")]


def watch(
    broker: options.BrokerOption = options.DEFAULT_BROKER,
    ca: options.CaOption = None,
    certificate: options.CertificateOption = None,
    key: options.KeyOption = None,
    user: options.UserOption = None,
    password_file: options.PasswordFileOption = None,
    vehicle: VehiclesOption = [],  # noqa: B006
    rule: Annotated[list[str], typer.Option(help=f"Only alerts of this rule. {NAMES}")] = [],  # noqa: B006
    level: Annotated[str, word(LEVELS, "LEVEL", f"Only alerts of at least this level: {', '.join(LEVELS)}.")] = "info",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Print the alerts of all vehicles as they arrive, and which vehicles come, go and fall silent."""
    from driver_monitor.app.process.stop import Stop
    from driver_monitor.fleet.look import patterns
    from driver_monitor.fleet.look.event_lines import json_line, text_line
    from driver_monitor.fleet.look.watch import BrokerWatch
    from driver_monitor.fleet.look.watcher import Choice, WatchEvent

    patterns.check("--vehicle", vehicle)
    patterns.check("--rule", rule)
    out = Console()

    def show(event: WatchEvent) -> None:
        now = datetime.now(timezone.utc)
        if out.is_terminal and not as_json:
            out.print(text_line(event, now), soft_wrap=True)
        else:
            print(json_line(event, now) if as_json else text_line(event, now).plain, flush=True)

    login = options.login(ca, certificate, key, user, password_file)
    choice = Choice(tuple(vehicle), tuple(rule), cast(Level, level))
    with Stop() as stop:  # the search for the broker's name may hang longer than a person waits
        malformed = BrokerWatch(options.broker(broker), login, choice, show).run(lambda: stop.requested)
    if malformed:
        print(f"{malformed} messages could not be shown", file=sys.stderr)
