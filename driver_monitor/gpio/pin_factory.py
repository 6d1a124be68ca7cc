"""Opens gpiozero's pin factory, for access to the pins. Buzzer, LED and button of a process share one factory.

A Raspberry Pi needs the system package `python3-lgpio` (the wheel for Python 3.13 on PyPI is a dummy). lgpio
creates a file in the folder `LG_WD`, which must be writable; the systemd unit sets it to the runtime directory. The
process must not fork after the pins are open.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from driver_monitor.errors import OutputError


def open_factory(backend: str) -> Any:
    """Return a new mock factory for `mock`, else the one factory of this process, which the first call creates.

    That one is lgpio, or what `GPIOZERO_PIN_FACTORY` names. Raises `OutputError` if a factory fails or is pigpio.
    """
    try:
        if backend == "mock":
            from driver_monitor.gpio.mock_pins import mock_factory

            return mock_factory()
        from gpiozero import Device

        # One for each process: pins of a second factory for the same chip would still use the handle of the first.
        if Device.pin_factory is None:
            _set_lgpio_folder()
            named = os.environ.get("GPIOZERO_PIN_FACTORY", "")
            if named.casefold().startswith("pigpio"):
                raise OutputError("GPIOZERO_PIN_FACTORY names pigpio, which drives pins over the network")
            if named:
                Device.ensure_pin_factory()
            else:
                from gpiozero.pins.lgpio import LGPIOFactory

                Device.pin_factory = LGPIOFactory()
        return Device.pin_factory
    except Exception as error:  # lgpio, gpiozero and the kernel raise different exceptions
        hint = (
            "on a Raspberry Pi, install lgpio (systemd/README.md) and join the group gpio; else set gpio.backend: off"
        )
        raise OutputError(f"gpio: cannot open pins ({reason(error)}); {hint}") from None


def reason(error: Exception) -> str:
    """Return the text of `error`, or "no reason given": some errors of lgpio and the kernel have no text."""
    return str(error) or "no reason given"


def _set_lgpio_folder() -> None:
    if "LG_WD" not in os.environ and not os.access(Path.cwd(), os.W_OK):
        os.environ["LG_WD"] = os.environ.get("RUNTIME_DIRECTORY", tempfile.gettempdir()).split(":")[0]
