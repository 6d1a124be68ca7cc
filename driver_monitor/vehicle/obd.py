"""The speed from the car's diagnostic socket: OBD-II over CAN (ISO 15765-4), through python-can (extra `can`).

The request is a question that every car sold since about 2008 answers. It is put on the bus twice a second; nothing
else is ever sent.
"""

from __future__ import annotations

import logging
from typing import Any

from driver_monitor.data.observation import VehicleData
from driver_monitor.errors import SourceError
from driver_monitor.vehicle.source import LatestReport

REQUEST_ID, ANSWERS = 0x7DF, range(0x7E8, 0x7F0)
"""Functional request to all control units, and the identifiers they answer with (ISO 15765-4)."""
SPEED_PID = 0x0D
"""Vehicle speed, one byte, km/h (SAE J1979, mode 01)."""
QUESTION = bytes((2, 0x01, SPEED_PID, 0x55, 0x55, 0x55, 0x55, 0x55))
ASK_S = 0.5
"""Four answers within the time for which one is believed."""
RETRY_S = 5.0
"""A bus that fails is opened anew after so long."""
AT_ONCE = 256
"""Frames read in one go; a busy bus carries some 40 between two pictures."""

log = logging.getLogger(__name__)


class ObdVehicle:
    """Asks for the speed on `channel` of a python-can `interface` ("socketcan", in tests "virtual").

    A bus that is not there, or goes away, is tried again; that is logged once. Raises `SourceError` where python-can is
    not installed.
    """

    def __init__(self, interface: str, channel: str) -> None:
        try:
            import can
        except ImportError:
            raise SourceError(
                "vehicle.input: can: needs python-can; install it with: pip install 'driver-monitor[can]'"
            ) from None
        self._can, self._interface, self._channel = can, interface, channel
        self._bus: Any = None
        self._faults = 0
        self._word = LatestReport()
        self._asked_t = self._tried_t = float("-inf")
        self._fastest = 0.0

    def at(self, t: float) -> VehicleData:
        """Read what the bus has, ask again when it is time, and return what is believed at `t`, monotonic seconds."""
        try:
            if self._open(t):
                self._read(t)
                self._ask(t)
        except Exception as error:  # each of python-can's backends has errors of its own
            self._fault(error)
        return self._word.at(t)

    def counters(self) -> dict[str, int]:
        """Return how often the bus failed."""
        return {"vehicle_faults": self._faults}

    def close(self) -> None:
        """Let go of the bus."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.shutdown()

    def _open(self, t: float) -> bool:
        if self._bus is None and t - self._tried_t >= RETRY_S:
            self._tried_t = t
            self._bus = self._can.Bus(interface=self._interface, channel=self._channel)
        return self._bus is not None

    def _read(self, t: float) -> None:
        for _ in range(AT_ONCE):
            frame = self._bus.recv(0)
            if frame is None:
                return
            speed = _speed(frame)
            if speed is not None:
                # Several control units may answer; one that says 0 must not make the car stand.
                self._fastest = max(speed, self._fastest)
                self._word.take(t, VehicleData(self._fastest, None))

    def _ask(self, t: float) -> None:
        if t - self._asked_t < ASK_S:
            return
        self._asked_t, self._fastest = t, 0.0
        question = self._can.Message(arbitration_id=REQUEST_ID, data=QUESTION, is_extended_id=False)
        self._bus.send(question, timeout=0)

    def _fault(self, error: Exception) -> None:
        self._faults += 1
        if self._faults == 1:
            log.warning("vehicle.input: can: %s: %s; tried again every %g s", self._channel, error, RETRY_S)
        try:
            self.close()
        except Exception:
            self._bus = None


def _speed(frame: Any) -> float | None:
    """Return the speed in km/h that `frame` answers with, None where it is another frame: single, of three bytes."""
    data = bytes(frame.data)
    ours = frame.arbitration_id in ANSWERS and not (
        frame.is_extended_id or frame.is_error_frame or frame.is_remote_frame
    )
    # Length, answer to mode 01, the quantity, its value.
    return float(data[3]) if ours and len(data) >= 4 and data[:3] == bytes((3, 0x41, SPEED_PID)) else None
