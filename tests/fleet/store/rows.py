"""Makes rows for the tests of the store."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

from driver_monitor.fleet.store.rows import AlertRow, VehicleOnline, VehicleStatus

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=timezone.utc)


def alert(seq: int, vehicle: str = "car-1", **changes: Any) -> AlertRow:
    """An alert of one second after the other. Its id follows from vehicle and number."""
    id_ = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{vehicle} {seq}"))
    body = json.dumps({"schema": 1, "id": id_, "seq": seq, "message": "Augen zu für 1.0 s"}, ensure_ascii=False)
    fields: dict[str, Any] = {
        "t_wall": NOW + timedelta(seconds=seq),
        "id": id_,
        "vehicle": vehicle,
        "seq": seq,
        "episode": id_,
        "trip": "trip-1",
        "t": float(seq),
        "rule": "microsleep",
        "level": "warning",
        "phase": "raised",
        "message": "Augen zu für 1.0 s",
        "body": body,
        "received": NOW + timedelta(seconds=seq + 1),
    }
    return AlertRow(**(fields | changes))


def status(uptime_s: float, vehicle: str = "car-1", **changes: Any) -> VehicleStatus:
    """A status `uptime_s` seconds after the start of a trip."""
    at = NOW + timedelta(seconds=uptime_s)
    fields: dict[str, Any] = {
        "vehicle": vehicle,
        "at": at,
        "trip": "trip-1",
        "uptime_s": uptime_s,
        "driving_s": uptime_s / 2,
        "body": json.dumps({"uptime_s": uptime_s}),
        "received": at,
    }
    return VehicleStatus(**(fields | changes))


def online(is_online: bool, after_s: float, vehicle: str = "car-1") -> VehicleOnline:
    """A message of `online`, `after_s` seconds after `NOW`."""
    at = NOW + timedelta(seconds=after_s)
    return VehicleOnline(vehicle, is_online, at, json.dumps({"online": is_online}), at)
