"""Every message becomes a row or a dead letter with a plain reason, whatever it holds."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.fleet.collect.parse import parse
from driver_monitor.fleet.store.rows import AlertRow, DeadLetter, Row, VehicleOnline, VehicleStatus
from driver_monitor.messages import wire
from tests.fleet.collect.car import alert, status

NOW = datetime(2026, 11, 29, 13, 0, tzinfo=timezone.utc)
TOPIC = "dm/1/car-1/alert/microsleep"


def parsed(payload: bytes, topic: str = TOPIC) -> Row:
    return parse(topic, payload, hashlib.sha256(payload).hexdigest(), NOW)


def reason(payload: bytes, topic: str = TOPIC) -> str:
    row = parsed(payload, topic)
    assert isinstance(row, DeadLetter)
    assert (row.topic, row.payload) == (topic, payload)
    return row.reason


def test_ok__an_alert_becomes_a_row_with_its_exact_text() -> None:
    payload = wire.encode(alert("car-1", 7))
    row = parsed(payload)
    assert isinstance(row, AlertRow)
    assert row.body.encode() == payload
    assert row.t_wall == datetime(2026, 11, 29, 12, 0, 7, 125_000, tzinfo=timezone.utc)
    assert (row.vehicle, row.seq, row.t, row.level, row.message) == ("car-1", 7, 3.5, "critical", "Augen zu für 1.0 s")


@pytest.mark.parametrize(
    ("told", "utc"),
    [
        ("1970-01-01T00:00:12Z", "1970-01-01T00:00:12+00:00"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999000+00:00"),
        ("2026-11-29T01:00:00.123456+02:00", "2026-11-28T23:00:00.123456+00:00"),
    ],
)
def test_ok__every_clock_of_the_calendar_is_taken(told: str, utc: str) -> None:
    row = parsed(wire.encode(alert("car-1", 1, t_wall=told)))
    assert isinstance(row, AlertRow)
    assert row.t_wall.isoformat() == utc


@pytest.mark.parametrize(
    ("changes", "begin"),
    [
        ({"schema": 2}, "schema: expected 1, found 2"),
        ({"schema": True}, "schema: "),
        ({"vehicle": "car-2"}, "vehicle: the message names 'car-2'"),
        ({"vehicle": None}, "vehicle: expected a text, found nothing"),
        ({"rule": "yawning"}, "rule: the message names 'yawning'"),
        ({"id": "7"}, "id: expected a UUID"),
        ({"id": "{00000000-0000-0000-0000-00000000000A}"}, "id: expected a UUID"),
        ({"episode": None}, "episode: expected a UUID in lower case, found nothing"),
        ({"seq": None}, "seq: expected a whole number"),
        ({"seq": -1}, "seq: "),
        ({"seq": 1.0}, "seq: "),
        ({"seq": True}, "seq: "),
        ({"seq": 2**63}, "seq: expected a whole number from 0 to 9223372036854775807, found a very large number"),
        ({"t_wall": None}, "t_wall: expected a time"),
        ({"t_wall": "2026-02-30T00:00:00Z"}, "t_wall: "),
        ({"t_wall": "0001-01-01T00:00:00+23:59"}, "t_wall: "),
        ({"t_wall": "9999-12-31T23:59:59-00:01"}, "t_wall: "),
        ({"t_wall": "2026-11-29"}, "t_wall: "),
        ({"t_wall": "2026-11-29T12:00:00"}, "t_wall: "),
        ({"t_wall": "٢٠٢٦-11-29T12:00:00Z"}, "t_wall: "),
        ({"t": "1"}, "t: expected a number"),
        ({"t": 10**400}, "t: expected a number, found a very large number"),
        ({"t": 1e308}, "t: expected seconds from -1e+10 to 1e+10, found 1e+308"),
        ({"t": -2e10}, "t: expected seconds from -1e+10 to 1e+10"),
        ({"level": "worst"}, "level: expected one of info, warning, critical, found 'worst'"),
        ({"level": ["info"]}, "level: expected one of info, warning, critical, found a list"),
        ({"phase": "over"}, "phase: "),
        ({"trip": ""}, "trip: expected 1 to 200 characters, found 0"),
        ({"trip": "x" * 201}, "trip: "),
        ({"message": "a\0b"}, "message: it holds a character that no database keeps"),
    ],
    ids=str,
)
def test_fail__a_wrong_field_is_named(changes: dict[str, Any], begin: str) -> None:
    assert reason(wire.encode(alert("car-1", 1) | changes)).startswith(begin)


@pytest.mark.parametrize(
    ("payload", "begin"),
    [
        (b"", "json: it is not JSON at character 0"),
        (b"[]", "json: it is no JSON object"),
        (b"\xff\xfe", "text: it is not UTF-8 from byte 0 on"),
        (b'{"schema": NaN}', "json: NaN is not JSON"),
        (b'{"schema": -Infinity}', "json: -Infinity is not JSON"),
        (b'{"schema": ' + b"9" * 10_000 + b"}", ""),
        (b"\xef\xbb\xbf{}", "json: "),
        (b'{"a":' * 30_000, "size: expected at most 65536 bytes, found 150000"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "json: it is nested too deeply"),
        (b"[" * 60_000, "json: "),
        (b'{"a": "\0"}', "text: it holds a NUL character"),
        (json.dumps(alert("car-1", 1, message="\ud800")).encode(), "message: it holds a character"),
        (json.dumps(alert("car-1", 1) | {"vehicle": "\ud800"}).encode(), "vehicle: it holds a character"),
    ],
    ids=range(13),
)
def test_fail__what_is_no_message_is_a_dead_letter(payload: bytes, begin: str) -> None:
    assert reason(payload).startswith(begin)


def test_fail__a_damaged_message_is_a_dead_letter() -> None:
    payload = wire.encode(alert("car-1", 1))
    for digest, begin in ((None, "sha256: the message has no"), ("0" * 64, "sha256: the message was damaged")):
        row = parse(TOPIC, payload, digest, NOW)
        assert isinstance(row, DeadLetter)
        assert row.reason.startswith(begin)


@pytest.mark.parametrize("topic", ["", "dm/1/car-1/stored", "dm/2/car-1/status", "dm/1//status", "dm/1/a/alert/b/c"])
def test_fail__a_foreign_topic_is_a_dead_letter(topic: str) -> None:
    assert reason(wire.encode(alert("car-1", 1)), topic).startswith("topic: ")


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"wall_synced": True, "t_wall": "2026-11-29T12:59:00Z"}, NOW - timedelta(minutes=1)),
        ({"wall_synced": False, "t_wall": "2026-11-29T12:59:00Z"}, NOW),
        ({"wall_synced": True, "t_wall": "2099-01-01T00:00:00Z"}, NOW),
        ({"wall_synced": True, "t_wall": "1970-01-01T00:00:00Z"}, NOW),
    ],
)
def test_ok__a_status_is_timed_by_a_clock_that_can_be_right(changes: dict[str, Any], at: datetime) -> None:
    row = parsed(wire.encode(status("car-1", 60.0) | changes), "dm/1/car-1/status")
    assert isinstance(row, VehicleStatus)
    assert (row.at, row.uptime_s, row.driving_s) == (at, 60.0, 30.0)


def test_ok__a_status_without_times_of_the_trip_counts_as_nothing_driven() -> None:
    row = parsed(wire.encode(status("car-1", 60.0) | {"uptime_s": None, "driving_s": None}), "dm/1/car-1/status")
    assert isinstance(row, VehicleStatus)
    assert (row.uptime_s, row.driving_s) == (0.0, 0.0)


@pytest.mark.parametrize("driving_s", [-1.0, 1e11, "60", True])
def test_fail__times_that_cannot_be_spoil_no_hours(driving_s: object) -> None:
    payload = wire.encode(status("car-1", 60.0, driving_s=driving_s))
    assert reason(payload, "dm/1/car-1/status").startswith("driving_s: ")


def test_ok__a_will_counts_from_its_arrival() -> None:
    message = {"schema": 1, "vehicle": "car-1", "online": False, "t_wall": "2026-11-29T12:59:00Z"}
    row = parsed(wire.encode(message), "dm/1/car-1/online")
    assert isinstance(row, VehicleOnline)
    assert (row.online, row.at) == (False, NOW)
    row = parsed(wire.encode(message | {"online": True}), "dm/1/car-1/online")
    assert isinstance(row, VehicleOnline)
    assert (row.online, row.at) == (True, NOW - timedelta(minutes=1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
TOPICS = st.sampled_from([TOPIC, "dm/1/car-1/status", "dm/1/car-1/online", "dm/1/car-1/stored"]) | st.text(max_size=30)


@given(TOPICS, st.binary(max_size=200))
def test_ok__any_bytes_are_a_row_or_a_dead_letter(topic: str, payload: bytes) -> None:
    assert isinstance(parsed(payload, topic), DeadLetter)


@given(TOPICS, st.sampled_from(sorted({*alert("car-1", 1), *status("car-1", 1.0), "online"})), JSON)
def test_ok__any_value_of_any_field_is_a_row_or_a_dead_letter(topic: str, field: str, value: object) -> None:
    message = alert("car-1", 1) | status("car-1", 1.0) | {"online": True, field: value}
    payload = json.dumps(message).encode()
    row = parsed(payload, topic)
    if isinstance(row, DeadLetter):
        assert row.reason.isprintable()
        assert len(row.reason) < 200
    else:
        assert row.body.encode() == payload
        assert row.dead("x").topic == topic
