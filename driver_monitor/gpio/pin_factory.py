"""gpiozero's way to the board's pins, one a process: buzzer, LED and the driver's button share it.

A Raspberry Pi needs the system's `python3-lgpio` (its wheel for Python 3.13 on the index is a dummy). lgpio makes a
file in `LG_WD`, which must be a folder that can be written; the unit sets it to the runtime directory. Nobody may
fork after the pins are open.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from driver_monitor.errors import OutputError


def open_factory(backend: str) -> Any:
    """Return the pin factory: gpiozero's own if it has one, else lgpio or what `GPIOZERO_PIN_FACTORY` names.

    Raises `OutputError` where there is none.
    """
    try:
        if backend == "mock":
            from gpiozero.pins.mock import MockFactory

            return MockFactory()
        from gpiozero import Device

        # one a process: pins of a second factory for the same chip would still use the handle of the first
        if Device.pin_factory is None:
            _give_lgpio_a_folder()
            named = os.environ.get("GPIOZERO_PIN_FACTORY", "")
            if named.casefold().startswith("pigpio"):
                raise OutputError("GPIOZERO_PIN_FACTORY names pigpio, which drives pins over the network")
            if named:
                Device.ensure_pin_factory()
            else:
                from gpiozero.pins.lgpio import LGPIOFactory

                Device.pin_factory = LGPIOFactory()
        return Device.pin_factory
    except Exception as error:  # lgpio, gpiozero and the kernel each raise their own
        hint = "install python3-lgpio on a Raspberry Pi and be in the group gpio, or set gpio.backend: off"
        raise OutputError(f"gpio: no pins can be opened ({error or type(error).__name__}); {hint}") from None


def _give_lgpio_a_folder() -> None:
    if "LG_WD" not in os.environ and not os.access(Path.cwd(), os.W_OK):
        os.environ["LG_WD"] = os.environ.get("RUNTIME_DIRECTORY", tempfile.gettempdir()).split(":")[0]
