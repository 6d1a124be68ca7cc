"""From an alert event of the rules to the message that users, subscribers and fleets get.

The envelope is the same in events.jsonl, on ZeroMQ, in the spool and at the fleet.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any, Protocol

from driver_monitor.data.alert import AlertEvent

SCHEMA = 1
"""Version of every JSON object we publish; fields may be added within one version, never renamed."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which vehicle, models, configuration and profile an alert comes from; `models` and `config` are hashes."""

    vehicle: str
    models: str
    config: str
    profile: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes an alert unique and places it in the world outside the pipeline.

    `seq` is None for an alert that stays on the machine: a number left out would tell everybody else of it.
    """

    id: str
    seq: int | None
    episode: str
    trip: str
    boot: str | None
    t_mono: float | None
    t_wall: str | None
    wall_synced: bool | None


class Stamper(Protocol):
    """Numbers alerts; a live one and a replaying one differ in where the numbers come from."""

    def stamp(self, event: AlertEvent, t_mono: float | None) -> Stamp:
        """Give `event` its identity; `t_mono`: monotonic capture time of the frame that decided it, seconds."""


class ReplayStamper:
    """Names that follow from the clip alone, so that a replay writes the same file, byte for byte.

    `trip`: the clip's SHA-256 in hexadecimal.
    """

    def __init__(self, trip: str) -> None:
        self._trip = trip
        self._space = uuid.uuid5(uuid.NAMESPACE_OID, trip)
        self._counted, self._local = itertools.count(), itertools.count()
        self._episodes: dict[int, str] = {}

    def stamp(self, event: AlertEvent, t_mono: float | None) -> Stamp:
        """Number by order of appearance; no clock is read."""
        del t_mono
        count = self._local if event.local else self._counted
        number, kind = next(count), "local " if event.local else ""
        name = str(uuid.uuid5(self._space, f"{kind}{number}"))
        episode = self._episodes.setdefault(event.episode, str(uuid.uuid5(self._space, f"{kind}episode {number}")))
        return Stamp(name, None if event.local else number, episode, self._trip, None, None, None, None)


class LiveStamper:
    """Random names, a persistent sequence number and the wall clock as a mere label.

    `next_seq` returns the vehicle's next number, surviving a reboot; `wall` returns (UTC now, clock is synchronised).
    """

    def __init__(
        self, next_seq: Callable[[], int], wall: Callable[[], tuple[datetime, bool]], trip: str, boot: str
    ) -> None:
        self._next_seq, self._wall = next_seq, wall
        self._trip, self._boot = trip, boot
        self._episodes: dict[int, str] = {}

    def stamp(self, event: AlertEvent, t_mono: float | None) -> Stamp:
        """Take the next number; the wall clock is read here and nowhere in the logic."""
        now, synced = self._wall()
        episode = self._episodes.setdefault(event.episode, str(uuid.uuid4()))
        if event.phase == "cleared":
            del self._episodes[event.episode]
        wall = now.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        seq = None if event.local else self._next_seq()
        return Stamp(str(uuid.uuid4()), seq, episode, self._trip, self._boot, t_mono, wall, synced)


def envelope(event: AlertEvent, stamp: Stamp, provenance: Provenance) -> dict[str, Any]:
    """Return the alert as the JSON object of the public interface."""
    return {
        "schema": SCHEMA,
        "id": stamp.id,
        "seq": stamp.seq,
        "episode": stamp.episode,
        "vehicle": provenance.vehicle,
        "trip": stamp.trip,
        "boot": stamp.boot,
        "t": round(event.t, 3),
        "t_mono": stamp.t_mono,
        "t_wall": stamp.t_wall,
        "wall_synced": stamp.wall_synced,
        "rule": event.rule,
        "level": event.level,
        "phase": event.phase,
        "message": event.message,
        "evidence": asdict(event.evidence),
        "model": provenance.models,
        "config": provenance.config,
        "profile": provenance.profile,
    }
