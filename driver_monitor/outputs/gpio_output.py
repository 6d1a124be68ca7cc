"""Buzzer and LED: the worst active level as a pattern (see `patterns`), driven by one thread of our own.

gpiozero's `blink()` would start a thread a pin and drift apart; here one clock drives both, and a level takes effect
at once, from the beginning of its pattern.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from driver_monitor.config.schema import GpioConfig
from driver_monitor.data.alert import Level
from driver_monitor.gpio.patterns import PatternPlayer
from driver_monitor.gpio.pins import NullPins, open_pins
from driver_monitor.messages.wire import Message

CLOSE_S = 1.0
"""The thread only ever waits for the next change; longer than this means that a pin hangs."""

log = logging.getLogger(__name__)

Wait = Callable[[threading.Event, float | None], None]
"""Waits for the event, at most so many seconds (None: for ever)."""


_said: set[str] = set()


def _say_once(text: str) -> None:
    """Log what a machine lacks once a process: a reload tells nothing new."""
    if text not in _said:
        _said.add(text)
        log.warning("%s", text)


def _wait(event: threading.Event, timeout: float | None) -> None:
    event.wait(timeout)


class GpioOutput:
    """Shows the level on the pins of `config`; without pins it says so once and does nothing.

    `factory`: a gpiozero pin factory instead of the configured one, as for mock pins. `clock` (monotonic seconds) and
    `wait` are the thread's time. Raises `OutputError` when pins are asked for by name and cannot be had. A fault of a
    pin later on is logged once, counted in `faults`, and never a `failure`: monitoring goes on without the buzzer.
    Whatever else ends the thread is one.
    """

    local: Literal[True] = True

    def __init__(
        self,
        config: GpioConfig,
        factory: Any = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Wait = _wait,
    ) -> None:
        self.failure: str | None = None
        self.faults = 0
        self._pins = open_pins(config, factory, _say_once)
        self._clock, self._wait = clock, wait
        self._signaller = PatternPlayer(config.max_buzz_s)
        self._level: Level | None = None
        self._closing = False
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        if not isinstance(self._pins, NullPins):
            self._thread = threading.Thread(target=self._run, name="gpio", daemon=True)
            self._thread.start()

    def alert(self, alert: Message) -> None:
        """Do nothing: the level says it."""

    def level(self, level: Level | None) -> None:
        """Show `level` from now on."""
        self._level = level
        self._wake.set()

    def state(self, state: Message) -> None:
        """Do nothing."""

    def status(self, status: Message) -> None:
        """Do nothing."""

    def counters(self) -> dict[str, int]:
        """Return how often a pin did not obey."""
        return {"gpio_faults": self.faults}

    def close(self) -> None:
        """Leave both pins off; may be called twice."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)
        try:
            self._pins.close()
        except Exception as error:
            self._fault(error)

    def _run(self) -> None:
        try:
            self._show_until_closed()
        except Exception as error:
            self.failure = f"gpio: its thread died: {type(error).__name__}: {error}; this is a bug"
            log.exception("%s", self.failure)

    def _show_until_closed(self) -> None:
        while not self._closing:
            self._wake.clear()
            now = self._clock()
            self._signaller.level(self._level, now)
            signals = self._signaller.signals(now)
            try:
                self._pins.set(signals.buzzer, signals.led)
            except Exception as error:
                self._fault(error)
            if not self._closing:
                self._wait(self._wake, signals.for_s)

    def _fault(self, error: Exception) -> None:
        self.faults += 1
        if self.faults == 1:
            log.error("gpio: a pin does not obey: %s; check the wiring; monitoring goes on without it", error)
