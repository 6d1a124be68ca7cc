"""Tells whether a machine should have pins: then it is a fault if they cannot be opened."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from driver_monitor.config.schema import GpioConfig

BOARD = Path("/proc/device-tree/model")
"""The file in which Linux names the board. A PC has none."""
WIRING = ("backend", "chip", "buzzer_pin", "led_pin", "button_pin", "infrared_pin", "active_high")
"""The settings with which somebody says that pins are connected."""


def expected(config: GpioConfig, board: Path = BOARD) -> bool:
    """Return whether this machine should have pins: it is a Raspberry Pi, or `config` differs from the defaults."""
    defaults = GpioConfig()
    if any(getattr(config, name) != getattr(defaults, name) for name in WIRING):
        return True
    with suppress(OSError):
        return "Raspberry Pi" in board.read_text(errors="replace")
    return False
