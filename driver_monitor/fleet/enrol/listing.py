"""Shows the certificates of a depot as a table, as JSON, and as warnings of those that end soon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from driver_monitor.fleet.enrol.depot import Depot
from driver_monitor.fleet.enrol.register import CertificateEntry, State

NOTICE_DAYS = 365
"""Days before the end of the CA in which it is told (ours): then every vehicle needs a certificate of a new depot."""
SHOWN = 5
"""Names in a warning (ours); it counts the others."""
COLUMNS = ("name", "state", "until", "serial")


@dataclass(frozen=True, slots=True)
class Listing:
    """The certificates that matter, with their states: not those that have ended and were replaced.

    `ca_until`: when the CA ends, and with it the list of revoked certificates. `current`: that list is the register's.
    """

    rows: tuple[tuple[CertificateEntry, State], ...]
    ca_until: datetime
    current: bool
    now: datetime


def of_depot(depot: Depot, now: datetime) -> Listing:
    """Return the certificates of a depot, sorted by name; the newest of a name first."""
    entries = [one for one in reversed(depot.register.certificates) if not (one.replaced and now >= one.until)]
    entries.sort(key=lambda one: one.name)
    return Listing(tuple((one, one.state(now)) for one in entries), depot.ca_until(), depot.list_is_current(), now)


def table(listed: Listing) -> list[str]:
    """Return the lines of a table."""
    width = max([len(one.name) for one, _ in listed.rows] + [len(COLUMNS[0])])
    rows = [(one.name, state, f"{one.until:%Y-%m-%d}", one.serial) for one, state in listed.rows]
    return [f"{name:<{width}}  {state:<9}  {until:<10}  {serial}" for name, state, until, serial in (COLUMNS, *rows)]


def warnings(listed: Listing, depot: Path) -> Iterator[str]:
    """Yield a line for each thing that somebody must do soon."""
    ending = [one.name for one, state in listed.rows if state in ("ends soon", "ended") and not one.replaced]
    if ending:
        more = f" and {len(ending) - SHOWN} more" if len(ending) > SHOWN else ""
        yield (
            f"warning: ended, or ends within 30 days: {', '.join(ending[:SHOWN])}{more}; "
            f"`driver-monitor fleet renew --depot {depot} --expiring 30`"
        )
    if (listed.ca_until - listed.now).days < NOTICE_DAYS:
        yield (
            f"warning: the CA and its list of revoked certificates end on {listed.ca_until:%Y-%m-%d}; then the broker "
            "refuses everybody: make a new depot, and enrol all vehicles there"
        )
    if not listed.current:
        yield (
            "warning: the list of revoked certificates is missing or old; "
            f"`driver-monitor fleet enrol --depot {depot}` signs it anew"
        )


def to_json(listed: Listing) -> dict[str, Any]:
    """Return what `fleet enrolled --json` prints. Times are UTC, ISO 8601."""
    return {
        "schema": 1,
        "ca_until": listed.ca_until.isoformat(),
        "list_is_current": listed.current,
        "certificates": [
            {
                "name": one.name,
                "serial": one.serial,
                "since": one.since.isoformat(),
                "until": one.until.isoformat(),
                "state": state,
                "replaced": one.replaced,
                "revoked": one.revoked.isoformat() if one.revoked is not None else None,
            }
            for one, state in listed.rows
        ],
    }
