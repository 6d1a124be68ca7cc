"""Reads the board's temperature from Linux, and at which temperature the board lowers its clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from driver_monitor.board import sysfs

CHIP = ("cpu", "gpu", "soc", "tj", "pkg")
"""Parts of the names (`type`) of zones in the processor's chip: cpu-thermal on a Raspberry Pi, tj-thermal and
GPU-therm on Jetsons, x86_pkg_temp on a PC."""
CLOCKED = ("cpu", "gpu", "tj", "pkg")
"""Those whose trip points lower a clock. A Jetson's soc zones have a point at which its surface is hot."""
ELSEWHERE = ("pmic", "battery", "fan")
"""Zones that tell nothing: PMIC-Die of a Jetson always reads 100 degrees, thermal-fan-est is an estimate."""
SENSIBLE_C = (-60.0, 200.0)
"""A reading outside of these is none (ours). Some sensors give -274 degrees while they are not ready."""
PLAUSIBLE_C = (50.0, 115.0)
"""A trip point outside of these is a placeholder (ours). Chips are made for up to 105 or 110 degrees."""
TRIPS = 12
"""Most trip points of one zone, the kernel's own limit (THERMAL_MAX_TRIPS)."""


def board_temperature(sys: Path | None = None) -> float | None:
    """Return the temperature of the hottest zone in the chip, degrees Celsius, or None if no sensor can be read.

    If no zone has a name of `CHIP`, all count but those of `ELSEWHERE`.
    """
    inside: list[float] = []
    outside: list[float] = []
    for zone, kind in _zones(sys):
        reading = sysfs.number(zone / "temp")
        if reading is None or _named(kind, ELSEWHERE):
            continue
        if SENSIBLE_C[0] <= reading / 1000.0 <= SENSIBLE_C[1]:
            (inside if _named(kind, CHIP) else outside).append(reading / 1000.0)
    return max(inside or outside, default=None)


def lowers_clock_at(sys: Path | None = None) -> float | None:
    """Return the lowest `passive` trip point of the zones of `CLOCKED`, degrees Celsius. None: the board has none.

    Linux lowers clocks from a passive trip point on (Documentation/driver-api/thermal/sysfs-api.rst).
    """
    points = []
    for zone, kind in _zones(sys):
        for trip in range(TRIPS if _named(kind, CLOCKED) else 0):
            if sysfs.text(zone / f"trip_point_{trip}_type") == "passive":
                point = (sysfs.number(zone / f"trip_point_{trip}_temp") or 0) / 1000.0
                points += [point] if PLAUSIBLE_C[0] <= point <= PLAUSIBLE_C[1] else []
    return min(points, default=None)


def _zones(sys: Path | None) -> Iterator[tuple[Path, str]]:
    """Yield each thermal zone with its name, in small letters."""
    for zone in sysfs.folders((sys or sysfs.SYS) / "class" / "thermal", "thermal_zone"):
        yield zone, sysfs.text(zone / "type").lower()


def _named(kind: str, parts: tuple[str, ...]) -> bool:
    return any(part in kind for part in parts)
