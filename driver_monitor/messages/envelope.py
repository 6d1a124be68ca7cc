"""Makes the message of an alert: the event of the rules with its number, ids, times and provenance.

The message has the same fields in events.jsonl and on ZeroMQ.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any, Protocol

from driver_monitor.data.alert import AlertEvent
from driver_monitor.messages.wire import Message

SCHEMA = 1
"""The version of every published JSON object. Within one version, fields may be added, but never renamed."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an alert comes from: vehicle id, hash of the nets, hash of configuration and profile, profile name.

    Only for the status: `locked`: whether the configuration is locked. `ignored`: what the lock made the daemon ignore.
    """

    vehicle: str
    models: str
    config: str
    profile: str
    locked: bool = False
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stamp:
    """The number (`seq`), ids and times of one alert message. In a replay, the last four fields are None.

    `seq`: None for an alert that stays on this machine, so that others see no gap. `episode`: one id for all phases.
    `trip`, `boot`: ids of the run or clip, and of this start of the machine. `t_mono`: capture time of the frame,
    monotonic seconds. `t_wall`: UTC time of the stamp, ISO 8601. `wall_synced`: whether its clock was synchronised.
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
    """Gives each alert its stamp. `LiveStamper` is for the daemon, `ReplayStamper` for replays."""

    def stamp(self, event: AlertEvent, t_mono: float | None) -> Stamp:
        """Return the stamp of `event`. `t_mono`: monotonic capture time of its frame in seconds; None: not known."""


class ReplayStamper:
    """Makes ids from `trip` and the alerts' order: all replays are equal. `trip`: hash of the clip, or see `Header`."""

    def __init__(self, trip: str) -> None:
        self._trip = trip
        self._space = uuid.uuid5(uuid.NAMESPACE_OID, trip)
        self._counted, self._local = itertools.count(), itertools.count()
        self._episodes: dict[int, str] = {}

    def stamp(self, event: AlertEvent, t_mono: float | None) -> Stamp:
        """Return the stamp of the next alert. Numbers count from 0; local alerts have none. `t_mono` is ignored."""
        del t_mono
        count = self._local if event.local else self._counted
        number, kind = next(count), "local " if event.local else ""
        name = str(uuid.uuid5(self._space, f"{kind}{number}"))
        episode = self._episodes.setdefault(event.episode, str(uuid.uuid5(self._space, f"{kind}episode {number}")))
        return Stamp(name, None if event.local else number, episode, self._trip, None, None, None, None)


class LiveStamper:
    """Makes random ids. `next_seq` returns the next number, `wall` the time and whether its clock is synchronised."""

    def __init__(
        self, next_seq: Callable[[], int], wall: Callable[[], tuple[datetime, bool]], trip: str, boot: str
    ) -> None:
        self._next_seq, self._wall, self._trip, self._boot = next_seq, wall, trip, boot
        self._episodes: dict[int, str] = {}

    def stamp(self, event: AlertEvent, t_mono: float | None) -> Stamp:
        """Return the stamp of `event`. A local event takes no number. No decision depends on the wall clock."""
        episode = self._episodes.setdefault(event.episode, str(uuid.uuid4()))
        if event.phase == "cleared":
            del self._episodes[event.episode]
        return self.stamp_episode(episode, event.local, t_mono)

    def stamp_episode(self, episode: str, local: bool, t_mono: float | None) -> Stamp:
        """Return the stamp of a message of `episode`, such as one of an earlier run. A local one takes no number."""
        now, synced = self._wall()
        wall = now.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        seq = None if local else self._next_seq()
        return Stamp(str(uuid.uuid4()), seq, episode, self._trip, self._boot, t_mono, wall, synced)


def ended_by_restart(alert: Message, stamp: Stamp) -> dict[str, Any]:
    """Return the message that ends an alert which an earlier run of the daemon left active, in the same episode.

    `alert`: its last message. `stamp`: of this run. `t` is 0.0, the start of this run. `restart` tells a publisher to
    keep the message for late subscribers: nobody can listen when the daemon has just started.
    """
    return {
        **alert,
        "id": stamp.id,
        "seq": stamp.seq,
        "trip": stamp.trip,
        "boot": stamp.boot,
        "t": 0.0,
        "t_mono": stamp.t_mono,
        "t_wall": stamp.t_wall,
        "wall_synced": stamp.wall_synced,
        "phase": "cleared",
        "message": f"Over: {alert['message']} (ended by a restart)",
        "restart": True,
    }


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
