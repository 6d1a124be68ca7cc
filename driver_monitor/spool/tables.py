"""Reads and writes single rows of a spool's tables, on disk or in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from driver_monitor.data.alert import LEVELS
from driver_monitor.spool import absent
from driver_monitor.spool.entry import AbsentReason, SpoolEntry
from driver_monitor.spool.rescue import digest, is_time, is_total


class SpoolTables:
    """The rows of one spool. All methods raise `sqlite3.Error`.

    `database`: of `file.open_file` or `file.open_memory`.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do what is in the `with` block whole or, after an error, not at all."""
        with self.database:
            self.database.execute("BEGIN IMMEDIATE")
            yield

    def insert(self, entry: SpoolEntry, sent: int, ran_s: float, wall_s: float | None) -> None:
        """Add an alert; one whose id is there changes nothing."""
        inserted = self.database.execute(
            "INSERT INTO alert (id, seq, rule, level, t_wall, sent, ran_s, wall_s, digest, body)"
            " VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
            (
                *(entry.id, entry.seq, entry.rule, LEVELS.index(entry.level), entry.t_wall),
                *(sent, ran_s, wall_s, digest(entry), entry.body),
            ),
        ).rowcount
        self.add("waiting", inserted if not sent else 0)

    def oldest(self, level: int) -> tuple[int, int, float, float | None] | None:
        """Return number, `seq`, `ran_s` and `wall_s` of the oldest waiting alert of this level; None: there is none."""
        row: tuple[int, int, float, float | None] | None = self.database.execute(
            "SELECT number, seq, ran_s, wall_s FROM alert WHERE sent = 0 AND level = ? ORDER BY number LIMIT 1",
            (level,),
        ).fetchone()
        if row is not None and not (isinstance(row[1], int) and is_time(row[2], row[3])):
            raise sqlite3.DatabaseError("an alert in it has no number or time")
        return row

    def drop(self, seq: int, reason: AbsentReason) -> None:
        """Count that the alert of this number was dropped for this reason."""
        absent.add(self.database, seq, seq, reason)
        self.add("dropped", 1)

    def delete(self, number: int, sent: int) -> None:
        """Delete the alert of this row. `sent`: 1 if the operator has stored it, 0 if it waits."""
        self.database.execute("DELETE FROM alert WHERE number = ?", (number,))
        self.add("waiting", 0 if sent else -1)

    def used_pages(self) -> int:
        """Return the pages that hold something."""
        return self.pragma("page_count") - self.pragma("freelist_count")

    def pragma(self, name: str) -> int:
        """Return the value of a pragma that is a number."""
        return int(self.database.execute(f"PRAGMA {name}").fetchone()[0])

    def total(self, column: str) -> Any:
        """Return this column of the table of totals."""
        row = self.database.execute(f"SELECT {column} FROM total").fetchone()
        if row is None or not is_total(column, row[0]):
            raise sqlite3.DatabaseError("its totals are wrong")
        return row[0]

    def add(self, column: str, count: int) -> None:
        """Add `count` to this column of the table of totals."""
        self.database.execute(f"UPDATE total SET {column} = {column} + ?", (count,))

    def set(self, column: str, value: float) -> None:
        """Set this column of the table of totals."""
        self.database.execute(f"UPDATE total SET {column} = ?", (value,))
