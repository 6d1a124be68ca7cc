"""Writes a page so that a full disk or a kill leaves no half of it."""

from __future__ import annotations

from pathlib import Path

from driver_monitor.disk.replace_file import replace_file
from driver_monitor.errors import OutputError


def write_page(path: Path, text: str, folder: Path | None = None) -> None:
    """Replace the file `path` by `text`. `folder`: see `replace_file`. Raises `OutputError`."""
    try:
        replace_file(path, text.encode("utf-8", "backslashreplace"), folder=folder)
    except OSError as error:
        raise OutputError(f"{path}: cannot write: {error.strerror}; check the folder and its permissions") from error
