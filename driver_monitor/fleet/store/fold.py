"""Reduces a batch to one row for each vehicle, trip and dead letter, because one statement changes a row only once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from driver_monitor.fleet.store.rows import AlertRow, Batch, DeadLetter, VehicleOnline, VehicleStatus

MOST_KEPT = 65_536
"""Bytes of a dead letter's payload that are kept (ours). Its digest is that of all bytes."""


@dataclass(frozen=True, slots=True)
class SeenVehicle:
    """What a batch says about a vehicle. `online`, `status`: None if it says nothing about it."""

    vehicle: str
    first_seen: datetime
    last_seen: datetime
    online: VehicleOnline | None = None
    status: VehicleStatus | None = None


@dataclass(frozen=True, slots=True)
class SeenTrip:
    """What a batch says about a trip: the largest times of all its statuses, in seconds."""

    vehicle: str
    trip: str
    first_seen: datetime
    last_seen: datetime
    uptime_s: float
    driving_s: float


@dataclass(frozen=True, slots=True)
class CountedLetter:
    """A dead letter with its digest, and how often it came in a batch."""

    letter: DeadLetter
    digest: str
    count: int


def vehicles(batch: Batch) -> list[SeenVehicle]:
    """Return one row for each vehicle, in order of its name: all transactions lock them in the same order."""
    seen: dict[str, SeenVehicle] = {}
    rows: list[AlertRow | VehicleStatus | VehicleOnline] = [*batch.alerts, *batch.statuses, *batch.online]
    for name, received in [(row.vehicle, row.received) for row in rows]:
        old = seen.get(name)
        if old is None:
            seen[name] = SeenVehicle(name, received, received)
        elif received > old.last_seen:
            seen[name] = replace(old, last_seen=received)
        elif received < old.first_seen:
            seen[name] = replace(old, first_seen=received)
    for online in batch.online:
        known = seen[online.vehicle]
        if known.online is None or online.at >= known.online.at:
            seen[online.vehicle] = replace(known, online=online)
    for status in batch.statuses:
        known = seen[status.vehicle]
        if known.status is None or is_newer(status, known.status):
            seen[status.vehicle] = replace(known, status=status)
    return [seen[name] for name in sorted(seen)]


def is_newer(status: VehicleStatus, known: VehicleStatus) -> bool:
    """Return whether `status` replaces `known`. Within a trip, uptime decides: it does not depend on a clock."""
    if status.trip == known.trip:
        return status.uptime_s >= known.uptime_s
    return status.at >= known.at


def trips(batch: Batch) -> list[SeenTrip]:
    """Return one row for each trip, in order of vehicle and trip."""
    seen: dict[tuple[str, str], SeenTrip] = {}
    for row in batch.statuses:
        key = (row.vehicle, row.trip)
        old = seen.get(key) or SeenTrip(*key, row.received, row.received, row.uptime_s, row.driving_s)
        seen[key] = SeenTrip(
            *key,
            min(old.first_seen, row.received),
            max(old.last_seen, row.received),
            max(old.uptime_s, row.uptime_s),
            max(old.driving_s, row.driving_s),
        )
    return [seen[key] for key in sorted(seen)]


def letters(dead: Iterable[DeadLetter]) -> list[CountedLetter]:
    """Return one row for each different dead letter, in order of its digest."""
    seen: dict[str, CountedLetter] = {}
    for letter in dead:
        digest = letter.digest
        old = seen.get(digest)
        seen[digest] = CountedLetter(_writable(letter), digest, 1 if old is None else old.count + 1)
    return [seen[digest] for digest in sorted(seen)]


def _writable(letter: DeadLetter) -> DeadLetter:
    """Return `letter` with texts that every engine takes, and not too long, so that it can always be stored."""
    payload = letter.payload[:MOST_KEPT]
    return replace(letter, topic=_text(letter.topic), reason=_text(letter.reason), payload=payload)


def _text(text: str) -> str:
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
