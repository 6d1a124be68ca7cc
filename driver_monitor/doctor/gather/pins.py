"""Opens the pins of buzzer and LED, and tries them. Only when no daemon runs: it has the pins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from driver_monitor.config.schema import Config
from driver_monitor.doctor.gather.machine import Machine
from driver_monitor.doctor.verdicts.pins import NO_PINS, PinFacts
from driver_monitor.errors import BusyPinError, OutputError


def gather_pins(machine: Machine, config: Config, *, beep: bool, factory: Any = None) -> PinFacts:
    """Return whether the pins can be opened. `beep`: also try buzzer and LED. `factory`: as in `open_pins`."""
    from driver_monitor.gpio.pins import open_pins_or_fail
    from driver_monitor.gpio.sound_once import sound_once

    gpio, configured = config.gpio, configured_pins(machine, config)
    if gpio.backend in NO_PINS:
        return configured
    names: tuple[str, ...] = ()
    fault, busy = None, False
    try:
        pins = open_pins_or_fail(gpio, factory)
        names = pins.names
        pins.close()
        if beep and names:
            sound_once(gpio, machine.wait, factory=factory)
    except BusyPinError as error:
        fault, busy = str(error), True
    except OutputError as error:
        fault = str(error)
    except Exception as error:  # gpiozero and the kernel raise different exceptions
        fault = f"a pin cannot be set: {error}; check the wiring"
    numbers = {"buzzer": gpio.buzzer_pin, "led": gpio.led_pin}
    words = " and ".join(f"{'LED' if name == 'led' else name} on {numbers[name]}" for name in names)
    return replace(configured, pins=words, fault=fault, busy=busy, played=beep)


def configured_pins(machine: Machine, config: Config) -> PinFacts:
    """Return what the configuration and the kind of computer say of the pins. No pin is opened."""
    from driver_monitor.gpio.expected_pins import expected

    wanted = expected(config.gpio, machine.path("/proc/device-tree/model"))
    return PinFacts(config.gpio.backend, wanted, sound=config.outputs.sound is not None)
