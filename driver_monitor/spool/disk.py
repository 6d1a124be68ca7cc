"""The store of a spool on disk, as far as the disk works: it is opened again after a fault, and replaced if damaged."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from driver_monitor.disk.sqlite_damage import is_damage
from driver_monitor.spool import file
from driver_monitor.spool.clock import Moment
from driver_monitor.spool.entry import SpoolLimits
from driver_monitor.spool.store import DAY_S, SpoolStore

RETRY_S = 10.0
"""Time after which a disk that failed is tried again (ours). A failing card may take seconds for each attempt."""
READ_ONLY = "readonly"
"""Word of the error of a file that was opened on a read-only disk. Only opening it again helps. Otherwise it stays open
and can be read: a full disk would have no room for a new log."""

log = logging.getLogger(__name__)
T = TypeVar("T")


class NoDiskError(Exception):
    """The disk does not work at present."""


class SpoolDisk:
    """The store in `folder`. `fault`: why it cannot be written at present, else None; each new one is logged once."""

    def __init__(self, folder: Path, limits: SpoolLimits) -> None:
        self.fault: str | None = None
        self._path, self._limits = folder / file.FILE, limits
        self._folder: int | None = None
        self._store: SpoolStore | None = None
        self._inode: tuple[int, int] | None = None
        self._retry_s = 0.0
        self._reopen = self._was_open = False
        self._damage: str | None = None

    def use(self, work: Callable[[SpoolStore], T], now: Moment, retry: bool = False) -> T:
        """Return what `work` returns. Raises `NoDiskError`, after a fault at once until `RETRY_S` have passed.

        `retry`: try again at once. A damaged file is renamed, and `work` gets a new one.
        """
        if self.fault is not None and now.ran_s < self._retry_s and not retry:
            raise NoDiskError
        try:
            try:
                return self._attempt(work, now)
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                self._replace(error, now)
                return self._attempt(work, now)
        except (sqlite3.Error, OSError, file.NewerSpoolError) as error:
            self._fail(error, now)
            raise NoDiskError from None

    def read(self, work: Callable[[SpoolStore], T]) -> T:
        """Return what `work` returns, which only reads, also of a disk that cannot be written. Raises `NoDiskError`."""
        if self._store is None:
            raise NoDiskError
        try:
            return work(self._store)
        except (sqlite3.Error, OSError):
            raise NoDiskError from None

    def close(self, now: Moment) -> None:
        """Close the file and its folder."""
        self._close_store(now)
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def size(self) -> int:
        """Return the bytes of all files of the spool together."""
        return file.size(self._path)

    def _attempt(self, work: Callable[[SpoolStore], T], now: Moment) -> T:
        if self._reopen:
            self.close(now)
            self._reopen = False
        if self._store is not None and self._found_inode() != self._inode:
            log.error("%s was taken away; alerts in it that the operator has not stored are lost", self._path)
            self.close(now)
        store = self._store or self._open(now)
        result = work(store)
        store.shorten_log(self._path)
        if self.fault is not None:
            log.info("%s: alerts for the operator are kept on disk again", self._path)
        self.fault = self._damage = None
        return result

    def _open(self, now: Moment) -> SpoolStore:
        if self._folder is None:
            self._folder = file.lock_folder(self._path.parent)
        if now.wall_s is not None:
            file.forget_damaged(self._path, now.wall_s - self._limits.days * DAY_S)
        database = file.open_file(self._path, self._folder)
        try:
            self._inode = self._found_inode()
            self._store = SpoolStore(database, self._limits, now, self._was_open)
            self._was_open = True
        except BaseException:
            database.close()
            raise
        return self._store

    def _found_inode(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _replace(self, error: sqlite3.Error, now: Moment) -> None:
        self._close_store(now)
        if self._folder is None:
            raise error
        aside = file.set_damaged_aside(self._path, self._folder)
        damage = (
            f"{self._path} is damaged ({error}); renamed to {aside.name}; alerts in it that the operator has not "
            "stored are not sent; a new file is begun"
        )
        if damage != self._damage:
            log.error("%s", damage)
        self._damage = damage

    def _fail(self, error: Exception, now: Moment) -> None:
        fault = f"{self._path}: alerts for the operator cannot be kept: {error}; {_advice(error)}"
        if fault != self.fault:
            log.error("%s; until then they are kept in memory", fault)
        self.fault = fault
        self._retry_s = now.ran_s + RETRY_S
        if self._store is None:
            self.close(now)  # the next attempt begins with the folder
        self._reopen = READ_ONLY in str(error)

    def _close_store(self, now: Moment) -> None:
        if self._store is not None:
            self._store.close(now)
            self._store = None


def _advice(error: Exception) -> str:
    if isinstance(error, file.NewerSpoolError):
        return "update this program, or move the file away"
    if isinstance(error, file.FolderInUseError):
        return "end the other daemon, or set service.state_dir to another folder"
    if "locked" in str(error):
        return "end the program that holds the file"
    return "check the disk's space and permissions"
