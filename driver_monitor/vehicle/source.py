"""Where speed and ignition come from, and how long they are believed."""

from __future__ import annotations

import json
import math
from typing import Protocol

from driver_monitor.data.observation import FASTEST_KMH, UNKNOWN_VEHICLE, VehicleData

STALE_S = 2.0
"""What the car said longer ago is unknown (the vehicle input of docs/rules.md)."""


class VehicleSource(Protocol):
    """Tells what the car says of itself. No method waits or raises for what happens outside."""

    def at(self, t: float) -> VehicleData:
        """Return what is known at `t`, in seconds that never run backwards."""

    def counters(self) -> dict[str, int]:
        """Return counts of what went wrong since the start, each name beginning with `vehicle_`."""

    def close(self) -> None:
        """Let go of the source; may be called twice."""


class NoVehicle:
    """A car that says nothing."""

    def at(self, t: float) -> VehicleData:
        """Return that nothing is known."""
        del t
        return UNKNOWN_VEHICLE

    def counters(self) -> dict[str, int]:
        """Return no counts."""
        return {}

    def close(self) -> None:
        """Do nothing."""


class LatestReport:
    """The last thing said of each quantity, believed for `STALE_S`."""

    def __init__(self) -> None:
        self._speed: tuple[float, float] | None = None
        self._ignition: tuple[float, bool] | None = None

    def take(self, t: float, vehicle: VehicleData) -> None:
        """Take what was said at `t`, seconds; a quantity that is not mentioned keeps its last value."""
        if vehicle.speed_kmh is not None:
            self._speed = t, vehicle.speed_kmh
        if vehicle.ignition is not None:
            self._ignition = t, vehicle.ignition

    def at(self, t: float) -> VehicleData:
        """Return what is still believed at `t`."""
        speed, ignition = self._speed, self._ignition
        return VehicleData(
            speed[1] if speed is not None and _fresh(t, speed[0]) else None,
            ignition[1] if ignition is not None and _fresh(t, ignition[0]) else None,
        )


def _fresh(t: float, said: float) -> bool:
    return t - said <= STALE_S + 1e-6


def parse(text: bytes | str) -> tuple[VehicleData, float | None]:
    """Return what a message says, and its `t` in seconds where it has one.

    `{"speed_kmh": 87.5, "ignition": true}`; either may be missing or null, other fields are left alone. Raises
    `ValueError` saying what is wrong.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(message, dict):
        raise ValueError("not an object")
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
