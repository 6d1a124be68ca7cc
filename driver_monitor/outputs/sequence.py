"""Numbers the alerts of a vehicle. Numbers continue after a reboot, a power cut or a full disk, and never repeat.

A thread reserves numbers on disk in blocks, before they are used. So an alert need not wait for an SD card, where a
synchronous commit takes 10 to 100 ms. A power cut skips the rest of a block; `close` returns it. What is on disk is
safe against a power cut (SQLite, `synchronous=FULL`). SQLite's rollback journal is used, in mode `TRUNCATE`. A
write-ahead log holds the newest numbers, so they would repeat if it were lost or torn. A rollback journal only matters
during a commit, before its numbers are used. Mode `DELETE` does not synchronise the deletion of the journal: after a
power cut it could take the last commit back.

If numbers cannot be reserved in time (full, slow or read-only disk) or the file is damaged, numbers continue from the
clock: 1024 for each millisecond since 1970, plus a random number below 1024. No count reaches that range, so no number
repeats, even if the clock was set back. Numbers keep rising if the disk works again before the next power cut. The
receiver sees a jump. A clock before 2025 was never set (a Pi without network). Then a random number of at least 2^51 is
used. All numbers are below 2^53, up to which JSON readers are exact.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from driver_monitor.disk.sqlite_damage import is_damage
from driver_monitor.threads.worker import Worker

BLOCK = 16
"""Count of numbers reserved in one disk write. A power cut may skip them. Ten alerts a second use them in 1.6 s."""
FILE = "alert-seq.sqlite"
CLOCK_SET_MS = 1_735_689_600_000
"""2025-01-01T00:00Z. An earlier time means that the clock was never set."""
IN_A_MS = 1024
"""Count of numbers for each millisecond of the clock. With more of them, numbers would reach 2^53 before the year 2248
(ours)."""
MOST = 2**53 - 1_000_000
"""Largest number that is taken from a file. The count cannot reach it, so a file with a larger number is damaged. A
million alerts are left below 2^53."""
LOG_LEAP = 100_000
"""Count of numbers skipped if the file still has a write-ahead log, as version 0.1.0 wrote it. The log may be lost. It
holds up to 1,000 pages with a block each, which is 16,000 numbers; the rest is reserve (ours)."""
PATIENCE_S = 0.02
"""Longest wait for a reserved number. An alert must be sent within 50 ms of the frame that decided it. After one
wait in vain, the next alerts take the clock at once, until the disk has answered: twenty alerts can come in a frame."""

log = logging.getLogger(__name__)


class AlertSequence:
    """Gives the alerts of a vehicle their numbers, from 1. The file is in `folder`, which is created if necessary.

    Never raises an exception: alerts are sent even if the disk fails. `fault`: why numbers cannot be kept on
    disk at present, else None; each new fault is logged once. `wall_ms`: returns milliseconds since 1970.
    """

    def __init__(self, folder: Path, wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self.fault: str | None = None
        self._path, self._wall_ms = folder / FILE, wall_ms
        self._store: sqlite3.Connection | None = None
        self._last = self._reserved = 0
        self._numbers = threading.Condition()
        self._slow = False  # whether there was a wait in vain, and the disk has not answered since
        self._reserve()
        self._worker = Worker("alert-sequence", self._reserve_until_closed, ended=self._ended)
        self._worker.start()

    @property
    def failure(self) -> str | None:
        """Why the thread failed, else None. After a failure, `next` uses up the reserved numbers, then the clock."""
        return self._worker.failure

    def next(self) -> int:
        """Return the next number. If none is reserved, wait for the disk at most `PATIENCE_S`, then use the clock."""
        with self._numbers:
            if self._reserved - self._last <= BLOCK // 2:
                self._worker.wake()
            if not self._worker.closing and not self._slow:
                self._slow = not self._numbers.wait_for(self._can_go_on, PATIENCE_S)
            self._last = self._last + 1 if self._last < self._reserved else self._from_clock()
            return self._last

    def _can_go_on(self) -> bool:
        return self._last < self._reserved or self.fault is not None

    def close(self) -> None:
        """Return unused numbers to the file. May be called twice. Later numbers of `next` are not kept on disk."""
        self._worker.close()

    def _reserve_until_closed(self) -> None:
        while not self._worker.closing:
            self._worker.wait()
            if not self._worker.closing:
                self._reserve()
        if self.fault is not None:
            self._reserve()  # the disk may work again: numbers that were used must not be used again
        self._return_unused()

    def _ended(self) -> None:
        with self._numbers:
            self.fault = self.failure or self.fault
            self._numbers.notify_all()

    def _reserve(self) -> None:
        fault = None
        try:
            self._store = self._store or _open(self._path, self._from_clock)
            self._extend(self._store)
        except (sqlite3.Error, OSError) as error:
            fault = f"{self._path}: alert numbers cannot be kept: {error}; check the disk's space and permissions"
            self._close_store()
        if fault is not None and fault != self.fault:
            log.error("%s; alerts are sent all the same, numbered by the clock", fault)
        with self._numbers:
            self.fault, self._slow = fault, False
            self._numbers.notify_all()

    def _extend(self, store: sqlite3.Connection) -> None:
        with _transaction(store):
            stored = _read(store)
            with self._numbers:
                # False at the start, if another process uses the same file, or after numbers of the clock
                unbroken = stored == self._reserved >= self._last
                base = stored if unbroken else max(stored, self._last)
            _write(store, base + BLOCK)
        with self._numbers:
            self._last = self._last if unbroken else max(self._last, base)
            self._reserved = base + BLOCK

    def _return_unused(self) -> None:
        if self._store is not None:
            with contextlib.suppress(sqlite3.Error), _transaction(self._store):
                with self._numbers:
                    last, reserved = self._last, self._reserved
                    self._reserved = 0
                stored = _read(self._store)
                if stored == reserved or stored < last:
                    _write(self._store, last)
        self._close_store()

    def _close_store(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            with contextlib.suppress(sqlite3.Error):
                store.close()

    def _from_clock(self) -> int:
        now = self._wall_ms()
        spread = now * IN_A_MS + secrets.randbelow(IN_A_MS)
        return max(self._last + 1, spread if now >= CLOCK_SET_MS else 2**51 + secrets.randbelow(2**50))


def _open(path: Path, from_clock: Callable[[], int]) -> sqlite3.Connection:
    """Open the file, or create it. A damaged file is renamed, and numbers continue from `from_clock()`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        return _connect(path, 0)
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        renamed, start = _rename_damaged(path), from_clock()
        log.error("%s is damaged (%s); renamed to %s; alert numbers continue from %d", path, error, renamed.name, start)
        return _connect(path, start)


