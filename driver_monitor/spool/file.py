"""Makes, opens and replaces the file of the spool, so that a power cut at any moment leaves a complete one or none.

A new file is made under another name and renamed when it is complete, also one that replaces a damaged file. The file
has small pages: what is too long for one lies in pages of its own, which are free again when the alert goes, whichever
alert that is.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from driver_monitor.disk.synchronise import synchronise

FILE = "spool.sqlite"
VERSION = 1
"""The version of the tables, in the file as `PRAGMA user_version`."""
PAGE = 1024
"""Bytes of a page. An alert has about 1,200 bytes (measured)."""
SYNCHRONOUS = "FULL"
"""With less, a power cut loses alerts that were said to be safe (docs/fleet-spool.md)."""
LOG_PAGES = 250
"""Pages in the write-ahead log from which it is written back: after some 30 alerts."""
LOG_BYTES = 524_288
"""Room for the log: `LOG_PAGES` and the pages of the largest transaction, with the 24 bytes before each."""
INDEX_BYTES = 32_768
"""Length of the index of the log (`-shm`) for up to 4,062 pages. SQLite decides this."""
CACHE_KB = 64
"""Memory for pages of one spool. A simulator holds thousands of spools."""
BUSY_S = 0.5
"""Longest wait for another program that holds the file (ours)."""
READY = ".ready"
"""Ending of a new spool that is complete and waits for its place."""
BESIDE = ("-journal", "-wal", "-shm")
"""Endings of the files that SQLite keeps beside a database. It would apply them to another file of the same name."""

T = TypeVar("T")

_TABLES = """
CREATE TABLE alert (number INTEGER PRIMARY KEY, id TEXT UNIQUE, seq INTEGER, rule TEXT, level INTEGER, t_wall TEXT,
    sent INTEGER, ran_s REAL, wall_s REAL, digest BLOB, body BLOB);
CREATE INDEX waiting ON alert (level, number, id) WHERE sent = 0;
CREATE INDEX history ON alert (ran_s, number) WHERE sent = 1;
CREATE INDEX undated ON alert (number) WHERE wall_s IS NULL;
CREATE TABLE absent (number INTEGER PRIMARY KEY, first INTEGER, last INTEGER, reason TEXT);
CREATE TABLE total (last_seq INTEGER, waiting INTEGER, dropped INTEGER, ran_s REAL);
INSERT INTO total VALUES (NULL, 0, 0, 0);
"""


class NewerSpoolError(Exception):
    """The file was written by a newer version of this program."""


class FolderInUseError(OSError):
    """Another daemon has the folder."""


def lock_folder(folder: Path) -> int:
    """Create `folder` if necessary, and lock it until the returned descriptor is closed. Raises `OSError`."""
    _make_folder(folder)
    locked = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(locked)
        raise FolderInUseError("another daemon keeps its alerts there") from None
    return locked


def open_file(path: Path, folder: int) -> sqlite3.Connection:
    """Open the spool at `path`; make it if there is none. `folder`: descriptor of its folder.

    Raises `sqlite3.Error`, `OSError` or `NewerSpoolError`.
    """
    if _beside(path, READY).exists():
        _put_in_place(path, folder)
    elif not path.exists():
        replace_damaged(path, folder, lambda _: None)
    database = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=32,
    )
    try:
        database.execute(f"PRAGMA cache_size=-{CACHE_KB}")
        check_version(database)
        database.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
        database.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        database.execute(f"PRAGMA journal_size_limit={LOG_BYTES}")
        database.execute("SELECT last_seq, waiting, dropped, ran_s FROM total").fetchone()
    except BaseException:
        database.close()
        raise
    return database


def open_memory() -> sqlite3.Connection:
    """Return an empty spool in memory."""
    database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=32)
    _fill(database)
    return database


def check_version(database: sqlite3.Connection) -> None:
    """Raise `NewerSpoolError` if the tables are newer than this program, `sqlite3.DatabaseError` if they are none."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise NewerSpoolError(
            f"it was written by a newer version of this program (tables of version {version}; this one knows {VERSION})"
        )
    if version < VERSION:
        raise sqlite3.DatabaseError("it is not a spool of this program")


def replace_damaged(path: Path, folder: int, fill: Callable[[sqlite3.Connection], T]) -> T:
    """Make a new spool with what `fill` takes out of the damaged one at `path`, which is then renamed.

    An older damaged one is replaced. `folder`: descriptor of its folder. Returns what `fill` returns. After a power cut
    the damaged one is there, or the new one with all that was taken out. Raises `sqlite3.Error` or `OSError`.
    """
    filled = _make(path, folder, fill)
    _put_in_place(path, folder)
    return filled


def damaged_name(path: Path) -> Path:
    """Return the name of a damaged spool that was at `path`."""
    return path.with_name(f"{path.name}.damaged")


def forget_damaged(path: Path, before_s: float) -> None:
    """Delete a spool that was set aside and has not been written since `before_s`, seconds since 1970."""
    aside = damaged_name(path)
    with suppress(FileNotFoundError):
        if aside.stat().st_mtime < before_s:
            for ending in (*BESIDE, ""):
                _beside(aside, ending).unlink(missing_ok=True)


def size(path: Path) -> int:
    """Return the bytes of all files of the spool at `path` together."""
    total = 0
    for ending in ("", *BESIDE):
        with suppress(OSError):
            total += _beside(path, ending).stat().st_size
    return total


def log_size(path: Path) -> int:
    """Return the bytes of the write-ahead log of the spool at `path`."""
    try:
        return _beside(path, "-wal").stat().st_size
    except OSError:
        return 0


def _make_folder(folder: Path) -> None:
    """Create `folder` and those above it, so that they survive a power cut."""
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        with suppress(PermissionError):  # of a folder that may be written and not read
            synchronise(folder.parent)


def _make(path: Path, folder: int, fill: Callable[[sqlite3.Connection], T]) -> T:
    """Make a complete spool beside `path`, under the name of one that waits for its place."""
    new = _beside(path, ".new")
    for left in (new, *(_beside(new, ending) for ending in BESIDE)):
        left.unlink(missing_ok=True)
    os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    database = sqlite3.connect(new, isolation_level=None)
    try:
        database.execute("PRAGMA synchronous=OFF")  # it is synchronised as a whole below
        _fill(database)
        database.execute("BEGIN")
        filled = fill(database)
        database.execute("COMMIT")
        database.execute("PRAGMA journal_mode=WAL")
    finally:
        database.close()
    synchronise(new)
    new.replace(_beside(path, READY))
    os.fsync(folder)
    return filled


def _put_in_place(path: Path, folder: int) -> None:
    """Give the new spool its place. What is there is damaged. A power cut in between is made good at the next start."""
    aside = damaged_name(path)
    if path.exists():
        for ending in BESIDE:
            _beside(aside, ending).unlink(missing_ok=True)
        path.replace(aside)
        for ending in BESIDE[:2]:
            with suppress(FileNotFoundError):
                _beside(path, ending).replace(_beside(aside, ending))
    for ending in BESIDE:  # SQLite would apply a log that is left to the new file
        _beside(path, ending).unlink(missing_ok=True)
    os.fsync(folder)
    _beside(path, READY).replace(path)
    os.fsync(folder)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _fill(database: sqlite3.Connection) -> None:
    database.execute(f"PRAGMA page_size={PAGE}")
    database.execute("PRAGMA auto_vacuum=INCREMENTAL")
    database.executescript(f"BEGIN; {_TABLES} PRAGMA user_version={VERSION}; COMMIT;")
