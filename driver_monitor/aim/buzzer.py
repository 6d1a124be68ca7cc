"""Sounds the buzzer for the installer: through the daemon, which owns the pins, or on the pins themselves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from driver_monitor.app.daemon import BUZZER_TEST, BUZZER_TEST_S
from driver_monitor.config.schema import GpioConfig
from driver_monitor.errors import DriverMonitorError
from driver_monitor.outputs.gpio_output import GpioOutput

ASKED = (
    "The buzzer sounds three times. If you hear nothing, check gpio.buzzer_pin and the wiring; "
    "a PC has no pins for a buzzer: use a loudspeaker (outputs.sound)."
)
NONE = "No buzzer is used here. Set gpio.buzzer_pin, and gpio.backend if it is off. A PC has no pins for a buzzer."
BUSY = "The buzzer sounds already."


class Buzzer:
    """Sounds the buzzer once at a time. `ask_daemon`: asks the daemon; returns False if there is none.

    `config`: the pins that are used then. `factory`: as in `GpioOutput`. `wait`: waits for the given seconds.
    """

    def __init__(
        self,
        ask_daemon: Callable[[], bool],
        config: GpioConfig,
        factory: Any = None,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._ask_daemon, self._config, self._factory, self._wait = ask_daemon, config, factory, wait
        self._sounding = threading.Lock()

    def sound(self) -> str:
        """Sound it, wait until that is over if the pins are ours, and return what to tell the installer."""
        if not self._sounding.acquire(blocking=False):
            return BUSY
        try:
            return ASKED if self._ask_daemon() else self._sound_own()
        except DriverMonitorError as error:
            return str(error)
        finally:
            self._sounding.release()

    def _sound_own(self) -> str:
        output = GpioOutput(self._config.model_copy(update={"led_pin": None}), self._factory)
        try:
            if not output.connected:
                return NONE
            output.show(BUZZER_TEST)
            self._wait(BUZZER_TEST_S)
        finally:
            output.close()
        return ASKED if not output.faults else "The buzzer's pin cannot be set. Check the wiring."
