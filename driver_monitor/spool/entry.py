"""What the spool keeps of an alert, how much of it, and what it tells about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from driver_monitor.data.alert import Level

AbsentReason = Literal["dropped", "expired", "power_cut"]
"""Why a number never comes. `dropped`: no room. `expired`: too old. `power_cut`: it was skipped, because the power went
or the program was killed, because there was no uplink, or because the count went on at another number."""
Absent = tuple[int, int, AbsentReason]
"""A range of `seq` that never comes: first, last, reason."""


@dataclass(frozen=True, slots=True)
class SpoolEntry:
    """One alert message. `seq`: its number in this vehicle. `t_wall`: UTC, ISO 8601. `body`: as first published."""

    id: str
    seq: int
    rule: str
    level: Level
    t_wall: str
    body: bytes


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """`size`: most bytes of all files of the spool together. `days`: age at which a waiting alert is dropped.

    `sent_days`: how long what was sent is kept for the driver; 0: it is forgotten at once. The defaults are those of
    the configuration (`uplink`).
    """

    size: int = 64_000_000
    days: float = 60.0
    sent_days: float = 30.0


@dataclass(frozen=True, slots=True)
class SpoolCounts:
    """The spool in numbers. `waiting`: alerts that the operator has not stored. `size`: bytes of all files together.

    `oldest_s`: age of the oldest waiting alert in seconds; None without one. `dropped`: alerts that were dropped
    (`dropped` and `expired`) since the file was made. `absent`: the newest 100 ranges of numbers that never come.
    """

    waiting: int = 0
    size: int = 0
    oldest_s: float | None = None
    dropped: int = 0
    absent: tuple[Absent, ...] = ()
