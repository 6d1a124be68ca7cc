"""A spool with clocks that a test sets, and alerts to put into it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from driver_monitor.data.alert import Level
from driver_monitor.spool.entry import SpoolEntry, SpoolLimits
from driver_monitor.spool.spool import Spool

DAY_S = 86_400.0
NOON_S = 1_790_000_000.0
"""A time in 2026."""


@dataclass
class Clocks:
    """`true_s`: of a perfect clock. `error_s`: how wrong the car's one is. `known`: whether it says that it is set."""

    true_s: float = NOON_S
    error_s: float = 0.0
    known: bool = True

    def monotonic(self) -> float:
        return self.true_s

    def wall(self) -> tuple[float, bool]:
        return self.true_s + self.error_s, self.known


def alert(seq: int, level: Level = "warning", size: int = 1200, rule: str = "microsleep") -> SpoolEntry:
    body = f'{{"seq":{seq},"filler":"'.encode()
    return SpoolEntry(
        f"00000000-0000-4000-8000-{seq:012d}", seq, rule, level, "2026-09-21T14:13:20.000Z", body.ljust(size, b"x")
    )


def parked(folder: Path, clocks: Clocks, limits: SpoolLimits | None = None) -> Spool:
    return Spool(folder, limits, clocks.monotonic, clocks.wall)


def killed(folder: Path, to: Path) -> Path:
    """Return a copy of `folder` as a killed daemon leaves it."""
    shutil.copytree(folder, to)
    return to


def numbers(spool: Spool) -> list[int]:
    return [entry.seq for entry in spool.waiting(100_000)]
