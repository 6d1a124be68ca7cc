"""The table of numbers that never come, in ranges."""

from __future__ import annotations

import sqlite3
from typing import get_args

from driver_monitor.spool.entry import Absent, AbsentReason

REASONS: tuple[AbsentReason, ...] = get_args(AbsentReason)
MOST_RANGES = 100
"""Number of ranges that are kept, the newest ones. The retained status has room for them (ours)."""


def add(database: sqlite3.Connection, first: int, last: int, reason: AbsentReason) -> None:
    """Note that the numbers from `first` to `last` never come. Adjacent ranges of the same reason become one."""
    beside = "FROM absent WHERE reason = ? AND last >= ? - 1 AND first <= ? + 1"
    lowest, highest = database.execute(f"SELECT min(first), max(last) {beside}", (reason, first, last)).fetchone()
    if lowest is not None:
        database.execute(f"DELETE {beside}", (reason, first, last))
        first, last = min(first, lowest), max(last, highest)
    database.execute("INSERT INTO absent (first, last, reason) VALUES (?, ?, ?)", (first, last, reason))
    database.execute(
        "DELETE FROM absent WHERE number NOT IN (SELECT number FROM absent ORDER BY number DESC LIMIT ?)",
        (MOST_RANGES,),
    )


def ranges(database: sqlite3.Connection) -> tuple[Absent, ...]:
    """Return all ranges, the newest last."""
    rows = database.execute("SELECT first, last, reason FROM absent ORDER BY number").fetchall()
    if not all(isinstance(first, int) and isinstance(last, int) and reason in REASONS for first, last, reason in rows):
        raise sqlite3.DatabaseError("a range of numbers in it is damaged")
    return tuple((first, last, reason) for first, last, reason in rows)
