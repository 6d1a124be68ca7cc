"""Takes out of a damaged spool what is still whole. Each alert has a digest, so what is not whole is known."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from driver_monitor.data.alert import LEVELS
from driver_monitor.spool import absent
from driver_monitor.spool.clock import MOST_S
from driver_monitor.spool.entry import Absent, SpoolEntry

_COLUMNS = "number, sent, ran_s, wall_s, id, seq, rule, level, t_wall, body, digest"


def digest(entry: SpoolEntry) -> bytes:
    """Return the SHA-256 of all that the spool keeps of `entry`."""
    fields = (entry.id, entry.seq, entry.rule, entry.level, entry.t_wall)
    return hashlib.sha256(repr(fields).encode() + b"\0" + entry.body).digest()


def whole_entry(row: tuple[Any, ...] | None) -> SpoolEntry:
    """Return the alert of a row (id, seq, rule, level, t_wall, body, digest).

    Raises `sqlite3.DatabaseError` if it is not what was put, or if there is no row.
    """
    if row is None:
        raise sqlite3.DatabaseError("an alert in it is missing")
    id_, seq, rule, level, t_wall, body, kept = row
    if level in range(len(LEVELS)) and isinstance(body, bytes):
        entry = SpoolEntry(id_, seq, rule, LEVELS[level], t_wall, body)
        if digest(entry) == kept:
            return entry
    raise sqlite3.DatabaseError("an alert in it is not what was put")


def is_time(ran_s: object, wall_s: object) -> bool:
    """Return whether these can be running time and wall clock of an alert."""
    return _is_seconds(ran_s) and (wall_s is None or _is_seconds(wall_s))


def _is_seconds(value: object) -> bool:
    return isinstance(value, float) and 0 <= value <= MOST_S


def is_total(column: str, value: object) -> bool:
    """Return whether `value` can stand in this column of the table of totals."""
    if column == "ran_s":
        return _is_seconds(value)
    return isinstance(value, int) or (column == "last_seq" and value is None)


def rescue(damaged: Path, database: sqlite3.Connection) -> int:
    """Copy what is whole in the file `damaged` to the new `database`. Returns how many alerts wait.

    Raises `sqlite3.Error` if the new one cannot be written.
    """
    done: set[int] = set()
    with closing(sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=ro", uri=True)) as old:
        old.text_factory = lambda raw: raw.decode(errors="replace")
        if (total := _total(old)) is not None:
            database.execute("UPDATE total SET last_seq = ?, dropped = ?, ran_s = ?", total)
        for first, last, reason in _ranges(old):
            absent.add(database, first, last, reason)
        for order in ("ASC", "DESC"):  # an alert that cannot be read ends each of the two
            for row in _rows(old, order):
                if row[0] not in done:
                    done.add(row[0])
                    values = ",".join("?" * len(row))
                    database.execute(f"INSERT OR IGNORE INTO alert ({_COLUMNS}) VALUES ({values})", row)
    database.execute("UPDATE total SET waiting = (SELECT count(*) FROM alert WHERE sent = 0)")
    (waiting,) = database.execute("SELECT waiting FROM total").fetchone()
    return int(waiting)


def _rows(old: sqlite3.Connection, order: str) -> Iterator[tuple[Any, ...]]:
    with suppress(sqlite3.Error):
        for row in old.execute(f"SELECT {_COLUMNS} FROM alert ORDER BY number {order}"):
            number, sent, ran_s, wall_s, *values = row
            with suppress(sqlite3.DatabaseError):
                whole_entry(tuple(values))
                if isinstance(number, int) and sent in (0, 1):
                    yield number, sent, *((ran_s, wall_s) if is_time(ran_s, wall_s) else (0.0, None)), *values


def _total(old: sqlite3.Connection) -> tuple[int, int, float] | None:
    row = None
    with suppress(sqlite3.Error):
        row = old.execute("SELECT last_seq, dropped, ran_s FROM total").fetchone()
    columns = ("last_seq", "dropped", "ran_s")
    return row if row is not None and all(map(is_total, columns, row)) else None


def _ranges(old: sqlite3.Connection) -> tuple[Absent, ...]:
    with suppress(sqlite3.Error):
        return absent.ranges(old)
    return ()
