"""The parts of a simulated vehicle: what it drives, what its clock says, where it keeps alerts, what is counted."""

from __future__ import annotations

import itertools
import json
import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from driver_monitor.app.build import Request, load_plan
from driver_monitor.data.alert import AlertEvent
from driver_monitor.fleet.simulate.account import Account, Times
from driver_monitor.fleet.simulate.clock import EPOCH, LONGEST_BEHIND_S, LONGEST_WRONG_S, VehicleClock
from driver_monitor.fleet.simulate.recording import MOST_EPISODES, drive, episodes
from driver_monitor.fleet.simulate.storage import MemorySpool, Storage, cut_power, last_number, open_spool
from driver_monitor.fleet.simulate.trip import ATTENTION, Trip
from driver_monitor.messages.wire import Message, encode
from driver_monitor.spool.entry import SpoolEntry
from driver_monitor.spool.spool import Spool

NOON = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)
NOW = NOON.timestamp()


def trip_of(seed: int, left: list[Message] | None = None) -> Trip:
    numbers = itertools.count(1)
    return Trip("van-1", random.Random(seed), lambda: next(numbers), lambda: (NOON, True), 100.0, "boot", left or ())


def messages(trip: Trip) -> Iterator[Message]:
    now = 100.0
    while (message := trip.next(now)) is not None:
        yield message
        now += 1


def test_ok__a_drive_is_that_of_its_seed_and_its_steps_are_recorded_ones() -> None:
    drives = [list(drive(random.Random(seed))) for seed in range(40)]
    assert drives[3] == list(drive(random.Random(3)))
    assert len({tuple(event.rule for event in one) for one in drives}) > 20
    for one in drives:
        steps: dict[int, list[AlertEvent]] = {}
        for event in one:
            steps.setdefault(event.episode, []).append(event)
        assert 1 <= len(steps) <= MOST_EPISODES
        recorded = [[event.message for event in episode] for episode in episodes()]
        assert all([event.message for event in part] in recorded for part in steps.values())


def test_ok__the_recording_has_rules_of_the_profile_that_may_leave_a_car() -> None:
    plan = load_plan(Request(profile="fleet"))
    rules = {event.rule for episode in episodes() for event in episode}
    assert rules <= {rule.id for rule in plan.profile.rules} - (plan.local_rules or set())
    assert set(ATTENTION) == rules


def test_ok__a_trip_sends_what_the_daemon_sends() -> None:
    told = list(messages(trip_of(1)))
    assert [message["seq"] for message in told] == list(range(1, len(told) + 1))
    assert [message["t"] for message in told] == [float(number) for number in range(len(told))]
    for message in told:
        assert (message["vehicle"], message["t_wall"], message["wall_synced"]) == (
            "van-1",
            "2026-11-29T12:00:00.000Z",
            True,
        )
        assert uuid.UUID(message["id"]) != uuid.UUID(message["episode"])
        assert json.loads(encode(message)) == message
    assert len({message["id"] for message in told}) == len(told)


def test_ok__the_next_trip_ends_first_what_the_last_one_left_active() -> None:
    first = next(trip for trip in map(trip_of, range(99)) if list(messages(trip)) and trip.active)
    left = list(first.active.values())
    then = list(messages(trip_of(1, left)))
    assert [(message["episode"], message["phase"], message.get("restart")) for message in then[: len(left)]] == [
        (alert["episode"], "cleared", True) for alert in left
    ]
    assert {message["trip"] for message in then} != {left[0]["trip"]}


def test_ok__a_trip_tells_the_worst_of_what_is_active() -> None:
    trip = trip_of(1)
    assert (trip.status(160.0)["uptime_s"], trip.status(160.0)["attention"], trip.rules) == (60.0, "attentive", [])
    seen = {trip.status(100.0)["attention"] for _ in messages(trip)}
    assert seen <= {"attentive", "distracted", "drowsy", "asleep"}


@pytest.mark.parametrize(("kind", "synced"), [(0.0, False), (0.049, False), (0.16, True), (1.0, True)])
def test_ok__a_clock_is_right_or_was_never_set(kind: float, synced: bool) -> None:
    clock = VehicleClock(random.Random(0), kind, NOW)
    right = NOON + timedelta(seconds=90)
    assert clock.at(NOW + 90) == (right if synced else EPOCH + timedelta(seconds=90), synced)


@pytest.mark.parametrize("seed", range(5))
def test_ok__a_clock_jumps_from_the_past_to_the_right_time(seed: int) -> None:
    clock = VehicleClock(random.Random(seed), 0.07, NOW)
    wrong, synced = clock.at(NOW)
    assert NOON - timedelta(seconds=LONGEST_BEHIND_S) <= wrong < NOON
    assert not synced
    assert clock.at(NOW + LONGEST_WRONG_S) == (NOON + timedelta(seconds=LONGEST_WRONG_S), True)


def entry(number: int, level: str = "warning") -> SpoolEntry:
    return SpoolEntry(f"id {number}", number, "sleep", level, "2026-11-29T12:00:00.000Z", b"alert")  # type: ignore[arg-type]


@pytest.mark.parametrize("in_memory", [True, False])
def test_ok__a_spool_in_memory_answers_as_one_on_disk(tmp_path: Path, in_memory: bool) -> None:
    spool: Storage = open_spool(None if in_memory else tmp_path / "spool")
    for number, level in enumerate(("info", "critical", "warning", "critical"), start=1):
        spool.put(entry(number, level))
    spool.put(entry(1, "info"))
    assert [one.seq for one in spool.waiting(9)] == [2, 4, 3, 1]
    assert [one.seq for one in spool.waiting(2, without={"id 2"})] == [4, 3]
    assert spool.counts().waiting == 4
    assert spool.confirm(["id 2", "nobody's", "id 2"]) == 1
    assert [one.seq for one in spool.waiting(9)] == [4, 3, 1]
    spool.close()


def test_ok__a_power_cut_leaves_what_was_in_the_spool(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = Spool(folder)
    assert last_number(folder) == 0
    for number in range(1, 6):
        spool.put(entry(number))
    spool.confirm(["id 2"])
    cut_power(spool, folder)
    again = Spool(folder)
    assert last_number(folder) == 5
    assert [one.seq for one in again.waiting(9)] == [1, 3, 4, 5]
    again.close()


def test_ok__nothing_survives_in_memory() -> None:
    spool = MemorySpool()
    spool.put(entry(1))
    assert open_spool(None).waiting(9) == []


def test_ok__times_are_exact_to_two_percent() -> None:
    times = Times()
    assert times.percentile(0.5) is None
    for number in range(1, 1001):
        times.add(number / 100)
    assert times.percentile(0.5) == pytest.approx(5.0, rel=0.02)
    assert times.percentile(0.99) == pytest.approx(9.9, rel=0.02)
    times.add(0.0)
    assert times.percentile(0.0001) == pytest.approx(0.0001)


def test_ok__an_account_is_json_and_one_line() -> None:
    account = Account(vehicles=3, alerts=2, waiting=2)
    assert account.to_json()["latency_p50_s"] is None
    assert account.line() == "0 s: 0 of 3 vehicles connected; 2 alerts, 0 confirmed, 2 waiting, 0 sent again"
    account.latency.add(0.25)
    assert account.line().endswith("; from alert to answer p50 0.254 s, p99 0.254 s")
