"""The number of each alert of a vehicle; it goes on after a reboot, a power cut and a full disk.

Numbers are reserved on disk in blocks, ahead of use and by a thread of their own, so that an alert never waits for
an SD card (a synchronous commit takes 10 to 100 ms there) and no number is ever given twice: what a power cut leaves
unused of a block is skipped. After `close` nothing is skipped. What is on disk is safe against a power cut (SQLite,
WAL, `synchronous=FULL`).

When numbers cannot be reserved (a full or read-only disk) or the file is damaged, they go on from the milliseconds
since 1970, far beyond anything that counting reaches: they do not meet earlier or later ones, and rise as long as the
disk takes them up again before the power goes. The fleet sees a jump, not a repetition. With a clock that was never
set (before 2025, a Pi without network) it is a random number beyond all of these, below 2^53, which is where JSON
readers lose precision.
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

BLOCK = 16
"""Numbers reserved at a time: what a power cut may skip. Even ten alerts a second leave over a second to reserve."""
FILE = "alert-seq.sqlite"
CLOCK_SET_MS = 1_735_689_600_000
"""2025-01-01T00:00Z: a clock before this program was written has never been set."""
PATIENCE_S = 0.02
"""An alert must be out within 50 ms of the frame that decided it."""
CLOSE_S = 1.0

log = logging.getLogger(__name__)


class _DamagedError(Exception):
    pass


class AlertSequence:
    """Counts the alerts of a vehicle, from 1, in `folder`, which is made if it is not there.

    Never raises: alerts go out whatever the disk does. `fault` says why numbers are not safe at present, else None;
    each new fault is logged once. `failure`: why no number will be safe any more, for the thread has died, else None;
    alerts go on, numbered by the clock. `wall_ms`: milliseconds since 1970.
    """

    def __init__(self, folder: Path, wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self.fault: str | None = None
        self.failure: str | None = None
        self._path, self._wall_ms = folder / FILE, wall_ms
        self._store: sqlite3.Connection | None = None
        self._last = 0
        self._reserved = 0
        self._closing = False
        self._numbers = threading.Condition()
        self._wake = threading.Event()
        self._reserve()
        self._thread = threading.Thread(target=self._run, name="alert-sequence", daemon=True)
        self._thread.start()

    def __enter__(self) -> AlertSequence:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def next(self) -> int:
        """Return the next number; waits `PATIENCE_S` at most, and only after half a block within one disk write."""
        with self._numbers:
            if self._reserved - self._last <= BLOCK // 2:
                self._wake.set()
            if not self._closing:
                self._numbers.wait_for(lambda: self._last < self._reserved or self.fault is not None, PATIENCE_S)
            self._last = self._last + 1 if self._last < self._reserved else self._beyond()
            return self._last

    def close(self) -> None:
        """Give back what was reserved and not used; idempotent. Numbers asked for later are no longer safe."""
        self._closing = True
        self._wake.set()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        try:
            self._reserve_until_closed()
        except Exception as error:
            log.exception("alert numbers: the thread died; this is a bug")
            with self._numbers:
                self.failure = f"alert numbers: the thread died: {type(error).__name__}: {error}; this is a bug"
                self.fault = self.failure
                self._numbers.notify_all()

    def _reserve_until_closed(self) -> None:
        while not self._closing:
            self._wake.wait()
            self._wake.clear()
            if not self._closing:
                self._reserve()
        if self.fault is not None:
            self._reserve()  # the disk may have recovered: what was given must not be given again
        self._give_back()

    def _reserve(self) -> None:
        fault = None
        try:
            self._store = self._store or _open(self._path, self._beyond)
            self._extend(self._store)
        except (sqlite3.Error, OSError, _DamagedError) as error:
            fault = f"{self._path}: alert numbers cannot be kept: {error}; check the disk's space and permissions"
            self._let_go()
        if fault is not None and fault != self.fault:
            log.error("%s; alerts go out all the same, numbered by the clock", fault)
        with self._numbers:
            self.fault = fault
            self._numbers.notify_all()

    def _extend(self, store: sqlite3.Connection) -> None:
        with _transaction(store):
            stored = _read(store)
            with self._numbers:
                # else this is the start, another process counts in the same file, or the clock has taken over
                unbroken = stored == self._reserved >= self._last
                base = stored if unbroken else max(stored, self._last)
            _write(store, base + BLOCK)
        with self._numbers:
            self._last = self._last if unbroken else max(self._last, base)
            self._reserved = base + BLOCK

    def _give_back(self) -> None:
        if self._store is not None:
            with contextlib.suppress(sqlite3.Error, _DamagedError), _transaction(self._store):
                with self._numbers:
                    last, reserved = self._last, self._reserved
                    self._reserved = 0
                stored = _read(self._store)
                if stored == reserved or stored < last:
                    _write(self._store, last)
        self._let_go()

    def _let_go(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            with contextlib.suppress(sqlite3.Error):
                store.close()

    def _beyond(self) -> int:
        now = self._wall_ms()
        return max(self._last + 1, now if now >= CLOCK_SET_MS else 2**51 + secrets.randbelow(2**50))


def _open(path: Path, beyond: Callable[[], int]) -> sqlite3.Connection:
    """Open the file; a damaged one is set aside beside it and counting goes on from `beyond()`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        return _create(path, 0)
    try:
        return _open_existing(path)
    except (sqlite3.Error, _DamagedError) as error:
        if not _is_damage(error):
            raise
        aside, start = _set_aside(path), beyond()
        log.error("%s is damaged (%s); set aside as %s, alert numbers go on from %d", path, error, aside.name, start)
        return _create(path, start)


def _open_existing(path: Path) -> sqlite3.Connection:
    store = _connect(path)
    try:
        _read(store)
    except BaseException:
        store.close()
        raise
    return store


def _is_damage(error: Exception) -> bool:
    """Whether the file itself is at fault, not its folder or the disk."""
    if isinstance(error, sqlite3.OperationalError):
        return "no such" in str(error)
    return isinstance(error, sqlite3.DatabaseError | _DamagedError)


def _set_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return aside


def _create(path: Path, start: int) -> sqlite3.Connection:
    store = _connect(path)
    with _transaction(store):
        store.execute("CREATE TABLE IF NOT EXISTS sequence (reserved INTEGER NOT NULL)")
        store.execute("INSERT INTO sequence SELECT ? WHERE NOT EXISTS (SELECT 1 FROM sequence)", (start,))
    return store


def _connect(path: Path) -> sqlite3.Connection:
    store = sqlite3.connect(path, timeout=0.5, isolation_level=None, check_same_thread=False)
    try:
        store.execute("PRAGMA journal_mode=WAL")
        store.execute("PRAGMA synchronous=FULL")
    except sqlite3.Error:
        store.close()
        raise
    return store


@contextlib.contextmanager
def _transaction(store: sqlite3.Connection) -> Iterator[None]:
    store.execute("BEGIN IMMEDIATE")
    try:
        yield
        store.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            store.execute("ROLLBACK")
        raise


def _read(store: sqlite3.Connection) -> int:
    rows = store.execute("SELECT reserved FROM sequence").fetchall()
    if len(rows) != 1 or not isinstance(rows[0][0], int) or rows[0][0] < 0:
        raise _DamagedError("it holds no single number")
    return int(rows[0][0])


def _write(store: sqlite3.Connection, reserved: int) -> None:
    store.execute("UPDATE sequence SET reserved = ?", (reserved,))
