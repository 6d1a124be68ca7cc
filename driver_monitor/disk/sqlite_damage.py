"""Tells errors of SQLite that come from the file itself from those of the disk, the folder or another program."""

from __future__ import annotations

NOT_DAMAGE = ("unable to open", "locked", "readonly", "disk i/o", "is full", "permission", "out of memory")
"""Words of SQLite's errors about the folder, the disk or another program. All others are about the file itself."""


def is_damage(error: Exception) -> bool:
    """Return whether `error` (of `sqlite3`) says that the content of the file is not what it should be."""
    return not any(words in str(error).lower() for words in NOT_DAMAGE)
