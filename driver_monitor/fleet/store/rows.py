"""What a collector hands to the store, and what the store answers. Frozen data."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from driver_monitor.mqtt import topics


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that no row can be made of. `payload`: its bytes. `reason`: plain English, what is wrong with it.

    `received`: UTC. `digest`: SHA-256 of topic and payload: the same message again is the same row, with a count.
    """

    topic: str
    payload: bytes
    reason: str
    received: datetime

    @property
    def digest(self) -> str:
        """Return 64 hexadecimal digits."""
        return hashlib.sha256(self.topic.encode("utf-8", "backslashreplace") + b"\0" + self.payload).hexdigest()


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert. `t_wall`: UTC, by the car's clock; `t`: seconds of its trip. `body`: the message, every character.

    `id`, `episode`: UUIDs in lower case. `seq`: the number of the alert in its vehicle. `received`: UTC.
    """

    t_wall: datetime
    id: str
    vehicle: str
    seq: int
    episode: str
    trip: str
    t: float
    rule: str
    level: str
    phase: str
    message: str
    body: str
    received: datetime

    def dead(self, reason: str) -> DeadLetter:
        """Return the dead letter of this message."""
        return DeadLetter(topics.alert(self.vehicle, self.rule), _bytes(self.body), reason, self.received)


@dataclass(frozen=True, slots=True)
class VehicleStatus:
    """The status of a vehicle. `at`: when it was so, UTC. `uptime_s`, `driving_s`: seconds of this trip.

    `body`: the message, every character. `received`: UTC.
    """

    vehicle: str
    at: datetime
    trip: str
    uptime_s: float
    driving_s: float
    body: str
    received: datetime

    def dead(self, reason: str) -> DeadLetter:
        """Return the dead letter of this message."""
        return DeadLetter(topics.status(self.vehicle), _bytes(self.body), reason, self.received)


@dataclass(frozen=True, slots=True)
class VehicleOnline:
    """Whether a vehicle is connected to its broker. `at`: since when, UTC. `received`: UTC. `body`: the message."""

    vehicle: str
    online: bool
    at: datetime
    body: str
    received: datetime

    def dead(self, reason: str) -> DeadLetter:
        """Return the dead letter of this message."""
        return DeadLetter(topics.online(self.vehicle), _bytes(self.body), reason, self.received)


Row = AlertRow | VehicleStatus | VehicleOnline | DeadLetter


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages that are stored in one transaction."""

    alerts: Sequence[AlertRow] = ()
    statuses: Sequence[VehicleStatus] = ()
    online: Sequence[VehicleOnline] = ()
    dead: Sequence[DeadLetter] = ()

    def rows(self) -> list[Row]:
        """Return all rows, the alerts first."""
        return [*self.alerts, *self.statuses, *self.online, *self.dead]

    @staticmethod
    def of(rows: Sequence[Row]) -> Batch:
        """Return the batch of these rows; the rows of one kind keep their order."""
        return Batch(
            [row for row in rows if isinstance(row, AlertRow)],
            [row for row in rows if isinstance(row, VehicleStatus)],
            [row for row in rows if isinstance(row, VehicleOnline)],
            [row for row in rows if isinstance(row, DeadLetter)],
        )


@dataclass(frozen=True, slots=True)
class PutResult:
    """What became of the alerts of a batch, by their index. All others are new rows.

    `known`: stored before, with the same bytes. `refused`: became dead letters, with the reason. `spoiled`: the reasons
    of statuses and online messages that became dead letters.
    """

    known: frozenset[int] = frozenset()
    refused: dict[int, str] = field(default_factory=dict)
    spoiled: tuple[str, ...] = ()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
