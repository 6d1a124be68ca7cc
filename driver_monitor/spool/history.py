"""Reads the spool for a person, also while the daemon uses it: what was sent about the driver, and what waits."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from driver_monitor.errors import OutputError
from driver_monitor.spool.file import BESIDE, FILE, NewerSpoolError, check_version

PAGE_ROWS = 200
"""Alerts that are read at once. Between two pages the daemon may write its log back."""
BUSY_S = 5.0
"""Longest wait for a daemon that opens or closes the file (ours)."""


@dataclass(frozen=True, slots=True)
class SentAlert:
    """An alert of the spool. `body`: the message, byte for byte. `waits`: whether the operator has not stored it.

    `stored_s`: seconds since 1970 when the operator's answer came; None: it waits, or the clock was not set then.
    """

    body: bytes
    waits: bool
    stored_s: float | None


def read_history(folder: Path) -> Iterator[SentAlert]:
    """Yield the alerts of the spool in `folder`, the oldest first; none without a spool.

    Raises `OutputError`: it cannot be read by this user, is damaged, or is of a newer version.
    """
    path = folder / FILE
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except FileNotFoundError:
        return
    except PermissionError:
        raise OutputError(f"{path}: only its owner and root may read it; use sudo") from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error.strerror}; check the disk") from None
    try:
        with _opened(path) as database:
            yield from _rows(database)
    except NewerSpoolError as error:
        raise OutputError(f"{path}: {error}; update this program") from None
    except sqlite3.Error as error:
        raise OutputError(f"{path}: cannot be read: {error}; if it is damaged, the daemon begins a new one") from None


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file, or a copy if its folder is read-only: SQLite needs an index of the log beside it."""
    try:
        with closing(_connect(path)) as database:
            check_version(database)
            yield database
            return
    except sqlite3.OperationalError as error:
        if "unable to open" not in str(error) and "readonly" not in str(error):
            raise
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("", *BESIDE[:2]):
            with suppress(FileNotFoundError):
                shutil.copyfile(path.with_name(path.name + ending), Path(folder) / (FILE + ending))
        with closing(_connect(Path(folder) / FILE)) as database:
            check_version(database)
            yield database


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S, isolation_level=None)


def _rows(database: sqlite3.Connection) -> Iterator[SentAlert]:
    last = -1
    query = "SELECT number, body, sent, wall_s FROM alert WHERE number > ? ORDER BY number LIMIT ?"
    while rows := database.execute(query, (last, PAGE_ROWS)).fetchall():
        for number, body, sent, wall_s in rows:
            yield SentAlert(body, not sent, wall_s if sent else None)
            last = number
