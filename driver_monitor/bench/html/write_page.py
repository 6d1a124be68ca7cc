"""Writes a page beside its place and renames it, so that a full disk or a kill leaves no half of it."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from driver_monitor.errors import OutputError


def write_page(path: Path, text: str) -> None:
    """Write `text` into a new file beside `path`, and rename it to `path`. Raises `OutputError`."""
    part = path.with_name(f".{secrets.token_hex(4)}.part")
    try:
        with part.open("x", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise OutputError(f"{path}: cannot write: {error.strerror}; check the folder and its permissions") from error
