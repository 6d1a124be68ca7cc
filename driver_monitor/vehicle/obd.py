"""Reads the speed from the car's diagnostic socket: OBD-II over CAN (ISO 15765-4), with python-can (extra `can`).

Every car sold since about 2008 answers a request for the speed. Only this request is sent, at most twice a second.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Any

from driver_monitor.data.observation import VehicleData
from driver_monitor.errors import SourceError
from driver_monitor.vehicle.source import LatestReport, VehicleSource

REQUEST_ID = 0x7DF
ANSWER_IDS = range(0x7E8, 0x7F0)
"""CAN identifiers of a request to all control units, and of their answers (ISO 15765-4)."""
SPEED_PID = 0x0D
"""Vehicle speed, one byte, km/h (SAE J1979, mode 01)."""
REQUEST = bytes((2, 0x01, SPEED_PID, 0x55, 0x55, 0x55, 0x55, 0x55))
REQUEST_EVERY_S = 0.5
"""Interval of requests: four within the time for which an answer is valid (ours)."""
RETRY_S = 5.0
"""Least time between two attempts to open the bus (ours)."""
AT_ONCE = 256
"""Most CAN frames read in one call of `at`. A busy bus carries about 40 between two calls (two camera frames)."""

log = logging.getLogger(__name__)


class ObdVehicle(VehicleSource):
    """Requests the speed on `channel` of a python-can `interface` ("socketcan", in tests "virtual").

    The ignition stays unknown. Of several answers to one request the highest is used. If the bus fails or is missing,
    `at` opens it again, at most every `RETRY_S`; only the first fault is logged. `SourceError` without python-can.
    """

    def __init__(self, interface: str, channel: str) -> None:
        try:
            import can
        except ImportError:
            advice = "install it with: pip install 'driver-monitor[can]'"
            raise SourceError(f"vehicle.input: can: needs python-can; {advice}") from None
        self._can, self._interface, self._channel = can, interface, channel
        self._bus: Any = None
        self._faults = 0
        self._latest = LatestReport()
        self._requested_t = self._tried_t = float("-inf")
        self._fastest = 0.0

    def at(self, t: float) -> VehicleData:
        """Read answers, send a request if it is due, and return the speed valid at `t` (monotonic seconds) or None."""
        try:
            if self._open(t):
                self._read(t)
                self._request(t)
        except Exception as error:  # python-can's backends raise different exceptions
            self._handle_fault(error)
        return self._latest.at(t)

    def counters(self) -> dict[str, int]:
        """Return how often the bus failed."""
        return {"vehicle_faults": self._faults}

    def close(self) -> None:
        """Close the bus."""
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
            if (speed := _speed(frame)) is not None:
                # Several control units may answer. A single answer of 0 must not mean standstill.
                self._fastest = max(speed, self._fastest)
                self._latest.take(t, VehicleData(self._fastest, None))

    def _request(self, t: float) -> None:
        if t - self._requested_t < REQUEST_EVERY_S:
            return
        self._requested_t, self._fastest = t, 0.0
        message = self._can.Message(arbitration_id=REQUEST_ID, data=REQUEST, is_extended_id=False)
        self._bus.send(message, timeout=0)

    def _handle_fault(self, error: Exception) -> None:
        self._faults += 1
        if self._faults == 1:
            log.warning("vehicle.input: can: %s: %s; tried again every %g s", self._channel, error, RETRY_S)
        with contextlib.suppress(Exception):
            self.close()


def _speed(frame: Any) -> float | None:
    """Return the speed in km/h from an answer (a single CAN frame with three bytes), None for any other frame."""
    data = bytes(frame.data)
    special = frame.is_extended_id or frame.is_error_frame or frame.is_remote_frame
    if special or frame.arbitration_id not in ANSWER_IDS or len(data) < 4:
        return None
    # Length, answer to mode 01, PID, value.
    return float(data[3]) if data[:3] == bytes((3, 0x41, SPEED_PID)) else None
