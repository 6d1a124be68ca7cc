"""Defines a source of speed and ignition, the messages that it reads, and how long a value is valid."""

from __future__ import annotations

import json
import math

from driver_monitor.data.observation import FASTEST_KMH, UNKNOWN_VEHICLE, VehicleData

STALE_S = 2.0
"""Time for which a value is valid. An older value is unknown (see the vehicle input in docs/rules.md)."""


class VehicleSource:
    """Base of the sources of speed and ignition. No method waits. None raises, whatever the car or a sender does."""

    def at(self, t: float) -> VehicleData:
        """Return speed and ignition at `t`, in seconds; None where unknown (here always). `t` must never decrease."""
        del t
        return UNKNOWN_VEHICLE

    def counters(self) -> dict[str, int]:
        """Return the number of faults since the start by kind, for `status/`: here none. Keys begin with `vehicle_`."""
        return {}

    def close(self) -> None:
        """Release the source. May be called twice."""


class NoVehicle(VehicleSource):
    """The source if none is configured or recorded: speed and ignition are always unknown."""


class LatestReport:
    """Keeps the last reported value of speed and of ignition. Each is valid for `STALE_S`."""

    def __init__(self) -> None:
        self._speed: tuple[float, float | None] = -math.inf, None
        self._ignition: tuple[float, bool | None] = -math.inf, None

    def take(self, t: float, vehicle: VehicleData) -> None:
        """Take what was reported at `t`, in seconds. A quantity that is None keeps its last value."""
        if vehicle.speed_kmh is not None:
            self._speed = t, vehicle.speed_kmh
        if vehicle.ignition is not None:
            self._ignition = t, vehicle.ignition

    def at(self, t: float) -> VehicleData:
        """Return the values that are valid at `t`; None for a value that is too old or was never reported."""
        (speed_t, speed), (ignition_t, ignition), valid_s = self._speed, self._ignition, STALE_S + 1e-6
        return VehicleData(speed if t - speed_t <= valid_s else None, ignition if t - ignition_t <= valid_s else None)


def parse(text: bytes | str) -> tuple[VehicleData, float | None]:
    """Return the data of a JSON message, and its `t` in seconds (None if it has none).

    Example: `{"speed_kmh": 87.5, "ignition": true}`. A missing or null field gives None. Other fields are ignored.
    Raises `ValueError` if the text is no JSON object, or a field is wrong, such as a speed above `FASTEST_KMH`.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(message, dict):
        raise ValueError('not an object; expected {"speed_kmh": 87.5, "ignition": true}')
    speed, ignition = message.get("speed_kmh"), message.get("ignition")
    if speed is not None and not _number(speed, 0.0, FASTEST_KMH):
        raise ValueError(f"speed_kmh: expected a number from 0 to {FASTEST_KMH:g}, found {speed!r:.40}")
    if ignition is not None and not isinstance(ignition, bool):
        raise ValueError(f"ignition: expected true or false, found {ignition!r:.40}")
    t = message.get("t")
    if t is not None and not _number(t, -math.inf, math.inf):
        raise ValueError(f"t: expected seconds, found {t!r:.40}")
    return VehicleData(None if speed is None else float(speed), ignition), None if t is None else float(t)


def _number(value: object, low: float, high: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value) and low <= value <= high
    except OverflowError:
        return False
