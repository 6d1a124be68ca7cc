"""The label file on the disk: read strictly, written beside and renamed, never over what somebody else has written."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from driver_monitor.bench.score.labels import load_labels
from driver_monitor.disk.synchronise import synchronise
from driver_monitor.errors import LabelError, OutputError

Identity = tuple[int, int, int]


class LabelFile:
    """The file at `path`. It remembers which content it has read or written: another content is never overwritten."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self._known: Identity | None = None

    def load(self) -> dict[str, Any] | None:
        """Return the object in the file, None if there is no file. Raises `LabelError`: it holds no valid labels."""
        known = _identity(self.path)
        if known is None:
            self._known = None
            return None
        load_labels(self.path)
        with _shown(self.path):
            values: dict[str, Any] = json.loads(self.path.read_text("utf-8-sig"))
        self._known = known
        return values

    def save(self, values: Mapping[str, Any]) -> None:
        """Write `values`; the old file stays until the new one is on the disk. Raises `OutputError`, `LabelError`.

        `LabelError`: another program has changed the file since it was read or written here.
        """
        text = json.dumps(values, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
        with _shown(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(self.path.parent):
                if _identity(self.path) != self._known:
                    raise LabelError(
                        f"{self.path}: another program has changed this file, so it is not overwritten; take its "
                        'content with "Read the file again", or move the file away'
                    )
                self._replace(text)

    def _replace(self, text: str) -> None:
        # One name: what a killed program left is overwritten. The lock of the folder keeps two writers apart.
        # Cut, because a name has 255 bytes at most.
        beside = self.path.with_name(f".{os.fsdecode(os.fsencode(self.path.name)[:200])}.part")
        try:
            with beside.open("w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            known = _identity(beside)
            beside.replace(self.path)
        except OSError:
            with suppress(OSError):
                beside.unlink()
            raise
        self._known = known
        synchronise(self.path.parent)


def _identity(path: Path) -> Identity | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LabelError(f"{path}: cannot read it: {error.strerror}; check the path and its permissions") from error
    return status.st_ino, status.st_mtime_ns, status.st_size


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder: two programs that save at once do so one after the other."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # a network file system may have no locks
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


@contextmanager
def _shown(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot write: {error.strerror}; make room or allow it, then save again") from error
