"""The pins of buzzer and LED, through gpiozero."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from driver_monitor.config.schema import GpioConfig
from driver_monitor.errors import OutputError
from driver_monitor.gpio.pin_factory import open_factory, reason

BOARD = Path("/proc/device-tree/model")
"""The file in which Linux names the board. A PC has none."""
WIRING = ("backend", "buzzer_pin", "led_pin", "button_pin", "active_high")
"""The settings with which somebody says that pins are connected."""


def expected(config: GpioConfig, board: Path = BOARD) -> bool:
    """Return whether this machine should have pins: it is a Raspberry Pi, or `config` differs from the defaults."""
    defaults = GpioConfig()
    if any(getattr(config, name) != getattr(defaults, name) for name in WIRING):
        return True
    with suppress(OSError):
        return "Raspberry Pi" in board.read_text(errors="replace")
    return False


class Pins:
    """Switches buzzer and LED, which are off at first. A machine may have none of them.

    `pins`: pin numbers of "buzzer" and "led", None if not connected. `active_high`: a high pin means on. `factory`: a
    gpiozero pin factory. Raises `OutputError` if a pin cannot be used.
    """

    def __init__(self, pins: dict[str, int | None], active_high: bool, factory: Any) -> None:
        self._devices: dict[str, Any] = {}
        for name, pin in pins.items():
            if pin is not None:
                from gpiozero import DigitalOutputDevice as Device

                try:
                    self._devices[name] = Device(pin, active_high=active_high, initial_value=False, pin_factory=factory)
                except Exception as error:
                    self.close()
                    fault = f"{name}_pin {pin} cannot be used: {reason(error)}; is another program using it?"
                    raise OutputError(f"gpio: {fault}") from None

    @property
    def connected(self) -> bool:
        """Whether there is any pin to set."""
        return bool(self._devices)

    def set(self, buzzer: bool, led: bool) -> None:
        """Switch buzzer and LED each on or off. Only a pin that changes is written. Errors of pins are not caught."""
        for name, on in (("buzzer", buzzer), ("led", led)):
            device = self._devices.get(name)
            if device is not None and bool(device.value) != on:
                device.value = int(on)

    def close(self) -> None:
        """Switch off and release both pins, even if one fails; then raise `OutputError`. May be called twice."""
        faults = []
        while self._devices:
            name, device = self._devices.popitem()
            for step in (device.off, device.close):
                try:
                    step()
                except Exception as error:
                    faults.append(f"{name}: {reason(error)}")
        if faults:
            raise OutputError(f"gpio: pins may still be on: {'; '.join(faults)}; check the wiring and lgpio")


def open_pins(config: GpioConfig, factory: Any = None, report: Callable[[str], None] = lambda _: None) -> Pins:
    """Open buzzer and LED of `config`. With backend `off`, return `Pins` without any pin.

    Two equal pin numbers raise `OutputError`. If a pin cannot be used, backend `auto` returns `Pins` without any pin
    and passes the reason to `report`; others raise `OutputError`. `factory`: for tests; None: that of `config.backend`.
    """
    none = Pins({}, config.active_high, None)
    if config.backend == "off":
        return none
    if config.buzzer_pin is not None and config.buzzer_pin == config.led_pin:
        raise OutputError(f"gpio: buzzer_pin and led_pin are both {config.led_pin}; give each its own pin")
    try:
        numbers = {"buzzer": config.buzzer_pin, "led": config.led_pin}
        return Pins(numbers, config.active_high, factory or open_factory(config.backend))
    except OutputError as error:
        if config.backend != "auto":
            raise
        report(f"no buzzer and LED: {error}")
        return none
