"""Replaces a file in one step: a full disk, a kill or a power cut leaves the old file or the new one, never half."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from driver_monitor.disk.synchronise import synchronise

DRAFT = ".new-"
"""Beginning of the name that a file has until it is whole. A killed program leaves such files."""


def replace_file(path: Path, data: bytes, mode: int = 0o666, folder: Path | None = None) -> None:
    """Write `data` into a new file, and rename it to `path`. It is on the disk on return. Raises `OSError`.

    `mode`: permissions of the file, less those that the umask takes. `folder`: where the new file lies until then, on
    the disk of `path`; None: beside `path`.
    """
    draft = (folder or path.parent) / f"{DRAFT}{secrets.token_hex(4)}"
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    synchronise(path.parent)
