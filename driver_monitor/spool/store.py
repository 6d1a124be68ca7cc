"""A spool on disk or in memory: what is kept, for how long, and what goes first."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from driver_monitor.data.alert import LEVELS
from driver_monitor.spool import absent
from driver_monitor.spool.clock import Moment
from driver_monitor.spool.entry import Absent, SpoolEntry, SpoolLimits
from driver_monitor.spool.file import INDEX_BYTES, LOG_BYTES, PAGE, log_size
from driver_monitor.spool.rescue import is_time, whole_entry
from driver_monitor.spool.tables import SpoolTables

BATCH = 32
"""Alerts that change in one transaction: so many fit into the log (`LOG_BYTES`)."""
SPARE_PAGES = 8
"""Pages that an alert may need beside those of its body: of the indices and of pages that split."""
MOST_BODY = 100_000
"""Bytes of the longest alert that is kept (ours)."""
VACUUM_PAGES = 64
"""Pages that are given back to the disk in one step."""
FREE_PAGES = 256
"""Free pages that the file keeps for new alerts. From twice as many on, they are given back to the disk (ours)."""
LONGEST_QUEUE = 1000
"""Numbers that can be missing within a run because a queue was full. A larger gap is a count that went on elsewhere."""
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """As in `SpoolCounts`. `age`: returns the age of the oldest waiting alert in seconds; None without one."""

    waiting: int = 0
    dropped: int = 0
    absent: tuple[Absent, ...] = ()
    age: Callable[[Moment], float] | None = None


class SpoolStore:
    """All methods raise `sqlite3.Error`.

    `database`: of `file.open_file` or `file.open_memory`. `limits`: of this database. `now`: the time of opening.
    `same_run`: whether this run had it open before; else a gap before its first number is a power cut.
    """

    def __init__(self, database: sqlite3.Connection, limits: SpoolLimits, now: Moment, same_run: bool = False) -> None:
        self._tables, self._limits, self._same_run = SpoolTables(database), limits, same_run
        self._most_pages = max(1, (limits.size - LOG_BYTES - INDEX_BYTES) // PAGE)
        self._first_seq: int | None = None
        """The first number that was put since the opening."""
        (counted,) = database.execute("SELECT count(*) FROM alert WHERE sent = 0").fetchone()
        if counted != self._tables.total("waiting"):
            raise sqlite3.DatabaseError("its totals are wrong")
        self._base_s: float = self._tables.total("ran_s") - now.ran_s
        self._run_s = self._base_s + now.ran_s
        self._undated = not now.jumped

    def put(self, entry: SpoolEntry, now: Moment) -> bool:
        """Keep `entry`. Returns False if there is no room for it: all others are worse. Then it is counted."""
        with self._tables.transaction():
            if self._tables.database.execute("SELECT 1 FROM alert WHERE id = ?", (entry.id,)).fetchone():
                return True
            self._note_gap(entry.seq)
            kept = len(entry.body) <= MOST_BODY and self._make_room(entry)
            if kept:
                self._tables.insert(entry, 0, self.ran_s(now), now.wall_s)
            else:
                self._tables.drop(entry.seq, "dropped")
            self._tables.set("last_seq", entry.seq)
            self._tables.set("ran_s", self.ran_s(now))
        self._first_seq = entry.seq if self._first_seq is None else self._first_seq
        return kept

    def waiting(self, limit: int, without: Collection[str]) -> list[SpoolEntry]:
        """As in `Spool.waiting`."""
        ids = self._tables.database.execute("SELECT id, number FROM alert WHERE sent = 0 ORDER BY level DESC, number")
        chosen = list(islice((number for id_, number in ids if id_ not in without), limit))
        ids.close()  # an open one would keep the log from being written back
        with_body = "SELECT id, seq, rule, level, t_wall, body, digest FROM alert WHERE number = ?"
        return [whole_entry(self._tables.database.execute(with_body, (number,)).fetchone()) for number in chosen]

    def confirm(self, ids: Sequence[str], now: Moment) -> int:
        """As in `Spool.confirm`."""
        keep = "UPDATE alert SET sent = 1, ran_s = :ran_s, wall_s = :wall_s WHERE id = :id AND sent = 0"
        forget = "DELETE FROM alert WHERE id = :id AND sent = 0"
        change = keep if self._limits.sent_days > 0 else forget
        known = 0
        for start in range(0, len(ids), BATCH):
            with self._tables.transaction():
                for id_ in ids[start : start + BATCH]:
                    values = {"ran_s": self.ran_s(now), "wall_s": now.wall_s, "id": id_}
                    if self._tables.database.execute(change, values).rowcount:
                        known += 1
                        self._tables.add("waiting", -1)
        return known

    def tend(self, now: Moment) -> bool:
        """Do a step of what must be done from time to time: date, forget what is too old, give space back.

        Returns whether there is more to do at once.
        """
        dated = self._date(now)
        expired = self._expire(now) if now.settled else 0
        evicted = self._evict_batch()
        free = self._tables.pragma("freelist_count")
        if free > 2 * FREE_PAGES or (free and self._tables.pragma("page_count") > self._most_pages):
            # `execute` would stop after the first page: this statement has no columns.
            self._tables.database.executescript(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")
            return True
        return BATCH in (dated, expired, evicted)

    def counts(self) -> StoreCounts:
        """Return the numbers, as they are now."""
        oldest = min(filter(None, map(self._tables.oldest, range(len(LEVELS)))), default=None)
        age = None if oldest is None else partial(self._age_s, ran_s=oldest[2], wall_s=oldest[3])
        ranges = absent.ranges(self._tables.database)
        return StoreCounts(self._tables.total("waiting"), self._tables.total("dropped"), ranges, age)

    def go_on_after(self, last_seq: int) -> None:
        """Note the last number that this run has put into another store."""
        self._same_run = True
        self._tables.set("last_seq", last_seq)

    def ran_s(self, now: Moment) -> float:
        """Return the running time of all runs together, in seconds."""
        return now.ran_s + self._base_s

    def take_over(self, other: SpoolStore, now: Moment) -> None:
        """Move everything from `other` here. It holds what came after this store failed."""
        shift = self.ran_s(now) - other.ran_s(now)
        with self._tables.transaction():
            if other._first_seq is not None and not other._same_run:
                self._note_gap(other._first_seq)
            for first, last, reason in absent.ranges(other._tables.database):
                absent.add(self._tables.database, first, last, reason)
            self._tables.add("dropped", other._tables.total("dropped"))
            if (last_seq := other._tables.total("last_seq")) is not None:
                self._tables.set("last_seq", last_seq)
        other._tables.database.execute("DELETE FROM absent")
        other._tables.set("dropped", 0)
        columns = "number, sent, ran_s, wall_s, id, seq, rule, level, t_wall, body, digest"
        while rows := other._tables.database.execute(f"SELECT {columns} FROM alert LIMIT ?", (BATCH,)).fetchall():
            with self._tables.transaction():
                for _, sent, ran_s, wall_s, *values in rows:
                    entry = whole_entry(tuple(values))
                    if self._make_room(entry):
                        self._tables.insert(entry, sent, ran_s + shift, wall_s)
                    elif not sent:
                        self._tables.drop(entry.seq, "dropped")
            for row in rows:
                other._tables.delete(row[0], row[1])

    def shorten_log(self, path: Path) -> None:
        """Write the log back if it is too long. Raises `OSError` if another program keeps it from that."""
        if log_size(path) > LOG_BYTES:
            busy, _, _ = self._tables.database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise OSError("another program reads the file without an end, so it is locked")

    def close(self, now: Moment) -> None:
        """Note the running time, and close."""
        with suppress(sqlite3.Error):
            self._tables.set("ran_s", max(self.ran_s(now), self._tables.total("ran_s")))
        with suppress(sqlite3.Error):
            self._tables.database.close()

    def _note_gap(self, seq: int) -> None:
        last = self._tables.total("last_seq")
        new_run = self._first_seq is None and not self._same_run
        if last is None or seq <= last + 1:
            return
        if new_run or seq - last > LONGEST_QUEUE:
            absent.add(self._tables.database, last + 1, seq - 1, "power_cut")
        else:
            absent.add(self._tables.database, last + 1, seq - 1, "dropped")
            self._tables.add("dropped", seq - 1 - last)

    def _make_room(self, entry: SpoolEntry) -> bool:
        """Let go what must go for `entry`: what was sent, then the mildest and oldest. False: that is `entry`."""
        need = len(entry.body) // PAGE + SPARE_PAGES
        for _ in range(BATCH):
            if self._tables.used_pages() + need <= self._most_pages:
                return True
            if not self._evict_one(LEVELS.index(entry.level)):
                return False
        # True if the limit was lowered: `tend` goes on.
        return self._tables.used_pages() + need <= self._tables.pragma("page_count")

    def _evict_batch(self) -> int:
        """Let go what must go after the limit was lowered, at most `BATCH` alerts. Returns how many."""
        with self._tables.transaction():
            for gone in range(BATCH):
                if self._tables.used_pages() <= self._most_pages or not self._evict_one(len(LEVELS)):
                    return gone
        return BATCH

    def _evict_one(self, level: int) -> bool:
        """Delete one alert that was sent, else the oldest waiting one of the mildest level, up to `level`."""
        sent = self._tables.database.execute("SELECT number FROM alert WHERE sent = 1 ORDER BY ran_s, number LIMIT 1")
        if row := sent.fetchone():
            self._tables.delete(row[0], sent=1)
            return True
        for milder in range(min(level + 1, len(LEVELS))):
            if oldest := self._tables.oldest(milder):
                self._tables.delete(oldest[0], sent=0)
                self._tables.drop(oldest[1], "dropped")
                return True
        return False

    def _date(self, now: Moment) -> int:
        """Give alerts without a time that of now less the running time since: they are at least as old.

        After a jump of the wall clock the times of this run may be wrong. They are taken away. Returns how many alerts
        got a time, at most `BATCH`.
        """
        if now.jumped and self._undated:
            self._undated = False
            with self._tables.transaction():
                self._tables.database.execute("UPDATE alert SET wall_s = NULL WHERE ran_s >= ?", (self._run_s,))
        elif now.wall_s is not None:
            start_s = now.wall_s - self.ran_s(now)
            undated = "SELECT number FROM alert WHERE wall_s IS NULL ORDER BY number LIMIT ?"
            if numbers := self._tables.database.execute(undated, (BATCH,)).fetchall():
                with self._tables.transaction():
                    dated = "UPDATE alert SET wall_s = max(0.0, ? + ran_s) WHERE number = ?"
                    self._tables.database.executemany(dated, [(start_s, number) for (number,) in numbers])
                return len(numbers)
        return 0

    def _expire(self, now: Moment) -> int:
        """Forget what is too old, at most `BATCH` alerts of each kind. Returns how many."""
        with self._tables.transaction():
            gone = 0
            history = "SELECT number, ran_s, wall_s FROM alert WHERE sent = 1 ORDER BY ran_s, number LIMIT ?"
            for number, ran_s, wall_s in self._tables.database.execute(history, (BATCH,)).fetchall():
                if not is_time(ran_s, wall_s):
                    raise sqlite3.DatabaseError("an alert in it has no time")
                if self._age_s(now, ran_s, wall_s) >= self._limits.sent_days * DAY_S:
                    self._tables.delete(number, sent=1)
                    gone += 1
            for level in range(len(LEVELS)):
                while gone < BATCH and (oldest := self._tables.oldest(level)):
                    number, seq, ran_s, wall_s = oldest
                    if self._age_s(now, ran_s, wall_s) < self._limits.days * DAY_S:
                        break
                    self._tables.delete(number, sent=0)
                    self._tables.drop(seq, "expired")
                    gone += 1
            return gone

    def _age_s(self, now: Moment, ran_s: float, wall_s: float | None) -> float:
        """Return the age in seconds of what happened at this running time and wall clock (None: not known)."""
        by_wall = 0.0 if wall_s is None or now.wall_s is None else now.wall_s - wall_s
        return max(0.0, self.ran_s(now) - ran_s, by_wall)
