"""Reads and writes files that nobody but their owner may read. A file is never readable for others, for no moment."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Collection
from pathlib import Path

from driver_monitor.disk.synchronise import synchronise
from driver_monitor.errors import KeysError

FOLDER_MODE, FILE_MODE = 0o700, 0o600
_OTHERS = 0o077
MAX_BYTES = 4096
"""Longest key file (ours): ten times one of `text_of`."""


def check_folder(folder: Path, owners: Collection[int]) -> os.stat_result:
    """Return what the system says of `folder`. Raises `KeysError` unless it is one, private, of one of `owners`."""
    try:
        found = folder.stat()
    except FileNotFoundError:
        raise KeysError(f"{folder}: there is no such folder; make it with `driver-monitor keys new NAME`") from None
    except OSError as error:
        raise unreadable(folder, error) from None
    if not stat.S_ISDIR(found.st_mode):
        raise KeysError(f"{folder}: not a folder; name the folder of the keys")
    _check(folder, found, owners, FOLDER_MODE)
    return found


def read(path: Path, owners: Collection[int]) -> tuple[bytes, os.stat_result]:
    """Return bytes and facts of a private file. Raises `KeysError`, and `FileNotFoundError` if it is not there.

    A link is refused, and nothing is waited for: a pipe in the place of the file could wait for ever.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
            raise KeysError(f"{path}: not a key file; remove it")
        _check(path, found, owners, FILE_MODE)
        return os.read(file, MAX_BYTES), found
    finally:
        os.close(file)


def unreadable(path: Path, error: OSError) -> KeysError:
    """Return the error to raise for a file or folder that cannot be read."""
    if isinstance(error, PermissionError):
        advice = "use sudo; if the daemon says so, `sudo chown -R driver-monitor` the folder of the keys"
    else:
        advice = "replace it by a file or folder of its own" if error.errno == errno.ELOOP else "check the disk"
    return KeysError(f"{path}: cannot be read: {error.strerror}; {advice}")


def _check(path: Path, found: os.stat_result, owners: Collection[int], mode: int) -> None:
    if found.st_uid not in owners:
        wanted = "root or the user of driver-monitor"
        raise KeysError(f"{path}: belongs to user {found.st_uid}; it must belong to {wanted} (chown)")
    if found.st_mode & _OTHERS:
        can = "change" if found.st_mode & 0o022 else "read"
        raise KeysError(f"{path}: other users may {can} it; run `chmod {mode:o} {path}`")


def make_folder(folder: Path, owner: tuple[int, int]) -> None:
    """Make `folder`, private, and its parents, unless it is there. `owner`: user and group. Raises `OSError`."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=FOLDER_MODE)
    except FileExistsError:
        return
    if _gives_away(owner):
        os.chown(folder, *owner, follow_symlinks=False)
    synchronise(folder.parent)


def write_new(path: Path, data: bytes, owner: tuple[int, int]) -> None:
    """Write a private file that is not there yet: whole or not at all, also after a power cut. Raises `OSError`.

    `FileExistsError`: it is there already, and stays as it was. `owner`: user and group.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    try:
        try:
            _write(file, data, owner)
        finally:
            os.close(file)
        os.link(draft, path)
    finally:
        draft.unlink()
    synchronise(path.parent)


def remove(path: Path) -> None:
    """Remove a file, durably. Raises `OSError`, such as `FileNotFoundError`."""
    path.unlink()
    synchronise(path.parent)


def _write(file: int, data: bytes, owner: tuple[int, int]) -> None:
    if os.fstat(file).st_mode & _OTHERS:
        raise OSError(errno.EPERM, "this file system cannot keep a file for its owner alone")
    while data:
        data = data[os.write(file, data) :]
    if _gives_away(owner):
        os.fchown(file, *owner)
    os.fsync(file)


def _gives_away(owner: tuple[int, int]) -> bool:
    return os.geteuid() == 0 and owner != (0, 0)
