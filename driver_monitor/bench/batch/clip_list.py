"""Lists of clips in text files."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from driver_monitor.errors import UsageError

STDIN = "-"
MAX_BYTES = 100_000_000
"""Largest list: a million paths of a hundred characters."""


@dataclass(frozen=True, slots=True)
class ClipList:
    """The clips of a list. `folder`: what relative paths in it are relative to."""

    folder: Path
    clips: tuple[Path, ...] = ()


NO_LIST = ClipList(Path())


def read_list(path: Path) -> ClipList:
    """Return the clips that the text file `path` names, one path a line; `-`: standard input.

    Empty lines and lines that begin with # are left out. Paths are relative to the folder of the list, or to the
    working folder with `-`. Raises `UsageError` if it cannot be read, or names nothing.
    """
    folder = Path() if str(path) == STDIN else path.parent
    try:
        if str(path) == STDIN:
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot read this list: {error.strerror}; check the path and its permissions"
        ) from error
    if b"\0" in data or len(data) > MAX_BYTES:
        raise UsageError(f"{path}: not a list of clips: give a text file with one path a line")
    # File names are bytes; a list may hold any of them.
    lines = [os.fsdecode(line).strip() for line in data.removeprefix(b"\xef\xbb\xbf").splitlines()]
    found = tuple(folder / line for line in lines if line and not line.startswith("#"))
    if not found:
        raise UsageError(f"{path}: names no clips; give one path a line")
    return ClipList(folder, found)
