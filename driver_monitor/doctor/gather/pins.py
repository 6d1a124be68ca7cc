"""Opens the pins of buzzer and LED, and tries them. Only when no daemon runs: it has the pins."""

from __future__ import annotations

from typing import Any

from driver_monitor.config.schema import Config
from driver_monitor.doctor.gather.machine import Machine
from driver_monitor.doctor.verdicts.pins import NO_PINS, PinFacts
from driver_monitor.errors import BusyPinError, OutputError


def gather_pins(machine: Machine, config: Config, *, beep: bool, factory: Any = None) -> PinFacts:
    """Return whether the pins can be opened. `beep`: also try buzzer and LED. `factory`: as in `open_pins`."""
    from driver_monitor.gpio.expected_pins import expected
    from driver_monitor.gpio.pins import open_pins_or_fail
    from driver_monitor.gpio.sound_once import sound_once

    gpio, sound = config.gpio, config.outputs.sound is not None
    wanted = expected(gpio, machine.path("/proc/device-tree/model"))
    if gpio.backend in NO_PINS:
        return PinFacts(gpio.backend, wanted, sound=sound)
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
    return PinFacts(gpio.backend, wanted, words, fault, busy, played=beep, sound=sound)
