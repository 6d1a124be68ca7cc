"""The verbs `fleet collect` and `fleet schema`: messages of the vehicles into the store, and its tables."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated

import typer

from driver_monitor.cli.fleet.options import (
    DEFAULT_BROKER,
    DEFAULT_STORE,
    BrokerOption,
    CaOption,
    CertificateOption,
    KeyOption,
    PasswordFileOption,
    StoreOption,
    UserOption,
    broker,
    login,
)
from driver_monitor.cli.options import OptionalInteger, OptionalText, number

MOST_DAYS = 36_500
"""Longest retention: a hundred years."""


def collect(
    broker_address: BrokerOption = DEFAULT_BROKER,
    ca: CaOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    user: UserOption = None,
    password_file: PasswordFileOption = None,
    store: StoreOption = DEFAULT_STORE,
    metrics: Annotated[
        OptionalText, typer.Option(help="Loopback address of metrics for Prometheus, such as 127.0.0.1:9465.")
    ] = None,
) -> None:
    """Store the messages of all vehicles, and tell the vehicles. Start as many of these as you want."""
    from driver_monitor.fleet.collect.run import run

    run(broker(broker_address), login(ca, certificate, key, user, password_file), store, metrics)


def schema(
    store: StoreOption = DEFAULT_STORE,
    retention_days: Annotated[
        OptionalInteger, number(int, 1, MOST_DAYS, "Days after which collectors delete alerts, trips and dead letters.")
    ] = None,
) -> None:
    """Make the tables of a store, or bring them up to this version. Sets the retention."""
    from driver_monitor.fleet.store.schema import SCHEMA
    from driver_monitor.fleet.store.store import open_store

    opened = open_store(store)
    try:
        found = opened.make_schema(datetime.now(timezone.utc))
        if retention_days is not None:
            opened.set_retention_days(retention_days)
        done = "is up to date" if found == SCHEMA else "made" if found == 0 else f"brought up from {found}"
        print(f"{opened}: schema {SCHEMA} {done}; alerts are kept for {opened.retention_days()} days")
    finally:
        opened.close()
