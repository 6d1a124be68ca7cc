"""Tells whether this computer is a Jetson, by the device tree. A PC has no device tree."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

DEVICE_TREE = Path("/proc/device-tree")
"""The folder in which Linux shows what the board is: its `model` for people, and `compatible` for drivers."""
MAKERS_CHIP = b"nvidia,tegra"
"""What `compatible` of each Jetson contains, such as nvidia,tegra234 of the Orin. The model names differ."""


def is_jetson(device_tree: Path = DEVICE_TREE) -> bool:
    """Return whether this computer is a Jetson, or another board with the same kind of chip."""
    for name, mark in (("compatible", MAKERS_CHIP), ("model", b"Jetson")):
        with suppress(OSError):
            if mark in (device_tree / name).read_bytes():
                return True
    return False
