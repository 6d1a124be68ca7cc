"""Reads small files of sysfs, in which Linux shows the sensors of a board. Waits only if the kernel does."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

SYS = Path("/sys")
"""Where Linux shows its devices."""
MOST = 64
"""Most sensors of one kind that are read (ours). Boards have up to about twenty."""
VALUE_BYTES = 64
"""A value of so many bytes is no value (ours). Values are words, or numbers of up to seven digits."""


def folders(parent: Path, beginning: str) -> Iterator[Path]:
    """Yield the first `MOST` entries of `parent` with this `beginning`, in the order of the folder."""
    with suppress(OSError), os.scandir(parent) as entries:
        named = (Path(entry.path) for entry in entries if entry.name.startswith(beginning))
        yield from itertools.islice(named, MOST)


def word(path: Path) -> str:
    """Return the text of a file. Raises `OSError` or `ValueError`; does not wait for a pipe."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        text = os.read(file, VALUE_BYTES)
        if len(text) == VALUE_BYTES:
            raise ValueError(f"{path}: too long for a value")
        return text.decode("ascii").strip()
    finally:
        os.close(file)


def number(path: Path, base: int = 10) -> int | None:
    """Return the whole number in a file, None if there is none or if it cannot be read."""
    with suppress(OSError, ValueError):
        return int(word(path), base)
    return None


def text(path: Path) -> str:
    """Return the text of a file, empty if it cannot be read."""
    with suppress(OSError, ValueError):
        return word(path)
    return ""


def monitors(sys: Path, name: str) -> Iterator[Path]:
    """Yield the folders of the hardware monitors with this `name`."""
    return (path for path in folders(sys / "class" / "hwmon", "hwmon") if text(path / "name") == name)
