"""Shows the most urgent unsilenced alert with buzzer and LED, as patterns (see `gpio.patterns`).

gpiozero's `blink()` would start one thread for each pin, and these threads drift apart. Here one worker drives both
pins with one clock. A new sign starts its patterns at once.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from driver_monitor.config.schema import GpioConfig
from driver_monitor.data.alert import Sign
from driver_monitor.gpio.expected_pins import expected
from driver_monitor.gpio.pins import Pins, has_pins, open_pins, through_gpiod
from driver_monitor.gpio.player import PatternPlayer
from driver_monitor.outputs.output import Output
from driver_monitor.threads.worker import Worker

log = logging.getLogger(__name__)

Wait = Callable[[threading.Event, float | None], object]
"""A function that waits until the event is set, at most for the given seconds (None: no limit)."""


@functools.cache
def _report_once(text: str) -> None:
    """Log `text` as a warning, but only once in this process: a reload would repeat it."""
    log.warning("%s", text)


@functools.cache
def _report_none_once(_: str) -> None:
    """Log, once in this process, that a machine that is not made for pins has none: normal, so only for debugging."""
    log.debug("this computer has no pins, so there are no buzzer and no LED")


def _opened(config: GpioConfig, factory: Any) -> Pins:
    if expected(config):
        return open_pins(config, factory, _report_once)
    if factory is None and not through_gpiod(config.backend) and not has_pins():
        _report_none_once("")  # without gpiozero, whose import takes a twentieth of the start
        return Pins({})
    return open_pins(config, factory, _report_none_once)


class GpioOutput(Output):
    """Shows the sign on buzzer and LED. If `open_pins` returns no pins for `config`, this output does nothing.

    `factory`: a gpiozero pin factory; None: that of `config.backend`. `clock`: returns monotonic seconds. `wait`: waits
    for an event. Raises `OutputError` in the same cases as `open_pins`. Later errors of pins are counted in `faults`,
    and the first is logged. These errors are not a `failure`: monitoring continues.
    """

    name = "gpio"
    local = True

    def __init__(
        self,
        config: GpioConfig,
        factory: Any = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Wait = threading.Event.wait,
    ) -> None:
        self.faults = 0
        self._pins = _opened(config, factory)
        self._clock, self._wait = clock, wait
        self._player = PatternPlayer(config.max_buzz_s)
        self._sign: Sign | None = None
        self._worker: Worker = Worker("gpio", self._show_until_closed)
        if self._pins.connected:
            self._worker.start()

    @property
    def connected(self) -> bool:
        """Whether there is a buzzer or an LED."""
        return self._pins.connected

    def show(self, sign: Sign | None) -> None:
        """Show `sign` from now on. None (no alert): both are off."""
        self._sign = sign
        self._worker.wake()

    def counters(self) -> dict[str, int]:
        """Return the number of errors while pins were set or closed."""
        return {"gpio_faults": self.faults}

    def close(self) -> None:
        """End the worker, switch both pins off and release them. An error of a pin is counted, not raised."""
        self._worker.close()
        try:
            self._pins.close()
        except Exception as error:
            self._count_fault(error)

    def _show_until_closed(self) -> None:
        while not self._worker.closing:
            self._worker.woken.clear()
            now = self._clock()
            self._player.show(self._sign, now)
            states = self._player.states(now)
            try:
                self._pins.set(states.buzzer, states.led)
            except Exception as error:
                self._count_fault(error)
            if not self._worker.closing:
                self._wait(self._worker.woken, states.for_s)

    def _count_fault(self, error: Exception) -> None:
        self.faults += 1
        if self.faults == 1:
            log.error("gpio: a pin cannot be set: %s; check the wiring; monitoring continues without it", error)
