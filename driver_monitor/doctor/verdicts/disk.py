"""Judges the disk with the folder for alert numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from driver_monitor.doctor.verdicts.finding import Finding, Value, not_checked, ok, trouble

FULL_BYTES = 1_000_000
"""With less room the database of alert numbers cannot be written safely (ours): it and its journal have some 50 KB."""
LOW_BYTES = 100_000_000
"""With less room the journal of a week fills the disk (ours)."""


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """The folder for alert numbers, or the nearest folder above it that exists.

    `free`: bytes for this user. `read_only`: the disk is mounted so. `error`: why a small file could not be written
    there; None: it could. `full`: because there was no room. `kind`: of disk, in words. `worn`: flash memory that
    reports the end of its life. `reason`: why nothing of this is known.
    """

    folder: str
    free: int = 0
    read_only: bool = False
    error: str | None = None
    full: bool = False
    kind: str = ""
    worn: bool = False
    reason: str | None = None


def judge_disk(facts: DiskFacts) -> Iterator[Finding]:
    """Yield the worst fault of the disk, or "ok" or "not checked"."""
    values: dict[str, Value] = {"free_bytes": facts.free, "folder": facts.folder}
    free = _bytes(facts.free)
    if facts.reason is not None:
        yield not_checked("disk", facts.reason)
    elif facts.read_only:
        yield trouble("disk.read_only", values, folder=facts.folder)
    elif facts.full or facts.free < FULL_BYTES:
        yield trouble("disk.full", values, folder=facts.folder, free=f"{free} free")
    elif facts.error is not None:
        yield trouble("disk.not_writable", values, folder=facts.folder, reason=facts.error)
    elif facts.worn:
        yield trouble("disk.worn", values)
    elif facts.free < LOW_BYTES:
        yield trouble("disk.low", values, folder=facts.folder, free=free)
    else:
        kind = f", on {facts.kind}" if facts.kind else ""
        yield ok("disk", f"{facts.folder}: {free} free, writable{kind}", **values)


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
