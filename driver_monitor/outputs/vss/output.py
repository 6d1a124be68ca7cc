"""The output that tells other programs in the car how the driver is, in names and values of VSS."""

from __future__ import annotations

import time
from collections.abc import Callable

from driver_monitor.messages.car import CarSignal
from driver_monitor.messages.vss import EYES_ON_ROAD, Value, vss_message, vss_values
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.vss.databroker import Databroker

PERIOD_S = 1.0
"""Longest time between two messages (ours). A receiver that waits 3 s survives two lost ones."""


class VssOutput(Output):
    """Sends values at each change, and at least every `PERIOD_S`. At the close it says that none is known.

    `address`: `outputs.vss`, zmq or kuksa://. `publish`: takes the message of `vehicle/vss`; needed for zmq only.
    `clock`: monotonic seconds. Raises `OutputError` without kuksa-client.
    """

    name = "vss"

    def __init__(
        self, address: str, publish: Callable[[Message], object] | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._publish, self._clock = publish, clock
        self._databroker = None if address == "zmq" else Databroker(address, clock)
        self._state: Message | None = None
        self._signal: CarSignal | None = None
        self._sent: dict[str, Value] = {}
        self._sent_t: float | None = None

    @property
    def failure(self) -> str | None:
        """Why the thread that writes to the databroker failed, else None."""
        return None if self._databroker is None else self._databroker.failure

    def state(self, state: Message) -> None:
        """Take the driver state, and send what follows from it."""
        self._state = state
        self._update()

    def car(self, signal: CarSignal) -> None:
        """Take what the car is told; a change is sent at once."""
        if signal != self._signal:
            self._signal = signal
            self._update()

    def counters(self) -> dict[str, int]:
        """Return the number of failed attempts to write to the databroker."""
        return {"vss_faults": 0 if self._databroker is None else self._databroker.faults}

    def close(self) -> None:
        """Say that no value is known any more, and disconnect, in at most a second."""
        if self._sent_t is not None:
            self._sent_t = None
            self._send({})
        if self._databroker is not None:
            self._databroker.close()

    def _update(self) -> None:
        now = self._clock()
        values = vss_values(self._state, self._signal, self._sent.get(EYES_ON_ROAD))
        if values != self._sent or self._sent_t is None or now - self._sent_t >= PERIOD_S:
            self._sent_t = now
            self._send(values)

    def _send(self, values: dict[str, Value]) -> None:
        self._sent = values
        if self._databroker is not None:
            self._databroker.put(values)
        elif self._publish is not None:
            self._publish(vss_message(values, self._clock()))
