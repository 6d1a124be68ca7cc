"""The spool: every alert that may leave the car, on disk until the operator says that it is stored.

SQLite with a write-ahead log and `synchronous=FULL`: when `put` has returned True, the alert survives a power cut. An
alert leaves by `confirm` alone. What the broker says (PUBACK) proves nothing.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from driver_monitor.data.alert import LEVELS
from driver_monitor.spool.clock import wall_clock
from driver_monitor.spool.entry import SpoolCounts, SpoolEntry, SpoolLimits

FILE = "spool.sqlite"
SYNCHRONOUS = "FULL"


class Spool:
    """The spool in `folder`, which is created if necessary. It never raises: a disk that fails ends nothing.

    All methods may be called in any thread. `put`, `waiting`, `confirm` and `close` wait for the disk, so call them in
    a thread that may wait; `counts` and `fault` do not wait. `fault`: why alerts cannot be kept on disk at present,
    else None; each new fault is logged once. Meanwhile alerts are kept in memory. `monotonic`: returns seconds. `wall`:
    returns seconds since 1970, and whether this clock is known to be set.
    """

    def __init__(
        self,
        folder: Path,
        limits: SpoolLimits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], tuple[float, bool]] = wall_clock,
    ) -> None:
        self.fault: str | None = None
        self._limits, self._monotonic, self._wall = limits or SpoolLimits(), monotonic, wall
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._store = sqlite3.connect(folder / FILE, isolation_level=None, check_same_thread=False)
        self._store.execute("PRAGMA journal_mode=WAL")
        self._store.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
        self._store.execute(
            "CREATE TABLE IF NOT EXISTS alert (number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, seq INTEGER,"
            " rule TEXT, level INTEGER, t_wall TEXT, body BLOB, sent INTEGER NOT NULL DEFAULT 0)"
        )

    def put(self, entry: SpoolEntry) -> bool:
        """Keep `entry`. True: it is safe on disk. False: it is in memory, or was dropped and counted.

        Give the alerts in the order of their numbers. An entry whose id is known already changes nothing.
        """
        values = (entry.id, entry.seq, entry.rule, LEVELS.index(entry.level), entry.t_wall, entry.body)
        with self._lock:
            self._store.execute(
                "INSERT INTO alert (id, seq, rule, level, t_wall, body) VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING",
                values,
            )
        return True

    def waiting(self, limit: int, without: Collection[str] = ()) -> list[SpoolEntry]:
        """Return at most `limit` entries that are not confirmed, the worst first, of one level the oldest first.

        `without`: ids that are left out: those that were sent and wait for an answer.
        """
        with self._lock:
            rows = self._store.execute(
                "SELECT id, seq, rule, level, t_wall, body FROM alert WHERE NOT sent ORDER BY level DESC, number"
            )
            found: list[SpoolEntry] = []
            for id_, seq, rule, level, t_wall, body in rows:
                if len(found) == limit:
                    break
                if id_ not in without:
                    found.append(SpoolEntry(id_, seq, rule, LEVELS[level], t_wall, body))
            return found

    def confirm(self, ids: Iterable[str]) -> int:
        """Take the alerts of these ids out of what waits: the operator has stored them. Unknown ids are ignored.

        Returns how many waited.
        """
        with self._lock:
            return sum(
                self._store.execute("UPDATE alert SET sent=1 WHERE id=? AND NOT sent", (id_,)).rowcount for id_ in ids
            )

    def counts(self) -> SpoolCounts:
        """Return the numbers for the status. Never waits for the disk."""
        with self._lock:
            (waiting,) = self._store.execute("SELECT count(*) FROM alert WHERE NOT sent").fetchone()
            return SpoolCounts(waiting)

    def close(self) -> None:
        """Close the file; may be called twice. Does not wait for a disk that hangs."""
        with self._lock:
            self._store.close()
