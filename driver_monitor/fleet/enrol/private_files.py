"""Writes files that only their owner may read. A power cut leaves each of them old or new, never half."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from driver_monitor.disk.replace_file import replace_file
from driver_monitor.errors import OutputError

PRIVATE_FOLDER = 0o700


def make_folder(folder: Path) -> None:
    """Make `folder` for its owner alone, also one that exists. Raises `OSError`."""
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    folder.chmod(PRIVATE_FOLDER)


def replace_private(path: Path, data: bytes) -> None:
    """Write `path` (mode 0600) so that it is old or new at any moment. It is on disk on return. Raises `OSError`."""
    replace_file(path, data, 0o600)


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make the new folder `folder` with `files`, each for its owner alone. They may not be on disk yet."""
    folder.mkdir(mode=PRIVATE_FOLDER)
    for name, data in files.items():
        handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` against other commands. Raises `OutputError` if one works there."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(f"{folder}: another command works in this depot; wait until it has ended") from None
        yield
    finally:
        os.close(handle)
