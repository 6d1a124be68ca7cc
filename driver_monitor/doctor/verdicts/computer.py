"""Judges the computer: its clock, its temperature and its supply voltage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from driver_monitor.doctor.verdicts.finding import Finding, not_checked, ok, trouble

FIRST_YEAR = 2025
"""An earlier year means that the clock was never set (as `outputs.sequence`)."""
LAST_YEAR = 2100
"""A later year is a damaged clock (ours)."""
HOT_C = 80.0
"""From here a Raspberry Pi 4 and 5 slow their processor down (Raspberry Pi documentation: 80 to 85)."""


def judge_clock(now: datetime, synchronised: bool | None) -> Iterator[Finding]:
    """Yield whether the time of day can be right. `synchronised`: something has set the clock; None: not known."""
    time = now.strftime("%Y-%m-%d %H:%M UTC")
    if not FIRST_YEAR <= now.year <= LAST_YEAR:
        yield trouble("clock.year", {"year": now.year}, time=time)
    elif synchronised is False:
        yield trouble("clock.unsynchronised", {"synchronised": False}, time=time)
    elif synchronised is None:
        yield ok("clock", f"{time}; whether it is synchronised cannot be told here", synchronised=None)
    else:
        yield ok("clock", f"{time}, synchronised", synchronised=True)


@dataclass(frozen=True, slots=True)
class HeatFacts:
    """`celsius`: of the hottest part, None: no sensor. The others: None if the computer does not tell.

    `slowed`: the processor is slowed down because of heat. `low_voltage`: now. `was_low`: since the start.
    """

    celsius: float | None
    slowed: bool | None = None
    low_voltage: bool | None = None
    was_low: bool | None = None


def judge_heat(facts: HeatFacts) -> Iterator[Finding]:
    """Yield each fault of temperature and voltage, or one "ok" or "not checked"."""
    values = {"heat_c": facts.celsius, "under_voltage": facts.low_voltage}
    found = []
    if facts.slowed:
        found.append(trouble("heat.throttled", values))
    elif facts.celsius is not None and facts.celsius >= HOT_C:
        found.append(trouble("heat.hot", values, celsius=facts.celsius, limit=HOT_C))
    if facts.low_voltage:
        found.append(trouble("heat.voltage", values))
    elif facts.was_low:
        found.append(trouble("heat.voltage_before", values))
    if found:
        yield from found
    elif facts.celsius is None and facts.low_voltage is None:
        yield not_checked("heat", "this computer shows no temperature and no voltage (a container or a virtual one?)")
    else:
        heat = "no sensor of heat" if facts.celsius is None else f"{facts.celsius:.0f} degrees Celsius"
        voltage = "; supply voltage good" if facts.low_voltage is False else ""
        yield ok("heat", f"{heat}{voltage}", **values)
