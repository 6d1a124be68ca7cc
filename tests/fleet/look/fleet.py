"""Hand-made fleets for the tests of `fleet.look`."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import datetime, timedelta
from typing import Any

from driver_monitor.fleet.look.findings import FleetReport
from driver_monitor.fleet.look.gather import Gatherer, Question
from driver_monitor.fleet.look.period import Period
from driver_monitor.fleet.store.rows import AlertRow, VehicleStatus
from driver_monitor.fleet.store.store import Store
from driver_monitor.fleet.store.views import engine_of
from driver_monitor.messages.wire import encode
from tests.fleet.store.rows import NOW

WEEK = timedelta(days=7)


def message(vehicle: str, seq: int, at: datetime, **changes: Any) -> dict[str, Any]:
    """The JSON of an alert that `vehicle` sends at `at`. Its id follows from vehicle and number."""
    name = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{vehicle} {seq}"))
    return {
        "schema": 1,
        "id": name,
        "seq": seq,
        "episode": name,
        "vehicle": vehicle,
        "trip": "trip-1",
        "boot": "boot-1",
        "t": 60.0,
        "t_mono": 60.0,
        "t_wall": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "wall_synced": True,
        "rule": "microsleep",
        "level": "warning",
        "phase": "raised",
        "message": "Eyes closed for 1.0 s",
        "evidence": {
            "measured": {"eyes.closed_s": 1.0},
            "threshold": {"eyes.closed_s": 1.0},
            "window_s": None,
            "coverage": None,
            "clause": "ours",
            "compared": {"eyes.closed_s": "at_least"},
            "interval": {},
        },
        "model": "m",
        "config": "c",
        "profile": "fleet",
        **changes,
    }


def row(vehicle: str, seq: int, at: datetime, received: datetime | None = None, **changes: Any) -> AlertRow:
    """The row of such an alert."""
    made = message(vehicle, seq, at, **changes)
    names = ("id", "vehicle", "seq", "episode", "trip", "t", "rule", "level", "phase", "message")
    return AlertRow(at, *(made[name] for name in names), encode(made).decode(), received or at)


def trip(vehicle: str, driving_s: float, start: datetime, uptime_s: float, name: str = "trip-1") -> VehicleStatus:
    """The last status of a trip, without anything that waits."""
    end = start + timedelta(seconds=uptime_s)
    body = json.dumps({"wall_synced": True, "spool": {"waiting": 0, "absent": []}}, separators=(",", ":"))
    return VehicleStatus(vehicle, end, name, uptime_s, driving_s, body, end)


def digest(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()


def report(store: Store, url: str, **changes: Any) -> FleetReport:
    """The report of the week before `NOW`."""
    return Gatherer(store, engine_of(url), Question(NOW, Period(NOW - WEEK, NOW), **changes)).report()
