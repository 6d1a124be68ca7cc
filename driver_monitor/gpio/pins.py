"""The pins of buzzer and LED through gpiozero, or their absence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from driver_monitor.config.schema import GpioConfig
from driver_monitor.errors import OutputError
from driver_monitor.gpio.pin_factory import open_factory


class Pins(Protocol):
    """Buzzer and LED, whatever they hang on."""

    def set(self, buzzer: bool, led: bool) -> None:
        """Switch both; may raise whatever the hardware raises."""

    def close(self) -> None:
        """Switch both off and let go; idempotent."""


class NullPins:
    """No pins: a machine without GPIO, or `gpio.backend: off`."""

    def set(self, buzzer: bool, led: bool) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class GpiozeroPins:
    """Two gpiozero devices, off to begin with; a pin that is None is left out.

    `factory`: a gpiozero pin factory. Raises `OutputError` when a pin cannot be had.
    """

    def __init__(self, config: GpioConfig, factory: Any) -> None:
        self._devices: dict[str, Any] = {}
        try:
            for name, pin in (("buzzer", config.buzzer_pin), ("led", config.led_pin)):
                if pin is not None:
                    self._devices[name] = _device(name, pin, config.active_high, factory)
        except OutputError:
            self.close()
            raise

    def set(self, buzzer: bool, led: bool) -> None:
        """Switch both, touching only the pin that changes: a write is a system call."""
        for name, on in (("buzzer", buzzer), ("led", led)):
            device = self._devices.get(name)
            if device is not None and bool(device.value) != on:
                device.value = int(on)

    def close(self) -> None:
        """Switch both off and let go; a pin that faults does not keep the other one on."""
        faults = []
        while self._devices:
            name, device = self._devices.popitem()
            for step in (device.off, device.close):
                try:
                    step()
                except Exception as error:
                    faults.append(f"{name}: {error}")
        if faults:
            raise OutputError(f"gpio: pins may still be on: {'; '.join(faults)}; check the wiring and lgpio")


def open_pins(config: GpioConfig, factory: Any = None, say: Callable[[str], None] = lambda _: None) -> Pins:
    """Open the pins that `config` asks for; with backend `auto`, none when there are none, which is told to `say`.

    `factory`: a gpiozero pin factory to use instead of the configured one (tests). Raises `OutputError` when pins
    are asked for by name and cannot be had, and when both have the same number.
    """
    if config.backend == "off":
        return NullPins()
    if config.buzzer_pin is not None and config.buzzer_pin == config.led_pin:
        raise OutputError(f"gpio: buzzer_pin and led_pin are both {config.led_pin}; give each its own pin")
    try:
        return GpiozeroPins(config, factory or open_factory(config.backend))
    except OutputError as error:
        if config.backend != "auto":
            raise
        say(f"no GPIO here: {error}")
        return NullPins()


def _device(name: str, pin: int, active_high: bool, factory: Any) -> Any:
    from gpiozero import DigitalOutputDevice

    try:
        return DigitalOutputDevice(pin, active_high=active_high, initial_value=False, pin_factory=factory)
    except Exception as error:
        raise OutputError(f"gpio: {name}_pin {pin} cannot be used: {error}; is another program using it?") from None
