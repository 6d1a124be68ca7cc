"""Writes a page so that a full disk or a kill leaves no half of it, and no other file is lost."""

from __future__ import annotations

from pathlib import Path

from driver_monitor.bench.html.page import page
from driver_monitor.disk.regular_file import read_regular
from driver_monitor.disk.replace_file import replace_file
from driver_monitor.errors import OutputError

_BEGIN = page("", "").partition("; style-src")[0].encode()
"""How each page of this program begins, with and without scripts."""


def write_page(path: Path, text: str, folder: Path | None = None) -> None:
    """Replace the file `path` by `text`. `folder`: see `replace_file`.

    Raises `OutputError`, also if the file there is neither empty nor a page of this program.
    """
    try:
        if path.is_file() and not _begins_as_page(path):
            raise OutputError(f"{path}: is not a page of this program; rename it, or choose another file with --html")
        replace_file(path, text.encode("utf-8", "backslashreplace"), folder=folder)
    except OSError as error:
        raise OutputError(f"{path}: cannot write: {error.strerror}; check the folder and its permissions") from error


def _begins_as_page(path: Path) -> bool:
    begin = read_regular(path, len(_BEGIN))
    return begin in (b"", _BEGIN)
