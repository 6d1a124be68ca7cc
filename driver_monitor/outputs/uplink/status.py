"""Makes what the operator is told of a vehicle, and decides when. Pure: the time comes with each call.

Everything is made from messages that have passed the privacy filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from driver_monitor.messages.envelope import SCHEMA
from driver_monitor.messages.wire import Message

if TYPE_CHECKING:  # every daemon imports this module, and few have a spool
    from driver_monitor.spool.entry import SpoolCounts

EVERY_S, SHORTEST_S = 60.0, 1.0
"""Time between two statuses, and the shortest one when something changes (ours)."""
LONGEST_STEP_S = 5.0
"""Longest time between two states that counts as driven (ours). After a longer one, the car was not watched."""


@dataclass(frozen=True, slots=True)
class VehicleRun:
    """One run of the daemon in one vehicle: `vehicle.id`, and the ids of the run and of the boot (as in alerts)."""

    vehicle: str
    trip: str
    boot: str


class DrivingTime:
    """Counts the seconds in which the car moved, or in which its speed was unknown. Lives as long as a run."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._last_t: float | None = None

    def update(self, state: Message) -> None:
        """Count the time since the state before. `state`: a message of `state/`."""
        t = state.get("t")
        if not isinstance(t, int | float):
            return
        step_s = 0.0 if self._last_t is None else t - self._last_t
        self._last_t = float(t)
        speed = (state.get("car") or {}).get("speed_kmh")
        if speed is None or speed > 0:
            self.seconds += min(max(step_s, 0.0), LONGEST_STEP_S)


class StatusTimes:
    """Decides when a status is sent: once a minute, and at a change of what matters, at most one a second."""

    def __init__(self) -> None:
        self._sent_at: float | None = None
        self._sent: object = None

    def connected(self) -> None:
        """There is a new connection: the next status is sent at once."""
        self._sent_at = None

    def wait_s(self, status: Message, now: float) -> float:
        """Return how many seconds to wait until `status` is sent; 0.0: send it now."""
        if self._sent_at is None:
            return 0.0
        period_s = EVERY_S if matters(status) == self._sent else SHORTEST_S
        return max(0.0, self._sent_at + period_s - now)

    def sent(self, status: Message, now: float) -> None:
        """`status` was sent."""
        self._sent, self._sent_at = matters(status), now


def matters(status: Message) -> object:
    """Return what the operator is told at once when it changes. `status`: of `status/`. Glances are not among it."""
    camera = (status.get("camera") or {}).get("state")
    active = tuple(status.get("active") or ())
    return camera, status.get("degraded"), active, status.get("config_fault"), status.get("vehicle")


def status_message(
    status: Message, run: VehicleRun, spool: SpoolCounts, driving_s: float, wall_s: float, wall_synced: bool
) -> dict[str, Any]:
    """Return the payload of the topic `status`. `status`: of `status/`. `wall_s`: seconds since 1970."""
    attention = status.get("attention")
    return {
        "schema": SCHEMA,
        "vehicle": run.vehicle,
        "t_wall": iso(wall_s),
        "wall_synced": wall_synced,
        "trip": run.trip,
        "boot": run.boot,
        "uptime_s": status.get("uptime_s"),
        "driving_s": round(driving_s, 1),
        "camera": (status.get("camera") or {}).get("state"),
        "attention": None if attention == "unknown" else attention,
        "degraded": status.get("degraded"),
        "active": list(status.get("active") or ()),
        "alerts": status.get("alerts"),
        "config_fault": status.get("config_fault"),
        "versions": dict(status.get("versions") or {}),
        "spool": {
            "waiting": spool.waiting,
            "bytes": spool.size,
            "oldest_s": spool.oldest_s,
            "dropped": spool.dropped,
            "absent": [list(one) for one in spool.absent],
        },
    }


def online_message(vehicle: str, online: bool, wall_s: float | None) -> Mapping[str, Any]:
    """Return the payload of the topic `online`. `wall_s`: seconds since 1970; None: the broker says it for us."""
    return {"schema": SCHEMA, "vehicle": vehicle, "online": online, "t_wall": None if wall_s is None else iso(wall_s)}


def iso(wall_s: float) -> str:
    """Return a time in UTC as alerts have it. `wall_s`: seconds since 1970."""
    at = datetime.fromtimestamp(wall_s, timezone.utc)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
