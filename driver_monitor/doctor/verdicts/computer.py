"""Judges the computer: its clock, its temperature and its supply voltage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from driver_monitor.doctor.verdicts.finding import Finding, not_checked, ok, trouble
from driver_monitor.doctor.verdicts.running import number, part

FIRST_YEAR = 2025
"""An earlier year means that the clock was never set (as `outputs.sequence`)."""
GIVEN_UP = {1: "expressions", 2: "expressions and frames"}
"""What `board.step` of `status/` means."""
LAST_YEAR = 2100
"""A later year is a damaged clock (ours)."""


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
    """`celsius`: of the hottest part. `slows_at`: where the processor is slowed down, degrees Celsius. None: not known.

    `slowed`: the processor is slowed down. `low_voltage`: the supply is too weak now; `was_low`: since the start.
    `supply`: the power supply that this computer needs, in words. `step`: what a running daemon has given up because of
    it (`board.ladder`).
    """

    celsius: float | None
    slows_at: float | None = None
    slowed: bool | None = None
    low_voltage: bool | None = None
    was_low: bool | None = None
    supply: str = ""
    step: int = 0

    def with_status(self, status: Mapping[str, Any]) -> HeatFacts:
        """Return the facts with what a running daemon saw in the last minute: a weak supply shows for moments only."""
        board = part(status, "board")
        weak = board.get("under_voltage") is True or self.low_voltage
        return replace(self, low_voltage=weak, step=round(number(board.get("step")) or 0))


def judge_heat(facts: HeatFacts) -> Iterator[Finding]:
    """Yield each fault of temperature and voltage, or one "ok" or "not checked"."""
    values = {"heat_c": facts.celsius, "under_voltage": facts.low_voltage}
    found = []
    if facts.low_voltage:
        # The processor is slowed down by it too, so that this is not a fault of its own.
        found.append(trouble("heat.voltage", values, supply=facts.supply))
    elif facts.slowed:
        found.append(trouble("heat.throttled", values))
    elif facts.celsius is not None and facts.slows_at is not None and facts.celsius >= facts.slows_at:
        found.append(trouble("heat.hot", values, celsius=facts.celsius, limit=facts.slows_at))
    elif facts.step > 0:
        found.append(trouble("heat.given_up", values, what=GIVEN_UP[min(facts.step, 2)]))
    if facts.was_low and not facts.low_voltage:
        found.append(trouble("heat.voltage_before", values, supply=facts.supply))
    if found:
        yield from found
    elif facts.celsius is None and facts.low_voltage is None:
        yield not_checked("heat", "this computer shows no temperature and no voltage (a container or a virtual one?)")
    else:
        heat = "no sensor of heat" if facts.celsius is None else f"{facts.celsius:.0f} degrees Celsius"
        voltage = "; supply voltage good" if facts.low_voltage is False else ""
        yield ok("heat", f"{heat}{voltage}", **values)
