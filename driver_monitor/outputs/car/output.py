"""The output that tells the car how the driver is, in a thread of its own: a bus that hangs stops no monitoring."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from driver_monitor.config.schema import OutputsConfig
from driver_monitor.errors import OutputError, SourceError
from driver_monitor.messages.car import CarSignal
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.car.sender import PERIOD_S, RETRY_S, CarSender
from driver_monitor.outputs.output import Output
from driver_monitor.threads.worker import Worker
from driver_monitor.vehicle.can_bus import CanBus


class CarOutput(Output):
    """Sends the signal at each change, and at least every `PERIOD_S`. At the close it says that the system is off.

    `config`: its `vehicle` must not be None. `publish`: takes the message of `vehicle/dms`; None: there is no ZeroMQ.
    Raises `OutputError` without python-can. A bus that is missing or fails is opened again; its faults are counted, and
    the first of each kind is logged.
    """

    name = "dms"

    def __init__(
        self,
        config: OutputsConfig,
        publish: Callable[[Message], object] | None,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        self._clock, self._wait = clock, wait
        where = f"outputs.vehicle: {config.vehicle}"
        self._sender = CarSender(publish, _bus(config), config.can_id, where)
        self._worker: Worker = Worker("dms", self._send_until_closed)
        self._worker.start()

    def car(self, signal: CarSignal) -> None:
        """Send `signal` at once if it differs from the last one, then with each heartbeat. Never waits."""
        if self._sender.take(signal, self._clock()):
            self._worker.wake()

    def counters(self) -> dict[str, int]:
        """Return the number of faults of the CAN bus."""
        return {"dms_faults": self._sender.faults}

    def close(self) -> None:
        """Send "off" and close the bus, in at most a second."""
        self._worker.close()

    def _send_until_closed(self) -> None:
        while not self._worker.closing:
            self._worker.woken.clear()
            self._sender.beat(self._clock())
            if not self._worker.closing:
                self._wait(self._worker.woken, PERIOD_S)
        self._sender.end(self._clock())


def _bus(config: OutputsConfig) -> CanBus | None:
    """Return the bus of `config.vehicle`, which opens in a thread; None for `zmq`."""
    address = config.vehicle
    if address is None or not address.startswith("can:"):
        return None
    interface, _, channel = address.removeprefix("can:").rpartition(":")
    own = [{"can_id": config.can_id, "can_mask": 0x7FF, "extended": False}]
    try:
        # Only its own identifier passes the filter: what nobody reads must not fill the kernel's memory.
        return CanBus(interface or "socketcan", channel, "outputs.vehicle", own, RETRY_S, wait_s=0.0)
    except SourceError as error:
        raise OutputError(str(error)) from None
