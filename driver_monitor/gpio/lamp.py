"""Switches the infrared lamp: on while the camera runs, off at its end."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from driver_monitor.errors import OutputError
from driver_monitor.gpio.pins import open_pins

if TYPE_CHECKING:  # `gpio.off` uses this module, and must not load pydantic
    from driver_monitor.config.schema import GpioConfig

log = logging.getLogger(__name__)


class Lamp:
    """Base class of the lamps, with the methods that the daemon calls. It switches nothing."""

    def off(self) -> None:
        """Switch the lamp off now, from any thread. An error is ignored: this is for the end of the process."""

    def close(self) -> None:
        """Switch the lamp off and release its pin. May be called twice."""


class NoLamp(Lamp):
    """A car without an infrared lamp, or with one that needs no pin."""


class GpioLamp(Lamp):
    """The lamp at `config.infrared_pin`, which is on from now on. Raises `OutputError` if the pin cannot be used.

    `factory`: a gpiozero pin factory, such as one of mock pins. None: the pins of `config.backend`.
    """

    def __init__(self, config: GpioConfig, factory: Any = None) -> None:
        # The code of the pins knows a buzzer and an LED. To it, the lamp is an LED that stands alone.
        alone = config.model_copy(update={"buzzer_pin": None, "led_pin": config.infrared_pin})
        try:
            self._pins = open_pins(alone, factory, self._report)
            self._pins.set(buzzer=False, led=True)
        except OutputError as error:
            raise OutputError(of_lamp(str(error))) from None
        except Exception as error:  # lgpio, gpiozero and the kernel raise different exceptions
            with suppress(OutputError):
                self._pins.close()
            raise OutputError(f"gpio: infrared_pin {config.infrared_pin} cannot be set: {error}") from None

    @staticmethod
    def _report(fault: str) -> None:
        log.warning("%s", of_lamp(fault))

    def off(self) -> None:
        """See `Lamp.off`."""
        with suppress(Exception):
            self._pins.set(buzzer=False, led=False)

    def close(self) -> None:
        """See `Lamp.close`."""
        try:
            self._pins.close()
        except OutputError as error:
            log.error("%s", of_lamp(str(error)))


def open_lamp(config: GpioConfig, factory: Any = None) -> Lamp:
    """Open the lamp of `config`, which is then on. Without an `infrared_pin`, or with backend `off`: `NoLamp`.

    If the pin cannot be used, backend `auto` logs a warning; others raise `OutputError`. `factory`: see `GpioLamp`.
    """
    if config.infrared_pin is None or config.backend == "off":
        return NoLamp()
    return GpioLamp(config, factory)


def of_lamp(text: str) -> str:
    """Return a message of the pins' code about the lamp, which it takes for the LED."""
    return text.replace("no buzzer and LED", "no infrared lamp").replace("led_pin", "infrared_pin")
