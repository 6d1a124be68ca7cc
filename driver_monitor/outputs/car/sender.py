"""Sends the signal to the car: decides what is told at each moment, counts, and handles a bus that fails. No thread."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from driver_monitor.messages.car import CarSignal, car_message
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.car.frame import COUNTS, encode
from driver_monitor.vehicle.can_bus import CanBus, described
from driver_monitor.vehicle.faults import FaultLog

PERIOD_S = 0.1
"""Longest time between two signals: the heartbeat (ours). A receiver that waits 0.4 s survives three lost frames."""
STALLED_S = 0.5
"""Age of a result from which it is no longer told as the driver's present state (ours): two and a half frame periods
at the lowest frame rate that the rules are made for, 5 frames a second."""
RETRY_S = 1.0
"""Shortest time between two attempts to open the bus (ours). Each costs a thread of some milliseconds."""

log = logging.getLogger(__name__)


class CarSender:
    """Sends to `publish` (a function that takes the message of `vehicle/dms`) and as frame `can_id` on `bus`.

    Both may be None: that way is not used. `where`: the setting of the bus, for the log. `faults`: number of frames and
    attempts that failed on the bus. All methods but `take` belong to one thread. None raises for a fault of the bus.
    """

    def __init__(
        self, publish: Callable[[Message], object] | None, bus: CanBus | None, can_id: int, where: str
    ) -> None:
        self.faults = 0
        self._publish, self._bus, self._can_id = publish, bus, can_id
        self._log, self._where = FaultLog(where), where
        self._latest: tuple[float, CarSignal] | None = None
        self._counter = 0
        self._told_fault = False

    def take(self, signal: CarSignal, t: float) -> bool:
        """Take the result of one frame at `t`, monotonic seconds. Return whether it differs from the last one."""
        last, self._latest = self._latest, (t, signal)
        return last is None or last[1] != signal

    def beat(self, t: float) -> None:
        """Send what holds at `t`, monotonic seconds."""
        self._send(self._present(t), t)

    def end(self, t: float) -> None:
        """Say at `t` that the system is off, and close the bus."""
        self._send(CarSignal("off"), t)
        if self._bus is not None:
            self._bus.close()

    def _present(self, t: float) -> CarSignal:
        """Return the last result; without one "starting"; an old one as "stalled", its attention unknown.

        A stall ends no warning: `warned` stays.
        """
        if self._latest is None:
            return CarSignal("starting")
        taken_t, signal = self._latest
        if t - taken_t <= STALLED_S:
            return signal
        return replace(signal, system="stalled", attention="unknown", degraded=None)

    def _send(self, signal: CarSignal, t: float) -> None:
        counter, self._counter = self._counter, (self._counter + 1) % COUNTS
        if self._publish is not None:
            self._publish(car_message(signal, counter, t))
        if self._bus is not None:
            self._send_frame(self._bus, encode(signal, counter), t)

    def _send_frame(self, bus: CanBus, data: bytes, t: float) -> None:
        try:
            if bus.opened(t) is None:
                return
            bus.send(self._can_id, data)
        except Exception as error:  # python-can's backends raise different exceptions
            self.faults += 1
            kind, text = described(error, "outputs.vehicle")
            text = f"{text}; the car is told nothing; tried again every {RETRY_S:g} s"
            self._told_fault = self._log.report(t, kind, text) or self._told_fault
            bus.close()
            return
        # Only after a line about a fault: a loose plug would write this one every second.
        if self._told_fault:
            self._told_fault = False
            log.info("%s: frames are sent again", self._where)
