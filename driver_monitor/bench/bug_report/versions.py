"""What a bug report says of the computer: versions of program and packages, system and board. No name of the host."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from driver_monitor import PROGRAM, __version__
from driver_monitor.gpio.expected_pins import BOARD

PACKAGES = ("av", "dlib-bin", "gpiozero", "numpy", "onnxruntime", "opencv-python-headless", "pydantic", "pyyaml",
            "pyzmq", "rich", "typer", "typing-extensions")  # fmt: skip
"""What every installation has, as in pyproject.toml."""


def versions() -> dict[str, Any]:
    """Return the object of versions.json. A value is null where this computer does not tell it."""
    return {
        "program": PROGRAM,
        "version": __version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "system": _system_name(),
        "kernel": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "board": _first_line(BOARD),
    }


def _version(package: str) -> str | None:
    with suppress(PackageNotFoundError):
        return version(package)
    return None


def _system_name() -> str | None:
    with suppress(OSError):
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    return None


def _first_line(path: Path) -> str | None:
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8").rstrip("\0\n") or None
    return None
