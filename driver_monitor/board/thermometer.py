"""Reads the board's temperature from Linux, in a thread of its own."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from driver_monitor.threads.worker import Worker

THERMAL = Path("/sys/class/thermal")
"""The folder in which Linux shows the temperatures of the board."""
ZONES = 64
"""Most zones that are read (ours). Boards have up to about twenty."""
READING_BYTES = 16
"""A reading of so many bytes is no temperature (ours). A reading is a number of up to seven digits."""
FRESH_S = 5.0
"""Age from which a temperature is unknown (ours). It is read once for each status, every second."""


class Thermometer:
    """Reads the board's temperature in a thread: a sensor that hangs must not delay a frame. `read`: reads it now."""

    def __init__(
        self, read: Callable[[], float | None] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read, self._clock = read or board_temperature, clock
        self._last: tuple[float | None, float] = None, 0.0
        self._worker = Worker("heat", self._read_until_closed)
        self._worker.start()

    def celsius(self) -> float | None:
        """Return the last reading and ask for the next one. None: unknown, or older than `FRESH_S`. Never waits."""
        self._worker.wake()
        value, at = self._last
        return value if self._clock() - at < FRESH_S else None

    def close(self) -> None:
        """End the thread. If it hangs in a sensor, it is left running at once."""
        self._worker.close(0.0)

    def _read_until_closed(self) -> None:
        while not self._worker.closing:
            self._last = self._read(), self._clock()
            self._worker.wait()


def board_temperature() -> float | None:
    """Return the temperature of the board's hottest zone, degrees Celsius, or None if no sensor can be read.

    Reads the first `ZONES` zones in the order of the folder. Waits only if the kernel does.
    """
    readings = []
    with suppress(OSError), os.scandir(THERMAL) as entries:
        zones = (entry for entry in entries if entry.name.startswith("thermal_zone"))
        for zone in itertools.islice(zones, ZONES):
            with suppress(OSError, ValueError):
                readings.append(_reading(Path(zone.path) / "temp"))
    return max(readings, default=None)


def _reading(path: Path) -> float:
    """Return the degrees Celsius in a sensor's file. Raises `OSError` or `ValueError`; does not wait for a pipe."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        text = os.read(file, READING_BYTES)
        if len(text) == READING_BYTES:
            raise ValueError(f"{path}: too long for a temperature")
        return int(text) / 1000.0
    finally:
        os.close(file)
