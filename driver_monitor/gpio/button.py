"""Reads the driver's button. A press acknowledges an alert if the profile allows that."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Any

from driver_monitor.config.schema import GpioConfig
from driver_monitor.errors import OutputError
from driver_monitor.gpio.jetson.chip import GpiodChip, UnsupportedLineError
from driver_monitor.gpio.pin_factory import open_factory, reason
from driver_monitor.gpio.pins import line_of, through_gpiod

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


class GpiodButton(Button):
    """A button between the line `config.button_pin` and ground. Raises `OutputError` if the line cannot be used.

    The kernel reports presses (edges). If the chip cannot do that, the level is read at each call of `pressed`. Some
    chips have no pull-up: then the wiring needs one.
    """

    def __init__(self, config: GpioConfig) -> None:
        line = line_of("button_pin", config.button_pin, config.backend)
        if line is None:
            raise OutputError("gpio: button_pin is empty; give the offset or the name of a line")
        self._chip, self._line = GpiodChip(config.chip), line
        lines, settings = self._chip.gpiod.line, self._chip.gpiod.LineSettings
        level = {"direction": lines.Direction.INPUT, "bias": lines.Bias.PULL_UP, "active_low": True}
        press = {"edge_detection": lines.Edge.RISING, "debounce_period": timedelta(seconds=BOUNCE_S)}
        self._polled = self._was_down = False
        try:
            self._request: Any = self._chip.request("button_pin", line, settings(**level, **press))
        except UnsupportedLineError:
            self._polled = True
            self._request = self._chip.request("button_pin", line, settings(**level))

    def pressed(self) -> bool:
        """Return whether the button was pressed since the last call. Never waits. Once it fails: False, and logged."""
        if self._request is None:
            return False
        try:
            return self._is_down_anew() if self._polled else self._has_edge()
        except OSError as error:
            log.error("gpio: the button cannot be read: %s; monitoring continues without it", self._chip.words(error))
            self.close()
            return False

    def close(self) -> None:
        """Release the line. May be called twice."""
        if self._request is not None:
            self._request.release()
            self._request = None

    def _has_edge(self) -> bool:
        return bool(self._request.wait_edge_events(0)) and bool(self._request.read_edge_events())

    def _is_down_anew(self) -> bool:
        before, self._was_down = self._was_down, bool(self._request.get_value(self._line))
        return self._was_down and not before


def open_button(config: GpioConfig) -> Button:
    """Open the button of `config`. Without a `button_pin`, or with backend `off`, return `NoButton`.

    If the pin cannot be used, backend `auto` logs a warning and returns `NoButton`. Others raise `OutputError`.
    """
    if config.button_pin is None or config.backend == "off":
        return NoButton()
    try:
        return GpiodButton(config) if through_gpiod(config.backend) else GpioButton(config)
    except OutputError as error:
        if config.backend != "auto":
            raise
        log.warning("no button: %s", error)
        return NoButton()
