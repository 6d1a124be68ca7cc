"""Reads the driver's button. A press acknowledges an alert if the profile allows that."""

from __future__ import annotations

import logging
import threading
from typing import Any

from driver_monitor.config.schema import GpioConfig
from driver_monitor.errors import OutputError
from driver_monitor.gpio.pin_factory import open_factory, reason

BOUNCE_S = 0.03
"""Debounce time. Contacts bounce for a few milliseconds; a driver cannot press twice in this time (ours)."""

log = logging.getLogger(__name__)


class Button:
    """Base class of the buttons, with the methods that the daemon calls. Its `pressed` is always False."""

    def pressed(self) -> bool:
        """Return whether the button was pressed since the last call."""
        return False

    def close(self) -> None:
        """Release the pin. May be called twice."""


class NoButton(Button):
    """A car without a button: never pressed."""


class GpioButton(Button):
    """A button between `config.button_pin` and ground. Raises `OutputError` if the pin cannot be used.

    `factory`: a gpiozero pin factory, such as one of mock pins. None: the factory of `config.backend`.
    """

    def __init__(self, config: GpioConfig, factory: Any = None) -> None:
        from gpiozero import Button as Device

        self._pressed = threading.Event()
        try:
            pins = factory or open_factory(config.backend)
            self._device: Any = Device(config.button_pin, pull_up=True, bounce_time=BOUNCE_S, pin_factory=pins)
        except OutputError:
            raise
        except Exception as error:  # lgpio, gpiozero and the kernel raise different exceptions
            raise OutputError(f"gpio: button_pin {config.button_pin} cannot be used: {reason(error)}") from None
        self._device.when_pressed = self._pressed.set

    def pressed(self) -> bool:
        """Return whether the button was pressed since the last call."""
        was = self._pressed.is_set()
        if was:
            self._pressed.clear()
        return was

    def close(self) -> None:
        """Release the pin. May be called twice."""
        self._device.close()


def open_button(config: GpioConfig) -> Button:
    """Open the button of `config`. Without a `button_pin`, or with backend `off`, return `NoButton`.

    If the pin cannot be used, backend `auto` logs a warning and returns `NoButton`. Others raise `OutputError`.
    """
    if config.button_pin is None or config.backend == "off":
        return NoButton()
    try:
        return GpioButton(config)
    except OutputError as error:
        if config.backend != "auto":
            raise
        log.warning("no button: %s", error)
        return NoButton()
