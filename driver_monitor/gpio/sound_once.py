"""Tries buzzer and LED: one burst and a second of light, then both are off. An installer hears whether they work."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from driver_monitor.data.alert import Sign
from driver_monitor.errors import BusyPinError, OutputError
from driver_monitor.gpio.patterns import OF_SIGN
from driver_monitor.gpio.pins import PinSettings, open_pins_or_fail

BURST = OF_SIGN[Sign("distraction", "warning")].buzzer
"""What sounds: two short pulses, the alert that drivers will hear most. It is over within `LIT_S`."""
LIT_S = 1.0
"""How long the LED is on, seconds (ours): long enough to look at it."""


def sound_once(
    config: PinSettings,
    wait: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    factory: Any = None,
) -> tuple[str, ...]:
    """Sound the buzzer with one burst and light the LED for `LIT_S`. Then switch both off and release them.

    Returns which of "buzzer" and "led" were driven. They are switched off at every end, also at Ctrl-C. `wait`: waits
    for the given seconds. `clock`: returns monotonic seconds. `factory`: as in `open_pins`. Raises `OutputError` if a
    running daemon has the pins, if there are none, or if one cannot be used.
    """
    try:
        pins = open_pins_or_fail(config, factory)
    except BusyPinError as error:
        raise OutputError(
            f"{error}; if that is the daemon, stop it for this test: systemctl stop driver-monitor"
        ) from None
    try:
        names = pins.names
        if not names:
            raise OutputError("gpio: no buzzer and no LED are set; set buzzer_pin and led_pin, then try again")
        started = clock()
        while (elapsed := clock() - started) < LIT_S:
            on, change = BURST.at(elapsed)
            pins.set(on, True)
            wait(min(LIT_S - elapsed, LIT_S if change is None else change))
    finally:
        pins.close()
    return names
