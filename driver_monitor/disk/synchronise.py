"""Makes a file, or the names in a folder, survive a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def synchronise(path: Path) -> None:
    """Return when the content of a file, or the names in a folder, are on disk. Raises `OSError`."""
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
