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


class WrongMessageError(ValueError):
    """Says what is wrong with one message. `kind`: the same for all messages with this fault."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


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
    Raises `WrongMessageError` if the text is no JSON object, or a field is wrong, such as a speed above `FASTEST_KMH`.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise WrongMessageError("json", "not JSON") from None
    if not isinstance(message, dict):
        raise WrongMessageError("object", 'not an object; expected {"speed_kmh": 87.5, "ignition": true}')
    speed, ignition, t = message.get("speed_kmh"), message.get("ignition"), message.get("t")
    if speed is not None and not _number(speed, 0.0, FASTEST_KMH):
        raise _wrong("speed_kmh", f"a number from 0 to {FASTEST_KMH:g}", speed)
    if ignition is not None and not isinstance(ignition, bool):
        raise _wrong("ignition", "true or false", ignition)
    if t is not None and not _number(t, -math.inf, math.inf):
        raise _wrong("t", "seconds", t)
    return VehicleData(None if speed is None else float(speed), ignition), None if t is None else float(t)


def _wrong(field: str, expected: str, found: object) -> WrongMessageError:
    # A list or an object may be nested too deeply for `repr`.
    shown = f"{found!r:.40}" if isinstance(found, str | int | float) else "a list or an object"
    return WrongMessageError(field, f"{field}: expected {expected}, found {shown}")


def _number(value: object, low: float, high: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value) and low <= value <= high
    except OverflowError:
        return False
