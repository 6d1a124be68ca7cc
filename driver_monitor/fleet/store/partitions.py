"""The partitions of the table `alert` in PostgreSQL: one for each month (UTC) of `t_wall`, and a default partition.

The default partition takes the alerts of clocks that are wrong, and those of months without a partition. Its rows do
not block the partition of their month: they move there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timezone

import psycopg

MONTHS_BACK, MONTHS_AHEAD = 2, 3
"""Months around the present one for which partitions are made (ours): for cars that were away for weeks, and in case
that nobody tidies for a quarter."""
DEFAULT = "alert_default"


def month_start(year: int, month: int) -> datetime:
    """Return the first instant of a month, UTC. `month` may be any number: 0 is December of the year before."""
    months = year * 12 + month - 1
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=timezone.utc)


def name_of(start: datetime) -> str:
    """Return the name of the partition of the month that begins at `start`."""
    return f"alert_{start.year:04}_{start.month:02}"


def wanted(now: datetime) -> Iterator[datetime]:
    """Yield the beginnings of the months that should have a partition at `now`."""
    for offset in range(-MONTHS_BACK, MONTHS_AHEAD + 1):
        yield month_start(now.year, now.month + offset)


def existing(database: psycopg.Connection) -> dict[str, datetime]:
    """Return the monthly partitions: the beginning of the month, by name."""
    found = database.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'alert'::regclass")
    names = [str(name).rpartition(".")[2] for (name,) in found]
    months = [(name, re.fullmatch(r"alert_(\d{4})_(\d\d)", name)) for name in names]
    return {name: month_start(int(match[1]), int(match[2])) for name, match in months if match is not None}


def make_ahead(database: psycopg.Connection, now: datetime, keep_from: datetime) -> None:
    """Make the partitions around `now` that are missing, except months that ended before `keep_from`."""
    names = existing(database)
    for start in wanted(now):
        if name_of(start) not in names and _end(start) > keep_from:
            _make(database, start)


def drop_before(database: psycopg.Connection, keep_from: datetime) -> list[str]:
    """Drop the partitions of months that ended before `keep_from`; return their names."""
    names = [name for name, start in sorted(existing(database).items()) if _end(start) <= keep_from]
    for name in names:
        database.execute(f"DROP TABLE {name}")
    return names


def _make(database: psycopg.Connection, start: datetime) -> None:
    name, limits = name_of(start), (start, _end(start))
    with database.transaction():
        # Nobody may write to the default partition between the move and the new partition.
        database.execute(f"LOCK TABLE {DEFAULT} IN ACCESS EXCLUSIVE MODE")
        database.execute(f"CREATE TABLE {name} (LIKE alert INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        database.execute(
            f"WITH moved AS (DELETE FROM {DEFAULT} WHERE t_wall >= %s AND t_wall < %s RETURNING *)"
            f" INSERT INTO {name} SELECT * FROM moved",
            limits,
        )
        # Not CREATE TABLE ... PARTITION OF: that would lock out all readers and writers of `alert`.
        database.execute(
            f"ALTER TABLE alert ATTACH PARTITION {name}"
            f" FOR VALUES FROM ('{limits[0].isoformat()}') TO ('{limits[1].isoformat()}')"
        )


def _end(start: datetime) -> datetime:
    return month_start(start.year, start.month + 1)
