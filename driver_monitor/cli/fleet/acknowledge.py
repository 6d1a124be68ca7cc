"""The verb `fleet acknowledge`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from driver_monitor import PROGRAM
from driver_monitor.cli.fleet import options
from driver_monitor.cli.fleet.watch import VehiclesOption
from driver_monitor.cli.options import OptionalText
from driver_monitor.errors import UsageError


def acknowledge(
    by: Annotated[str, typer.Option("--by", help="Who has looked at them.")],
    episodes: Annotated[list[str], typer.Argument(help="Ids of episodes, from `fleet report`.")] = [],  # noqa: B006
    store: options.StoreOption = options.DEFAULT_STORE,
    vehicle: VehiclesOption = [],  # noqa: B006
    before: Annotated[
        OptionalText, typer.Option(help="With --vehicle: episodes that began before this time (12h, 7d) or date.")
    ] = None,
    note: Annotated[str, typer.Option(help="What was done. Name no driver.")] = "",
) -> None:
    """Keep in the store who has looked at episodes. What is kept never changes."""
    from driver_monitor.fleet.look import patterns
    from driver_monitor.fleet.look.acknowledge import acknowledge as acknowledge_episodes
    from driver_monitor.fleet.look.acknowledge import acknowledge_all
    from driver_monitor.fleet.look.period import moment
    from driver_monitor.fleet.store.store import open_store
    from driver_monitor.fleet.store.views import engine_of

    if bool(episodes) == bool(vehicle) or (before is None) != (not vehicle):
        raise UsageError(
            f"{PROGRAM} fleet acknowledge: give ids of episodes, or both --vehicle and --before;"
            f" see `{PROGRAM} fleet acknowledge --help`"
        )
    patterns.check("--vehicle", vehicle)
    now = datetime.now().astimezone()
    opened = open_store(store)
    try:
        if before is None:
            done = acknowledge_episodes(opened, episodes, by, now, note)
        else:
            done = acknowledge_all(opened, engine_of(store), vehicle, moment("--before", before, now), by, now, note)
    finally:
        opened.close()
    already = f", {done.before} were already" if done.before else ""
    print(f"{done.now} episodes acknowledged by {by}{already}")
