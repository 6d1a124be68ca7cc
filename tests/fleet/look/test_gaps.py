"""Each number of a vehicle is stored, explained by the car, or missing: exactly one of them."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.fleet.store.rows import Batch, VehicleStatus
from driver_monitor.fleet.store.schema import SQLITE_STEPS
from driver_monitor.fleet.store.store import Store
from driver_monitor.fleet.store.views import MOST_ABSENT, views
from tests.fleet.look.fleet import row
from tests.fleet.store.rows import NOW

Range = tuple[int, int, str]
GAPS = "SELECT vehicle, first_seq, last_seq, numbers, reason FROM v_gap"
REASONS = ("dropped", "expired", "power_cut")


def status(vehicle: str, absent: Any, waiting: Any = 0, **changes: Any) -> VehicleStatus:
    body = json.dumps({"spool": {"waiting": waiting, "absent": absent}})
    at = NOW + timedelta(hours=1)
    return VehicleStatus(vehicle, at, "trip-1", 60.0, 60.0, changes.get("body", body), at)


def check(stored: set[int], absent: list[Range], gaps: list[tuple[int, int, int, str]]) -> None:
    """Compare the gaps of one vehicle with what a child would count on paper."""
    seen: dict[int, str] = {}
    for first, last, numbers, reason in gaps:
        assert numbers == last - first + 1 > 0
        for number in range(first, last + 1):
            assert number not in seen, "counted twice"
            seen[number] = reason
    missing = {number for number in range(min(stored), max(stored)) if number not in stored} if stored else set()
    assert set(seen) == missing
    for number, reason in seen.items():
        told = {word for first, last, word in absent if first <= number <= last}
        assert reason in told if told else reason == "lost"


@pytest.fixture(scope="module")
def memory() -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(":memory:", isolation_level=None)
    for step in SQLITE_STEPS:
        database.executescript(step)
    for view in views("sqlite"):
        database.execute(view)
    yield database
    database.close()


_NUMBERS = st.integers(0, 40)
_RANGES = st.lists(st.tuples(_NUMBERS, _NUMBERS, st.sampled_from(REASONS)), max_size=6)


@settings(max_examples=100)
@given(st.sets(_NUMBERS), _RANGES)
def test_ok__each_number_is_stored_explained_or_lost_exactly_once(
    memory: sqlite3.Connection, stored: set[int], absent: list[Range]
) -> None:
    memory.execute("DELETE FROM alert")
    memory.execute("DELETE FROM vehicle")
    at = "2026-11-29T12:00:00.000000Z"
    memory.executemany(
        "INSERT INTO alert VALUES (?, ?, 'v', ?, '', '', 0, '', '', '', '', '', ?)",
        [(at, str(number), number, at) for number in stored],
    )
    body = json.dumps({"spool": {"waiting": 0, "absent": absent}})
    memory.execute("INSERT INTO vehicle VALUES ('v', ?, ?, 1, ?, ?, ?, 't', 1)", (at, at, at, body, at))
    check(stored, absent, [gap[1:] for gap in memory.execute(GAPS)])


def test_ok__both_engines_count_a_whole_fleet_alike(store: Store) -> None:
    draw = random.Random(17)
    alerts, statuses = [], []
    fleet: dict[str, tuple[set[int], list[Range]]] = {}
    for number in range(60):
        vehicle = f"van-{number}"
        stored = set(draw.sample(range(40), draw.randint(1, 25)))
        absent = [
            (first, first + draw.randint(0, 12), draw.choice(REASONS)) for first in draw.sample(range(40), number % 7)
        ]
        fleet[vehicle] = stored, absent
        alerts += [row(vehicle, seq, NOW + timedelta(seconds=seq)) for seq in stored]
        statuses.append(status(vehicle, absent))
    store.put(Batch(alerts=alerts, statuses=statuses))
    found = store.query(GAPS)
    for vehicle, (stored, absent) in fleet.items():
        check(stored, absent, [gap[1:] for gap in found if gap[0] == vehicle])


def test_ok__a_number_may_still_come_while_the_car_keeps_alerts_or_has_said_nothing_since(store: Store) -> None:
    names = ("keeps", "said nothing", "said it earlier", "is done")
    alerts = [row(name, seq, NOW) for name in names for seq in (1, 3)]
    earlier = VehicleStatus(
        "said it earlier", NOW - timedelta(seconds=1), "trip-1", 1, 1, '{"spool": {"waiting": 0}}', NOW
    )
    store.put(Batch(alerts=alerts, statuses=[status("keeps", [], 3), earlier, status("is done", [])]))
    found = {gap[0]: gap[4] for gap in store.query(GAPS)}
    assert found == {
        "keeps": "waiting",
        "said nothing": "waiting",
        "said it earlier": "waiting",
        "is done": "lost",
    }


def test_ok__a_clock_that_was_never_set_neither_hides_a_loss_nor_claims_one(store: Store) -> None:
    year_2000 = NOW.replace(year=2000)
    alerts = [row("van-1", seq, year_2000, NOW) for seq in (1, 3)]
    alerts += [row("van-2", seq, NOW + timedelta(days=900), NOW) for seq in (1, 3)]
    alerts += [row("van-3", seq, year_2000, NOW + timedelta(hours=2)) for seq in (1, 3)]
    store.put(Batch(alerts=alerts, statuses=[status(f"van-{number}", []) for number in (1, 2, 3)]))
    found = {gap[0]: gap[4] for gap in store.query(GAPS)}
    assert found == {"van-1": "lost", "van-2": "lost", "van-3": "waiting"}
    assert {one for (one,) in store.query("SELECT alert_after FROM v_gap WHERE vehicle <> 'van-3'")} == {
        "2026-11-29T12:00:00.000000Z"
    }


def test_ok__what_is_older_than_the_list_of_the_car_is_unknown_not_lost(store: Store) -> None:
    absent = [[100 + 2 * number, 100 + 2 * number, "power_cut"] for number in range(MOST_ABSENT)]
    stored = [1, 3, *range(99, 301, 2)]
    store.put(Batch(alerts=[row("van-1", seq, NOW) for seq in stored], statuses=[status("van-1", absent)]))
    found = {gap[1]: gap[4] for gap in store.query(GAPS)}
    assert (found[2], found[4]) == ("unknown", "unknown")
    assert {found[number] for number in range(100, 300, 2)} == {"power_cut"}


HOSTILE = (
    "",
    "no JSON",
    "[]",
    "null",
    '{"spool": 7}',
    '{"spool": {"absent": 7, "waiting": "0"}}',
    '{"spool": {"absent": ["x", null, 3, [], ["a", "b"], [2], [2.5, 3], [null, 2], [1, 99999999999999999999999]]}}',
    '{"spool": {"absent": [[2, 1, "dropped"], [true, true]], "waiting": 1e999}}',
    '{"spool": {"absent": [{"0": 2}]}, "x": "\\u0000 \\ud800"}',
    "[" * 3000 + "]" * 3000,
)


def test_fail__no_status_of_one_vehicle_ends_the_view_of_the_fleet(store: Store) -> None:
    names = [f"bad-{number}" for number in range(len(HOSTILE))]
    statuses = [status(name, [], body=body) for name, body in zip(names, HOSTILE, strict=True)]
    alerts = [row(name, seq, NOW) for name in ("good", *names) for seq in (1, 3)]
    store.put(Batch(alerts=alerts, statuses=[*statuses, status("good", [[2, 2, "expired"]])]))
    found = {gap[0]: gap[1:] for gap in store.query(GAPS)}
    assert found == {"good": (2, 2, 1, "expired")} | dict.fromkeys(names, (2, 2, 1, "waiting"))


def test_fail__a_reason_that_nobody_knows_is_told_as_other(store: Store) -> None:
    reasons = ["lost", "waiting", "<b>", None, 7]
    names = [f"van-{number}" for number in range(len(reasons))]
    statuses = [status(name, [[2, 2, reason]]) for name, reason in zip(names, reasons, strict=True)]
    store.put(Batch(alerts=[row(name, seq, NOW) for name in names for seq in (1, 3)], statuses=statuses))
    assert sorted(store.query(GAPS)) == [(name, 2, 2, 1, "other") for name in names]
