"""Where a simulated vehicle keeps its alerts: in the car's own spool on disk, or in memory to size a broker."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Collection, Iterable
from contextlib import closing
from pathlib import Path
from typing import Protocol

from driver_monitor.data.alert import LEVELS
from driver_monitor.spool.entry import SpoolCounts, SpoolEntry
from driver_monitor.spool.file import FILE
from driver_monitor.spool.spool import Spool


class Storage(Protocol):
    """What a vehicle needs of a `Spool`."""

    def put(self, entry: SpoolEntry) -> object:
        """Keep `entry`."""

    def waiting(self, limit: int, without: Collection[str] = ()) -> list[SpoolEntry]:
        """Return at most `limit` entries that are not confirmed, without those of the ids `without`."""

    def confirm(self, ids: Iterable[str]) -> int:
        """Forget the alerts of these ids. Returns how many waited."""

    def counts(self) -> SpoolCounts:
        """Return the numbers for the status."""

    def close(self) -> None:
        """Close the file."""


class MemorySpool:
    """A spool without a disk. It serves thousands of vehicles on one machine; nothing survives its process."""

    def __init__(self) -> None:
        self._entries: dict[str, SpoolEntry] = {}

    def put(self, entry: SpoolEntry) -> None:
        """Keep `entry`."""
        self._entries[entry.id] = entry

    def waiting(self, limit: int, without: Collection[str] = ()) -> list[SpoolEntry]:
        """Return at most `limit` entries, the worst first, of one level the oldest first."""
        others = [entry for entry in self._entries.values() if entry.id not in without]
        return sorted(others, key=lambda entry: (-LEVELS.index(entry.level), entry.seq))[:limit]

    def confirm(self, ids: Iterable[str]) -> int:
        """Forget the alerts of these ids. Returns how many waited."""
        return sum(self._entries.pop(id_, None) is not None for id_ in ids)

    def counts(self) -> SpoolCounts:
        """Return the numbers for the status; nothing is ever dropped."""
        return SpoolCounts(len(self._entries), sum(len(entry.body) for entry in self._entries.values()))

    def close(self) -> None:
        """Do nothing."""


def cut_power(spool: Storage, folder: Path) -> None:
    """End `spool` as a power cut does: its files in `folder` stay as they are now.

    What SQLite does to the files when they are closed happens to the old ones, which are removed.
    """
    copy = folder.with_name(f".{folder.name}.cut")
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for name in (FILE, f"{FILE}-wal"):
        if (folder / name).exists():
            shutil.copyfile(folder / name, copy / name)
    spool.close()
    shutil.rmtree(folder)
    copy.rename(folder)


def last_number(folder: Path) -> int:
    """Return the last number of an alert that was put into the open spool in `folder`; 0 without one."""
    with closing(sqlite3.connect(folder / FILE)) as database:
        (number,) = database.execute("SELECT last_seq FROM total").fetchone()
    return number or 0


def open_spool(folder: Path | None) -> Storage:
    """Return the spool in `folder`, or one in memory."""
    return MemorySpool() if folder is None else Spool(folder)
