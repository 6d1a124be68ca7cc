"""The driver's button, with which an alert is acknowledged where the profile allows it."""

from __future__ import annotations

import logging
import threading
from typing import Any, Protocol

from driver_monitor.config.schema import GpioConfig
from driver_monitor.errors import OutputError
from driver_monitor.gpio.pin_factory import open_factory

BOUNCE_S = 0.03
"""Contacts bounce for a few milliseconds; nobody presses twice within this."""

log = logging.getLogger(__name__)


class Button(Protocol):
    """Something the driver can press."""

    def pressed(self) -> bool:
        """Return whether it has been pressed since the last time somebody asked."""

    def close(self) -> None:
        """Let go of the pin; may be called twice."""


class NoButton:
    """A car without a button."""

    def pressed(self) -> bool:
        """Return False."""
        return False

    def close(self) -> None:
        """Do nothing."""


class GpioButton:
    """A button between `config.button_pin` and ground. Raises `OutputError` when the pin cannot be had.

    `factory`: a gpiozero pin factory instead of the configured one, as for mock pins.
    """

    def __init__(self, config: GpioConfig, factory: Any = None) -> None:
        from gpiozero import Button as Device

        self._pressed = threading.Event()
        try:
            pins = factory or open_factory(config.backend)
            self._device: Any = Device(config.button_pin, pull_up=True, bounce_time=BOUNCE_S, pin_factory=pins)
        except OutputError:
            raise
        except Exception as error:  # lgpio, gpiozero and the kernel each raise their own
            raise OutputError(f"gpio: button_pin {config.button_pin} cannot be used: {error}") from None
        self._device.when_pressed = self._pressed.set

    def pressed(self) -> bool:
        """Return whether it has been pressed since the last time somebody asked."""
        was = self._pressed.is_set()
        if was:
            self._pressed.clear()
        return was

    def close(self) -> None:
        """Let go of the pin; may be called twice."""
        self._device.close()


def open_button(config: GpioConfig) -> Button:
    """Return the button that `config` asks for; with backend `auto` none where there are no pins, which is logged.

    Raises `OutputError` when pins are asked for by name and cannot be had.
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
