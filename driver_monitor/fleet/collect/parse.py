"""Makes a row of a message, or a dead letter with a plain reason. Pure: the time comes with the message.

The reason begins with one word or field name and a colon: the metrics count dead letters by it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn

from driver_monitor.data.alert import LEVELS
from driver_monitor.fleet.collect import fields
from driver_monitor.fleet.collect.fields import MOST_TEXT, FieldError
from driver_monitor.fleet.store.rows import AlertRow, DeadLetter, Row, VehicleOnline, VehicleStatus
from driver_monitor.mqtt import topics

SCHEMA = 1
"""The version of the messages (`messages.envelope`)."""
PHASES = ("raised", "escalated", "cleared")
TRUSTED = timedelta(days=1)
"""Oldest time of a car's clock by which statuses are put in order (ours). A clock that is further off counts as wrong,
and the time of the arrival is taken."""
MOST_PAYLOAD = 65_536
"""Bytes of a message (ours). An alert has about 2 kB."""


def parse(topic: str, payload: bytes, digest: str | None, received: datetime) -> Row:
    """Return the row of a message. `digest`: its user property `sha256`, None without one. Never raises."""
    try:
        parts = topics.parse(topic)
        if parts is None or parts.kind not in _PARSERS:
            raise FieldError("topic: it is none of those that vehicles write to")
        if len(payload) > MOST_PAYLOAD:
            raise FieldError(f"size: expected at most {MOST_PAYLOAD} bytes, found {len(payload)}")
        if parts.kind == "alert":
            _check_digest(payload, digest)
        body = _decoded(payload)
        message = _json_object(body)
        if message.get("schema") != SCHEMA or isinstance(message["schema"], bool):
            raise FieldError(f"schema: expected {SCHEMA}, found {fields.shown(message.get('schema'))}")
        if fields.text(message, "vehicle", MOST_TEXT) != parts.vehicle:
            raise FieldError(f"vehicle: the message names {fields.shown(message['vehicle'])}, its topic another one")
        return _PARSERS[parts.kind](message, parts, body, received)
    except FieldError as fault:
        return DeadLetter(topic, payload, str(fault), received)


def _alert(message: Mapping[str, Any], parts: topics.Topic, body: str, received: datetime) -> AlertRow:
    if fields.text(message, "rule", MOST_TEXT) != parts.rule:
        raise FieldError(f"rule: the message names {fields.shown(message['rule'])}, its topic another one")
    return AlertRow(
        t_wall=fields.time(message, "t_wall"),
        id=fields.uuid(message, "id"),
        vehicle=parts.vehicle,
        seq=fields.sequence_number(message, "seq"),
        episode=fields.uuid(message, "episode"),
        trip=fields.text(message, "trip", MOST_TEXT),
        t=fields.trip_time(message, "t"),
        rule=parts.rule,
        level=fields.word(message, "level", LEVELS),
        phase=fields.word(message, "phase", PHASES),
        message=fields.text(message, "message"),
        body=body,
        received=received,
    )


def _status(message: Mapping[str, Any], parts: topics.Topic, body: str, received: datetime) -> VehicleStatus:
    synced = message.get("wall_synced") is True
    return VehicleStatus(
        vehicle=parts.vehicle,
        at=_trusted(fields.time(message, "t_wall"), received) if synced else received,
        trip=fields.text(message, "trip", MOST_TEXT),
        uptime_s=fields.seconds(message, "uptime_s"),
        driving_s=fields.seconds(message, "driving_s"),
        body=body,
        received=received,
    )


def _online(message: Mapping[str, Any], parts: topics.Topic, body: str, received: datetime) -> VehicleOnline:
    online = fields.flag(message, "online")
    # The broker sends the will long after the car has written it: its time says nothing about the end.
    timed = online and message.get("t_wall") is not None
    at = _trusted(fields.time(message, "t_wall"), received) if timed else received
    return VehicleOnline(parts.vehicle, online, at, body, received)


_PARSERS: dict[str, Callable[[Mapping[str, Any], topics.Topic, str, datetime], Row]] = {
    "alert": _alert,
    "status": _status,
    "online": _online,
}


def _trusted(told: datetime, received: datetime) -> datetime:
    return told if timedelta() <= received - told <= TRUSTED else received


def _check_digest(payload: bytes, digest: str | None) -> None:
    if digest is None:
        raise FieldError("sha256: the message has no user property sha256")
    if digest != hashlib.sha256(payload).hexdigest():
        raise FieldError("sha256: the message was damaged on its way: its SHA-256 is another")


def _decoded(payload: bytes) -> str:
    try:
        body = payload.decode()
    except UnicodeDecodeError as error:
        raise FieldError(f"text: it is not UTF-8 from byte {error.start} on") from None
    if "\0" in body:
        raise FieldError("text: it holds a NUL character")
    return body


def _json_object(body: str) -> Mapping[str, Any]:
    try:
        found = json.loads(body, parse_constant=_no_number)
    except RecursionError:
        raise FieldError("json: it is nested too deeply") from None
    except FieldError:
        raise
    except ValueError as error:  # also for a whole number with thousands of digits
        place = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise FieldError(f"json: it is not JSON{place}") from None
    if not isinstance(found, dict):
        raise FieldError("json: it is no JSON object")
    return found


def _no_number(constant: str) -> NoReturn:
    raise FieldError(f"json: {constant} is not JSON")
