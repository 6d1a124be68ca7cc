"""Reads all sensors of the board, once for each status, in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from driver_monitor.board import sysfs
from driver_monitor.board.raspberry_pi import SLOWS_AT_C, SUPPLY, PiFlags
from driver_monitor.board.reading import BoardReading
from driver_monitor.board.thermometer import board_temperature, lowers_clock_at
from driver_monitor.board.throttling import JetsonEvents, clock_is_lowered
from driver_monitor.threads.worker import Worker

MODEL = Path("/proc/device-tree/model")
"""The file in which Linux names the board. A PC has none."""
OTHERS_SLOW_AT_C = 95.0
"""For a board that does not say at which temperature it lowers its clock. Processors of PCs do from about 95 to 105
degrees on (ours)."""
FRESH_S = 5.0
"""Age from which a reading is unknown (ours). The sensors are read once for each status, every second."""


class Sensors:
    """Reads the sensors below `sys` now. `model`: the file with the board's name. `vcgencmd`: see `PiFlags`."""

    def __init__(
        self, sys: Path | None = None, model: Path = MODEL, vcgencmd: Callable[[], bytes | None] | None = None
    ) -> None:
        self._sys = sys or sysfs.SYS
        name = ""
        with suppress(OSError):
            name = model.read_text(errors="replace")
        self._pi = PiFlags(self._sys, vcgencmd) if "Raspberry Pi" in name else None
        self._jetson = JetsonEvents(self._sys)
        self._slows_at_c: float | None = None

    def read(self, now: float) -> BoardReading:
        """Return a reading at `now`, monotonic seconds. Waits if the kernel does, or the program `vcgencmd`."""
        if self._slows_at_c is None:
            self._slows_at_c = lowers_clock_at(self._sys) or (SLOWS_AT_C if self._pi else OTHERS_SLOW_AT_C)
        temperature = board_temperature(self._sys)
        lowered = clock_is_lowered(self._sys)
        if self._pi is not None:
            under_voltage, slower = self._pi.read(now)
            return BoardReading(temperature, self._slows_at_c, under_voltage, _any(lowered, slower), SUPPLY)
        under_voltage, over_current = self._jetson.read()
        throttled = _any(lowered, under_voltage, over_current)
        return BoardReading(temperature, self._slows_at_c, under_voltage, throttled)


class BoardReader:
    """Reads the board in a thread: a sensor that hangs must not delay a frame. `read`: reads it now, see `Sensors`."""

    def __init__(
        self,
        read: Callable[[float], BoardReading] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read, self._clock = read or Sensors().read, clock
        self._last: tuple[BoardReading, float] = BoardReading(), 0.0
        self._worker = Worker("heat", self._read_until_closed)
        self._worker.start()

    def latest(self) -> BoardReading:
        """Return the last reading and ask for the next one; all unknown if it is older than `FRESH_S`. Never waits."""
        self._worker.wake()
        reading, at = self._last
        return reading if self._clock() - at < FRESH_S else BoardReading()

    def close(self) -> None:
        """End the thread. If it hangs in a sensor, it is left running at once."""
        self._worker.close(0.0)

    def _read_until_closed(self) -> None:
        while not self._worker.closing:
            now = self._clock()
            self._last = self._read(now), self._clock()
            self._worker.wait()


def _any(*flags: bool | None) -> bool | None:
    """Return whether any of `flags` is true; None if all are unknown."""
    known = [flag for flag in flags if flag is not None]
    return any(known) if known else None
