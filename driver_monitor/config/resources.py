"""Finds the files that come with the program: beside the package in a checkout, inside the package in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def path(name: str) -> Path:
    """Return the path of a shipped file or folder, even if missing. `name`: its path from the top level."""
    packed = _PACKAGE / "shipped" / name
    return packed if packed.exists() else _PACKAGE.parent / name
