"""The store as its users see it, and how it is opened: an SQLite file, or a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from driver_monitor.errors import DriverMonitorError, UsageError
from driver_monitor.fleet.store.rows import Batch, PutResult

POSTGRES = ("postgresql://", "postgres://")
RETENTION_DAYS = 184
"""Default retention in days: six months (ours). As reported, the shortest time for which deployers of a high-risk
system keep its logs (Regulation (EU) 2024/1689, article 26(6))."""


class StoreError(DriverMonitorError):
    """The store cannot be used as it is: it is missing, or its schema is."""


class StoreDownError(StoreError):
    """The store does not answer, or cannot write, at present. What was asked for may be tried again, unchanged."""


class Store(Protocol):
    """Keeps alerts, vehicles, trips and dead letters. One thread at a time may use it.

    All methods raise `StoreDownError` if the store does not answer, and `StoreError` if its schema is missing, or older
    or newer than this program.
    """

    def put(self, batch: Batch) -> PutResult:
        """Store `batch` in one transaction; it is safe when this returns. What is stored already changes nothing.

        A row that the store cannot take, and an alert whose id is stored with other bytes, becomes a dead letter.
        """

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query that reads. `sql`: with ? for each parameter, and no other ?.

        With both engines, times come as text (UTC, ISO 8601 with microseconds and Z), and `datetime` parameters may
        be given. True is 1 in SQLite.
        """

    def acknowledge(self, episodes: Collection[str], by_whom: str, at: datetime, note: str) -> int:
        """Keep that a person has looked at `episodes` (UUIDs), in one transaction. Nothing that is kept ever changes.

        Returns how many were new: not yet kept with this `at`.
        """

    def make_schema(self, now: datetime) -> int:
        """Make tables and views, or bring them to this program's schema; returns the schema found before."""

    def check_schema(self) -> None:
        """Raise `StoreError` if the schema is missing, older or newer."""

    def retention_days(self) -> int:
        """Return for how many days alerts, dead letters, vehicles and trips are kept."""

    def set_retention_days(self, days: int) -> None:
        """Change this number. Collectors delete within the hour."""

    def tidy(self, now: datetime) -> int | None:
        """Delete what is older than the retention, and make partitions ahead. None: another process is doing it.

        Returns how many alerts were deleted, those of dropped partitions not counted.
        """

    def close(self) -> None:
        """Close the connection; a later call opens it again."""


def open_store(url: str, make: bool = False) -> Store:
    """Return the store at `url`: `postgresql://...`, or the path of an SQLite file. Nothing is opened yet.

    `make`: an SQLite file that does not exist is made, with its schema; else it is a `StoreError`. The schema of
    PostgreSQL is made by `make_schema` alone. Raises `UsageError`: no such address, or psycopg is not installed.
    """
    if url.startswith(POSTGRES):
        try:
            from driver_monitor.fleet.store.postgres import PostgresStore
        except ImportError:
            advice = "install it with: pip install 'driver-monitor[operator]'"
            raise UsageError(f"--store: PostgreSQL needs psycopg; {advice}") from None
        return PostgresStore(url)
    if "://" in url:
        raise UsageError(f"--store: '{url:.60}' is neither a file nor postgresql://USER@HOST/DATABASE")
    from driver_monitor.fleet.store.sqlite import SqliteStore

    return SqliteStore(Path(url), make)
