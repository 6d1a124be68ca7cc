"""The SQL views: the same answers from both engines."""

from __future__ import annotations

import pytest

from driver_monitor.fleet.store.rows import Batch
from driver_monitor.fleet.store.store import Store
from tests.fleet.store.rows import NOW, alert, online, status

VIEWS = ("v_alert", "v_episode", "v_trip", "v_rate", "v_gap", "v_silent", "v_dead_letter")


@pytest.mark.parametrize("view", VIEWS)
def test_ok__each_view_answers_on_an_empty_store(store: Store, view: str) -> None:
    assert store.query(f"SELECT * FROM {view}") == []


def test_ok__a_hole_is_split_into_what_the_car_explains_and_what_is_lost(store: Store) -> None:
    body = '{"spool": {"waiting": 0, "absent": [[4, 5, "dropped"], [9, 30, "power_cut"]]}}'
    store.put(Batch(alerts=[alert(1), alert(2), alert(7), alert(9), alert(11)], statuses=[status(60, body=body)]))
    found = store.query("SELECT first_seq, last_seq, numbers, reason FROM v_gap ORDER BY first_seq")
    assert found == [
        (3, 3, 1, "lost"),
        (4, 5, 2, "dropped"),
        (6, 6, 1, "lost"),
        (8, 8, 1, "lost"),
        (10, 10, 1, "power_cut"),
    ]
    store.put(Batch(online=[online(True, 90)]))
    assert store.query("SELECT vehicle, was_online FROM v_silent") == [("car-1", True)]
    assert NOW.year == 2026
