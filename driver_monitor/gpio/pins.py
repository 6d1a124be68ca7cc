"""The pins of buzzer and LED: through gpiozero, or through gpiod on a Jetson."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from driver_monitor.config import pins as accepted
from driver_monitor.errors import BusyPinError, OutputError
from driver_monitor.gpio.jetson.board import is_jetson
from driver_monitor.gpio.jetson.chip import GpiodChip
from driver_monitor.gpio.pin_factory import open_factory, reason

BUSY_FOR_S, BUSY_STEP_S = 3.0, 0.25
"""Seconds for which pins that another program has are tried again, and between two tries (ours). `doctor --beep` and
the aiming page have them for 1 to 2 s. A daemon that starts meanwhile must not go on without a buzzer."""
CHIPS = Path("/dev")
"""The folder with the devices of the pins, `gpiochip*`."""
Pin = int | str | None
"""A BCM number, or offset or name of a line. None: not connected."""


class OutputPin(Protocol):
    """One open pin that is an output: a device of gpiozero, or a `GpiodOutput`."""

    value: Any
    """1 is on, 0 is off. None: unknown, because a write failed."""

    def off(self) -> object:
        """Switch the pin off."""

    def close(self) -> object:
        """Release the pin."""


class PinSettings(Protocol):
    """What `open_pins` needs of the section `gpio` of the configuration (`GpioConfig`)."""

    @property
    def backend(self) -> str:
        """One of `auto`, `gpiozero`, `gpiod`, `mock` and `off`."""

    @property
    def chip(self) -> str:
        """Device or label of the GPIO chip, for `gpiod`."""

    @property
    def buzzer_pin(self) -> Pin:
        """The pin of the buzzer; None without one."""

    @property
    def led_pin(self) -> Pin:
        """The pin of the LED; None without one."""

    @property
    def active_high(self) -> bool:
        """Whether a high pin means on."""


class Pins:
    """Switches buzzer and LED, which are off at first. A machine may have none of them.

    `devices`: the open pins of "buzzer" and "led", as far as they are connected.
    """

    def __init__(self, devices: dict[str, OutputPin]) -> None:
        self._devices = dict(devices)

    @property
    def connected(self) -> bool:
        """Whether there is any pin to set."""
        return bool(self._devices)

    @property
    def names(self) -> tuple[str, ...]:
        """Which of "buzzer" and "led" are connected."""
        return tuple(self._devices)

    def set(self, buzzer: bool, led: bool) -> None:
        """Switch buzzer and LED each on or off. Only a pin that changes is written. Errors of pins are not caught."""
        for name, on in (("buzzer", buzzer), ("led", led)):
            device = self._devices.get(name)
            if device is not None and device.value != int(on):
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
            raise OutputError(f"gpio: pins may still be on: {'; '.join(faults)}; check the wiring and the backend")


def open_pins(
    config: PinSettings,
    factory: Any = None,
    report: Callable[[str], None] = lambda _: None,
    wait: Callable[[float], object] = time.sleep,
) -> Pins:
    """Open buzzer and LED of `config`. With backend `off`, return `Pins` without any pin.

    Two equal pin numbers raise `OutputError`. If a pin cannot be used, backend `auto` returns `Pins` without any pin
    and passes the reason to `report`; others raise `OutputError`. `factory`: for tests, a gpiozero pin factory; None:
    pins of `config.backend`. `wait`: waits for the given seconds, before pins that are busy are tried again.
    """
    _check_different(config)
    try:
        return _opened_once_free(config, factory, wait)
    except OutputError as error:
        if config.backend != "auto":
            raise
        report(f"no buzzer and LED: {error}")
        return Pins({})


def _opened_once_free(config: PinSettings, factory: Any, wait: Callable[[float], object]) -> Pins:
    for _ in range(round(BUSY_FOR_S / BUSY_STEP_S)):
        with suppress(BusyPinError):
            return open_pins_or_fail(config, factory)
        wait(BUSY_STEP_S)
    return open_pins_or_fail(config, factory)


def open_pins_or_fail(config: PinSettings, factory: Any = None) -> Pins:
    """Open buzzer and LED of `config` as `open_pins`, but raise `OutputError` with backend `auto`, too."""
    if config.backend == "off":
        return Pins({})
    _check_different(config)
    pins: dict[str, Pin] = {"buzzer": config.buzzer_pin, "led": config.led_pin}
    if factory is None and through_gpiod(config.backend):
        lines = {name: line_of(f"{name}_pin", pin, config.backend) for name, pin in pins.items()}
        if all(line is None for line in lines.values()):
            return Pins({})
        chip = GpiodChip(config.chip)
        return _opened(lines, lambda name, line: chip.output(f"{name}_pin", line, config.active_high))
    pin_factory = factory or open_factory(config.backend)
    return _opened(pins, lambda name, pin: _gpiozero_output(name, pin, config.active_high, pin_factory))


def has_pins() -> bool:
    """Return whether this machine has a GPIO device, or whether a kind of pins was asked for by name."""
    return "GPIOZERO_PIN_FACTORY" in os.environ or any(CHIPS.glob("gpiochip*")) or (CHIPS / "gpiomem").exists()


def _check_different(config: PinSettings) -> None:
    if config.backend != "off" and config.buzzer_pin is not None and config.buzzer_pin == config.led_pin:
        raise OutputError(f"gpio: buzzer_pin and led_pin are both {config.led_pin}; give each its own pin")


def _opened(pins: dict[str, Pin], open_pin: Callable[[str, int | str], OutputPin]) -> Pins:
    """Open `pins` one after the other; if one fails, those before it are released again."""
    devices: dict[str, OutputPin] = {}
    try:
        for name, pin in pins.items():
            if pin is not None:
                devices[name] = open_pin(name, pin)
    except BaseException:
        Pins(devices).close()
        raise
    return Pins(devices)


def through_gpiod(backend: str) -> bool:
    """Return whether `backend` uses gpiod on this computer: it is `gpiod`, or `auto` on a Jetson.

    Who names a pin factory of gpiozero (`GPIOZERO_PIN_FACTORY`) gets that with `auto`, as elsewhere.
    """
    return backend == "gpiod" or (backend == "auto" and "GPIOZERO_PIN_FACTORY" not in os.environ and is_jetson())


def line_of(name: str, pin: Pin, backend: str) -> Pin:
    """Return the line of `pin` on a GPIO chip; None: not connected. `name`: the key of `gpio`, for errors.

    With `auto`, a default pin is not connected: it is a BCM number, and the line with this offset may drive anything.
    Another number raises `OutputError`.
    """
    if backend != "auto" or isinstance(pin, str) or pin is None:
        return pin
    if pin == {"buzzer_pin": accepted.BUZZER, "led_pin": accepted.LED}.get(name):
        return None
    fault = f"{name} {pin} is a number on a Raspberry Pi's header, and this computer is a Jetson"
    raise OutputError(f"gpio: {fault}; give the name of its line, such as PQ.05 (docs/install.md)")


def _gpiozero_output(name: str, pin: int | str, active_high: bool, factory: Any) -> OutputPin:
    from gpiozero import DigitalOutputDevice

    try:
        device: OutputPin = DigitalOutputDevice(pin, active_high=active_high, initial_value=False, pin_factory=factory)
    except Exception as error:
        fault = f"{name}_pin {pin} cannot be used: {reason(error)}; is another program using it?"
        kind = BusyPinError if "busy" in str(error).casefold() else OutputError  # lgpio: "GPIO busy"
        raise kind(f"gpio: {fault}") from None
    return device
