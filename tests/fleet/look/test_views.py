"""The SQL views: the same answers from both engines."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from driver_monitor.fleet.store.rows import Batch, DeadLetter
from driver_monitor.fleet.store.store import Store
from tests.fleet.look.fleet import message, row, trip
from tests.fleet.store.rows import NOW, online

VIEWS = ("v_alert", "v_episode", "v_trip", "v_rate", "v_gap", "v_silent", "v_dead_letter")


def episode(vehicle: str, first_seq: int, *steps: tuple[str, str, float], **more: Any) -> list[Any]:
    """The alerts of one episode: (phase, level, seconds after its start)."""
    name = message(vehicle, first_seq, NOW)["id"]
    return [
        row(vehicle, first_seq + index, NOW + timedelta(seconds=after), phase=phase, level=level, t=100.0 + after,
            episode=name, **more)
        for index, (phase, level, after) in enumerate(steps)
    ]  # fmt: skip


def test_ok__each_view_answers_on_an_empty_store(store: Store) -> None:
    for view in VIEWS:
        assert store.query(f"SELECT * FROM {view}") == []


def test_ok__an_episode_has_its_worst_level_its_times_and_who_acknowledged_it(store: Store) -> None:
    steps = [("raised", "warning", 0.0), ("escalated", "critical", 3.0), ("cleared", "critical", 8.5)]
    active = episode("van-2", 1, ("raised", "info", 0.0))
    restart = [
        *episode("van-3", 1, ("raised", "warning", 0.0)),
        row("van-3", 2, NOW + timedelta(hours=9), phase="cleared", trip="trip-2", t=0.0,
            episode=message("van-3", 1, NOW)["id"]),
    ]  # fmt: skip
    store.put(Batch(alerts=[*episode("van-1", 1, *steps), *active, *restart]))
    store.acknowledge([message("van-1", 1, NOW)["id"]], "Ada", NOW + timedelta(minutes=1), "called")
    columns = "level, begun, raised, escalated, cleared, duration_s, trip, acknowledged, acknowledged_by, note"
    first, second, third = store.query(f"SELECT {columns} FROM v_episode ORDER BY vehicle")
    at = "2026-11-29T12:00:0{}.000000Z".format
    ended = "2026-11-29T12:00:08.500000Z"
    assert first == ("critical", at(0), at(0), at(3), ended, 8.5, "trip-1", True, "Ada", "called")
    assert second == ("info", at(0), at(0), None, None, None, "trip-1", False, None, None)
    assert third[5:8] == (None, "trip-1", False), "a restart in between: nobody knows how long it was"


def test_ok__an_episode_that_became_worse_needs_a_second_look(store: Store) -> None:
    alerts = episode("van-1", 1, ("raised", "warning", 0.0), ("escalated", "critical", 600.0))
    store.put(Batch(alerts=alerts[:1]))
    name = alerts[0].episode
    store.acknowledge([name], "Ada", NOW + timedelta(seconds=60), "")
    assert store.query("SELECT acknowledged, acknowledged_by FROM v_episode") == [(True, "Ada")]
    store.put(Batch(alerts=alerts[1:]))
    assert store.query("SELECT acknowledged, acknowledged_by FROM v_episode") == [(False, "Ada")]
    store.acknowledge([name], "Bob", NOW + timedelta(seconds=900), "")
    assert store.query("SELECT acknowledged, acknowledged_by FROM v_episode") == [(True, "Bob")]


def test_ok__an_alert_has_its_evidence_as_columns_and_a_time_that_can_be_right(store: Store) -> None:
    never_set = NOW.replace(year=2000)
    ahead = NOW + timedelta(days=400)
    evidence = message("v", 1, NOW)["evidence"] | {
        "window_s": 60,
        "coverage": 0.5,
        "interval": {"perclos.value": [0, 1]},
    }
    store.put(
        Batch(
            alerts=[
                row("good", 1, NOW, evidence=evidence),
                row("never set", 1, never_set, NOW, wall_synced=False),
                row("ahead", 1, ahead, NOW),
                row("hostile", 1, NOW, evidence="\0 \ud800", wall_synced={}),
                row("text", 1, NOW, evidence={"coverage": "much", "clause": 7, "measured": None}),
            ]
        )
    )
    columns = "wall_synced, window_s, coverage, clause, measured"
    found = {one[0]: one[1:] for one in store.query(f"SELECT vehicle, at, {columns} FROM v_alert")}
    now = "2026-11-29T12:00:00.000000Z"
    assert {name: one[0] for name, one in found.items()} == dict.fromkeys(found, now)
    assert found["good"][1:5] == (True, 60, 0.5, "ours")
    measured = found["good"][5]
    assert (json.loads(measured) if isinstance(measured, str) else measured) == {"eyes.closed_s": 1.0}
    assert (found["never set"][1], found["hostile"][1]) == (False, None)
    assert found["text"][3] is None
    ((interval,),) = store.query("SELECT interval FROM v_alert WHERE vehicle = 'good'")
    assert (json.loads(interval) if isinstance(interval, str) else interval) == {"perclos.value": [0, 1]}


def test_ok__days_without_an_alert_count_in_a_rate(store: Store) -> None:
    midnight = NOW.replace(hour=0)
    store.put(
        Batch(
            alerts=[row("van-1", 1, midnight + timedelta(minutes=1), t=3660.0), row("other", 1, NOW, trip="unknown")],
            statuses=[trip("van-1", 3600.0, midnight - timedelta(hours=1), 7200.0),
                      trip("van-1", 1800.0, NOW - timedelta(days=3), 1800.0, "trip-0")],
        )
    )  # fmt: skip
    found = store.query(
        "SELECT vehicle, day, rule, episodes, episodes_in_hours, driving_h FROM v_rate ORDER BY vehicle, day"
    )
    rates = [(one[0], str(one[1]), *one[2:5], one[5] and round(one[5], 3)) for one in found]
    assert rates == [
        ("other", "2026-11-29", "microsleep", 1, 0, None),
        ("van-1", "2026-11-26", "microsleep", 0, 0, 0.5),
        ("van-1", "2026-11-28", "microsleep", 0, 0, 0.5),
        ("van-1", "2026-11-29", "microsleep", 1, 1, 0.5),
    ]


def test_ok__silent_vehicles_and_dead_letters_have_views(store: Store) -> None:
    letter = DeadLetter("dm/1/van-9/alert/x", b"{}", "json: it is not JSON at character 1", NOW)
    elsewhere = DeadLetter("else/where", b"{}", "topic: it is none", NOW)
    store.put(Batch(online=[online(True, 1.0, "van-9")], dead=[letter, letter, elsewhere]))
    assert store.query("SELECT vehicle, was_online, silent_h > -1e6 FROM v_silent") == [("van-9", True, True)]
    found = store.query("SELECT vehicle, cause, messages, bytes FROM v_dead_letter ORDER BY cause")
    assert found == [("van-9", "json", 2, 2), (None, "topic", 1, 2)]