def _rename_damaged(path: Path) -> Path:
    number = 1
    while (renamed := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(renamed)
    # SQLite would apply a journal that is left behind to the new file.
    for suffix in ("-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return renamed


def _connect(path: Path, start: int | None = None) -> sqlite3.Connection:
    """Open the file. With `start`, create it, so that the first number is `start` + 1. None: it must exist."""
    store = sqlite3.connect(path, timeout=0.5, isolation_level=None, check_same_thread=False)
    try:
        (mode,) = store.execute("PRAGMA journal_mode").fetchone()
        store.execute("PRAGMA journal_mode=TRUNCATE")
        store.execute("PRAGMA synchronous=FULL")
        if start is not None:
            with _transaction(store):
                store.execute("CREATE TABLE IF NOT EXISTS sequence (reserved INTEGER NOT NULL)")
                store.execute("INSERT INTO sequence SELECT ? WHERE NOT EXISTS (SELECT 1 FROM sequence)", (start,))
        if mode == "wal":
            with _transaction(store):
                _write(store, _read(store) + LOG_LEAP)
        _read(store)
    except BaseException:
        store.close()
        raise
    return store


@contextlib.contextmanager
def _transaction(store: sqlite3.Connection) -> Iterator[None]:
    with store:  # commits at the end, or rolls back after an error
        store.execute("BEGIN IMMEDIATE")
        yield


def _read(store: sqlite3.Connection) -> int:
    rows = store.execute("SELECT reserved FROM sequence").fetchall()
    if len(rows) != 1 or not isinstance(rows[0][0], int) or rows[0][0] < 0:
        raise sqlite3.DatabaseError("it does not hold exactly one number")
    if rows[0][0] > MOST:
        raise sqlite3.DatabaseError(f"it holds {rows[0][0]}, which no count reaches")
    return int(rows[0][0])


def _write(store: sqlite3.Connection, reserved: int) -> None:
    store.execute("UPDATE sequence SET reserved = ?", (reserved,))
