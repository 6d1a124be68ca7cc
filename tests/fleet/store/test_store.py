"""What both stores do with alerts, vehicles, trips and dead letters."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from driver_monitor.fleet.store.isolate import SAME_ID
from driver_monitor.fleet.store.rows import AlertRow, Batch, DeadLetter, PutResult
from driver_monitor.fleet.store.store import Store
from tests.fleet.store.rows import NOW, alert, online, status


def count(store: Store, table: str) -> int:
    number = store.query(f"SELECT count(*) FROM {table}")[0][0]
    assert isinstance(number, int)
    return number


def test_ok__each_alert_is_one_row_with_its_bytes(store: Store) -> None:
    rows = [alert(seq) for seq in range(5)]
    assert store.put(Batch(alerts=rows)) == PutResult()
    found = store.query("SELECT id, vehicle, seq, t_wall, t, rule, body, received FROM alert ORDER BY seq")
    assert found[2] == (
        rows[2].id, "car-1", 2, "2026-11-29T12:00:02.000000Z", 2.0, "microsleep", rows[2].body,
        "2026-11-29T12:00:03.000000Z",
    )  # fmt: skip
    assert [row[6] for row in found] == [row.body for row in rows]


def test_ok__the_same_bytes_again_change_nothing(store: Store) -> None:
    store.put(Batch(alerts=[alert(1)]))
    later = alert(1, received=NOW + timedelta(days=1))
    assert store.put(Batch(alerts=[alert(0), later, alert(2), alert(2)])) == PutResult(known=frozenset({1, 3}))
    assert store.query("SELECT seq, received FROM alert ORDER BY seq")[1] == (1, "2026-11-29T12:00:02.000000Z")
    assert count(store, "alert") == 3
    assert count(store, "dead_letter") == 0


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("other_time", [True, False])
def test_fail__the_same_id_with_other_bytes_is_a_dead_letter(store: Store, apart: bool, other_time: bool) -> None:
    t_wall = NOW + timedelta(days=70) if other_time else alert(1).t_wall
    forged = alert(1, body='{"other": 1}', t_wall=t_wall)
    if apart:
        store.put(Batch(alerts=[alert(1)]))
        assert store.put(Batch(alerts=[forged, alert(2)])) == PutResult(refused={0: SAME_ID})
    else:
        assert store.put(Batch(alerts=[alert(1), forged, alert(2)])) == PutResult(refused={1: SAME_ID})
    assert store.query("SELECT body FROM alert WHERE seq = 1") == [(alert(1).body,)]
    dead = store.query("SELECT topic, payload, reason, count FROM dead_letter")
    assert dead == [("dm/1/car-1/alert/microsleep", b'{"other": 1}', SAME_ID, 1)]


def test_ok__a_dead_letter_that_comes_back_is_one_row_with_a_count(store: Store) -> None:
    letter = DeadLetter("dm/1/a\0b\ud800/alert/x", b"\x00\xff", "no JSON", NOW)
    again = DeadLetter(letter.topic, letter.payload, letter.reason, NOW + timedelta(hours=1))
    store.put(Batch(dead=[letter, letter]))
    store.put(Batch(dead=[again]))
    found = store.query("SELECT topic, payload, reason, count, first_seen, last_seen FROM dead_letter")
    assert found == [
        (
            "dm/1/a\\x00b\\ud800/alert/x",
            b"\x00\xff",
            "no JSON",
            3,
            "2026-11-29T12:00:00.000000Z",
            "2026-11-29T13:00:00.000000Z",
        )
    ]


def test_ok__of_a_huge_dead_letter_only_the_beginning_is_kept(store: Store) -> None:
    first, second = (DeadLetter("t", b"x" * 200_000 + end, "size: too long", NOW) for end in (b"1", b"2"))
    store.put(Batch(dead=[first, second]))
    assert store.query("SELECT length(payload), count FROM dead_letter") == [(65_536, 1), (65_536, 1)]


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        (alert(3, message="nul \0"), "0x00"),
        (alert(3, message="half \ud800"), "surrogate"),
        (replace(alert(3), seq=2**63), ""),
        (replace(alert(3), vehicle="".join(chr(33 + n * n % 90) for n in range(100_000))), ""),
    ],
    ids=["nul", "surrogate", "huge", "long"],
)
def test_fail__one_row_that_the_engine_refuses_spoils_no_batch(store: Store, spoiled: AlertRow, reason: str) -> None:
    rows = [alert(seq) for seq in range(7)]
    rows[3] = spoiled
    outcome = store.put(Batch(alerts=rows, statuses=[status(1)]))
    if outcome == PutResult():
        assert count(store, "alert") == 7, "SQLite takes more than PostgreSQL"
        return
    assert list(outcome.refused) == [3]
    assert reason in outcome.refused[3]
    assert store.query("SELECT seq FROM alert ORDER BY seq") == [(0,), (1,), (2,), (4,), (5,), (6,)]
    assert count(store, "vehicle") == 1
    assert count(store, "dead_letter") == 1


@pytest.mark.parametrize(
    "t_wall",
    [
        datetime(1970, 1, 1, tzinfo=timezone.utc),
        datetime(1, 1, 1, tzinfo=timezone.utc),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc),
    ],
)
def test_ok__an_alert_of_a_wrong_clock_is_kept(store: Store, t_wall: datetime) -> None:
    assert store.put(Batch(alerts=[alert(1, t_wall=t_wall), alert(2)])) == PutResult()
    assert store.query("SELECT t_wall FROM alert WHERE seq = 1")[0][0][:10] == t_wall.isoformat()[:10]


def test_ok__a_trip_keeps_the_largest_times(store: Store) -> None:
    store.put(Batch(statuses=[status(60), status(120)]))
    store.put(Batch(statuses=[status(90, driving_s=70.0)]))
    assert store.query("SELECT vehicle, trip, uptime_s, driving_s FROM trip") == [("car-1", "trip-1", 120.0, 70.0)]


def test_ok__a_late_status_does_not_turn_a_vehicle_back(store: Store) -> None:
    store.put(Batch(statuses=[status(120)]))
    store.put(Batch(statuses=[status(60, at=NOW + timedelta(days=1)), status(500, trip="trip-0", at=NOW)]))
    assert store.query("SELECT status, status_trip FROM vehicle") == [('{"uptime_s": 120}', "trip-1")]
    store.put(Batch(statuses=[status(1, trip="trip-2", at=NOW + timedelta(hours=1))]))
    assert store.query("SELECT status, status_trip FROM vehicle") == [('{"uptime_s": 1}', "trip-2")]
    assert store.query("SELECT trip FROM trip ORDER BY trip") == [("trip-0",), ("trip-1",), ("trip-2",)]


def test_ok__online_follows_the_newest_message(store: Store) -> None:
    store.put(Batch(online=[online(True, 10)]))
    store.put(Batch(online=[online(False, 5)]))
    assert [bool(row[0]) for row in store.query("SELECT online FROM vehicle")] == [True]
    store.put(Batch(online=[online(False, 20), online(True, 19)], alerts=[alert(100)]))
    found = store.query("SELECT online, first_seen, last_seen, status FROM vehicle")
    assert not found[0][0]
    assert found[0][1:] == ("2026-11-29T12:00:05.000000Z", "2026-11-29T12:01:41.000000Z", None)


def test_ok__each_acknowledgement_is_kept_as_it_was(store: Store) -> None:
    one, other = alert(1).episode, alert(2).episode
    assert store.acknowledge([one], "Ada", NOW, "called") == 1
    assert store.acknowledge([one, other], "Bob", NOW, "") == 1
    assert store.acknowledge([one], "Bob", NOW + timedelta(seconds=1), "again") == 1
    found = store.query("SELECT episode, by_whom, note FROM acknowledgement ORDER BY episode = ?, at", (one,))
    assert found == [(other, "Bob", ""), (one, "Ada", "called"), (one, "Bob", "again")]


def test_ok__a_query_takes_times_and_writes_nothing(store: Store) -> None:
    store.put(Batch(alerts=[alert(seq) for seq in range(4)]))
    found = store.query(
        "SELECT seq FROM alert WHERE t_wall >= ? AND vehicle LIKE 'car-%' ORDER BY seq", (NOW + timedelta(seconds=2),)
    )
    assert found == [(2,), (3,)]
    with pytest.raises(Exception, match="read"):
        store.query("DELETE FROM alert")
    assert count(store, "alert") == 4


def test_ok__numbers_may_be_as_large_as_the_columns(store: Store) -> None:
    assert store.put(Batch(alerts=[replace(alert(1), seq=2**63 - 1, t=1e308)])) == PutResult()
    seq, t = store.query("SELECT seq, t FROM alert")[0]
    assert seq == 2**63 - 1
    assert math.isclose(t, 1e308)
