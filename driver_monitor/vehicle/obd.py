"""Reads the speed from the car's diagnostic socket: OBD-II over CAN (ISO 15765-4), with python-can (extra `can`).

Every car sold since about 2008 answers a request for the speed, most with 11-bit identifiers, some with 29-bit ones
only. Only this request is sent, at most twice a second.
"""

from __future__ import annotations

import math
from typing import Any

from driver_monitor.data.observation import VehicleData
from driver_monitor.vehicle.can_bus import ANSWERS_11_BIT, ANSWERS_29_BIT, RETRY_S, CanBus, described
from driver_monitor.vehicle.faults import FaultLog, SilenceWatch
from driver_monitor.vehicle.source import STALE_S, VehicleSource

REQUEST_ID = 0x7DF
REQUEST_ID_29_BIT = 0x18DB33F1
"""CAN identifiers of a request to all control units (ISO 15765-4). Which one is answered depends on the car."""
SPEED_PID = 0x0D
"""Vehicle speed, one byte, km/h (SAE J1979, mode 01)."""
REQUEST = bytes((2, 0x01, SPEED_PID, 0x55, 0x55, 0x55, 0x55, 0x55))
REQUEST_EVERY_S = 0.5
"""Interval of requests: four within the time for which an answer is valid (ours)."""
AT_ONCE = 256
"""Most CAN frames read in one call of `at`. A busy bus carries about 130 between two calls (two camera frames)."""


class ObdVehicle(VehicleSource):
    """Requests the speed on `channel` of a python-can `interface` ("socketcan", in tests "virtual").

    The ignition stays unknown. Requests with 11-bit and with 29-bit identifiers take turns until one is answered; then
    the answered kind is used until no answer comes for `STALE_S`. If several control units answer, the highest speed is
    used. If the bus fails or is missing, it is opened again (`CanBus`). `SourceError` without python-can.
    """

    def __init__(self, interface: str, channel: str) -> None:
        self._bus = CanBus(interface, channel)
        where = f"vehicle.input: can: {channel}"
        self._log = FaultLog(where)
        advice = f"check that {channel} is up with the car's bit rate, the plug and the ignition"
        self._silence = SilenceWatch(where, advice)
        self._faults = self._floods = 0
        self._speeds: dict[int, tuple[float, float]] = {}
        self._emptied_t = self._requested_t = self._answered_t = -math.inf
        self._use_29_bit = True

    def at(self, t: float) -> VehicleData:
        """Read answers, send a request if it is due, and return the speed valid at `t` (monotonic seconds) or None.

        An answer counts from the last call that left none waiting: it may be as old as that.
        """
        try:
            if (bus := self._bus.opened(t)) is not None:
                self._read(bus, t)
                self._request(t)
        except Exception as error:  # python-can's backends raise different exceptions
            self._handle_fault(t, error)
        valid = [speed for since, speed in self._speeds.values() if t - since <= STALE_S + 1e-6]
        found = VehicleData(max(valid, default=None), None)
        self._silence.check(t, found)
        return found

    def counters(self) -> dict[str, int]:
        """Return how often the bus failed, had too many CAN frames, and gave no speed for `SILENT_S`."""
        return {
            "vehicle_faults": self._faults,
            "vehicle_floods": self._floods,
            "vehicle_silences": self._silence.count,
        }

    def close(self) -> None:
        """Close the bus."""
        self._bus.close()

    def _read(self, bus: Any, t: float) -> None:
        since = self._emptied_t
        for _ in range(AT_ONCE):
            frame = bus.recv(0)
            if frame is None:
                self._emptied_t = t
                return
            if (speed := _speed(frame)) is not None:
                # Several control units may answer. A single answer of 0 must not mean standstill.
                self._speeds[frame.arbitration_id] = since, speed
                self._answered_t, self._use_29_bit = t, frame.is_extended_id
        self._floods += 1
        self._log.report(t, "flood", f"{AT_ONCE} or more CAN frames between two camera frames; answers may come late")

    def _request(self, t: float) -> None:
        if t - self._requested_t < REQUEST_EVERY_S:
            return
        if t - self._answered_t > STALE_S:
            self._use_29_bit = not self._use_29_bit
        self._requested_t = t
        self._bus.send(REQUEST_ID_29_BIT if self._use_29_bit else REQUEST_ID, REQUEST)

    def _handle_fault(self, t: float, error: Exception) -> None:
        self._faults += 1
        kind, text = described(error, "vehicle.input")
        self._log.report(t, kind, f"{text}; tried again every {RETRY_S:g} s")
        self._bus.close()


def _speed(frame: Any) -> float | None:
    """Return the speed in km/h from an answer (a single CAN frame with three bytes), None for any other frame."""
    data = bytes(frame.data)
    base, mask = ANSWERS_29_BIT if frame.is_extended_id else ANSWERS_11_BIT
    if frame.is_error_frame or frame.is_remote_frame or frame.arbitration_id & mask != base or len(data) < 4:
        return None
    # Length, answer to mode 01, PID, value.
    return float(data[3]) if data[:3] == bytes((3, 0x41, SPEED_PID)) else None
