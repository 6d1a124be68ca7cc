"""Opens the pins of buzzer and LED, and switches them on for a test. Only when no daemon runs: it has the pins."""

from __future__ import annotations

from typing import Any

from driver_monitor.config.schema import GpioConfig
from driver_monitor.doctor.gather.machine import Machine
from driver_monitor.doctor.verdicts.pins import NO_PINS, PinFacts
from driver_monitor.errors import OutputError

BUSY = ("busy", "in use")
"""Words of the kernel's errors for a pin that another program has."""
ON_S, OFF_S, TIMES = 0.4, 0.3, 3
"""How buzzer and LED are tested: long enough to be heard and seen, short enough not to annoy (ours)."""


def gather_pins(
    machine: Machine,
    config: GpioConfig,
    *,
    beep: bool,
    factory: Any = None,
) -> PinFacts:
    """Return whether the pins can be opened. `beep`: also switch buzzer and LED on. `factory`: as in `open_pins`."""
    from driver_monitor.gpio.expected_pins import expected
    from driver_monitor.gpio.pins import open_pins

    wanted = expected(config, machine.path("/proc/device-tree/model"))
    names = [
        f"{name} on {pin}" for name, pin in (("buzzer", config.buzzer_pin), ("LED", config.led_pin)) if pin is not None
    ]
    facts = PinFacts(config.backend, wanted, " and ".join(names) or "no pin")
    if config.backend in NO_PINS:
        return facts
    faults: list[str] = []
    try:
        pins = open_pins(config, factory, lambda text: faults.append(text.removeprefix("no buzzer and LED: ")))
        try:
            for _ in range(TIMES if beep and pins.connected else 0):
                pins.set(buzzer=True, led=True)
                machine.wait(ON_S)
                pins.set(buzzer=False, led=False)
                machine.wait(OFF_S)
        finally:
            pins.close()
    except OutputError as error:
        faults.append(str(error))
    except Exception as error:  # gpiozero and the kernel raise different exceptions
        faults.append(f"a pin cannot be set: {error}; check the wiring")
    if faults:
        busy = any(word in faults[0].casefold() for word in BUSY)
        return PinFacts(config.backend, wanted, facts.pins, faults[0], busy)
    return PinFacts(config.backend, wanted, facts.pins, played=beep)
