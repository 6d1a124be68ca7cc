"""The judge of the fault run finds each kind of fault: it has teeth."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from tools.fleet.judge import Answer, InSpool, Row, judge

ROWS = [Row("van", f"id {number}", number, f"alert {number}") for number in (1, 2, 3, 5)]
SPOOLS = [InSpool(row.vehicle, row.id, row.seq, hashlib.sha256(row.body.encode()).hexdigest()) for row in ROWS]
STATUSES: dict[str, dict[str, Any]] = {"van": {"spool": {"absent": [[4, 4, "power_cut"]]}}}


def failed(rows: list[Row], statuses: dict[str, dict[str, Any]] = STATUSES) -> list[str]:
    return [answer.text for answer in judge(SPOOLS, rows, statuses) if not answer.holds]


def test_ok__each_alert_once_with_an_explained_hole_holds() -> None:
    assert judge(SPOOLS, ROWS, STATUSES) == [
        Answer(True, "4 alerts in spools, 4 rows: 0 lost, 0 twice, 0 from nowhere"),
        Answer(True, "0 rows differ from the car's bytes, 0 from its number"),
        Answer(True, "numbers that never came: 1 explained by the cars, 0 unexplained"),
    ]


def test_fail__a_lost_alert_is_found_and_is_a_hole_too() -> None:
    assert failed(ROWS[:1] + ROWS[2:]) == [
        "4 alerts in spools, 3 rows: 1 lost, 0 twice, 0 from nowhere",
        "numbers that never came: 1 explained by the cars, 1 unexplained",
    ]


def test_fail__the_last_alert_of_a_car_is_lost_without_a_hole() -> None:
    assert failed(ROWS[:3], {"van": {}}) == ["4 alerts in spools, 3 rows: 1 lost, 0 twice, 0 from nowhere"]


def test_fail__a_row_twice_or_from_nowhere_is_found() -> None:
    assert failed([*ROWS, ROWS[0]]) == ["4 alerts in spools, 5 rows: 0 lost, 1 twice, 0 from nowhere"]
    assert failed([*ROWS, replace(ROWS[0], id="id 9")]) == [
        "4 alerts in spools, 5 rows: 0 lost, 0 twice, 1 from nowhere"
    ]


def test_fail__one_other_byte_or_number_is_found() -> None:
    assert failed([replace(ROWS[0], body="alerT 1"), *ROWS[1:]]) == [
        "1 rows differ from the car's bytes, 0 from its number"
    ]
    assert failed([*ROWS[:3], replace(ROWS[3], seq=6)], {"van": {"spool": {"absent": [[4, 5, "dropped"]]}}}) == [
        "0 rows differ from the car's bytes, 1 from its number"
    ]


def test_fail__a_hole_that_no_car_explains_is_found() -> None:
    silent: list[dict[str, dict[str, Any]]] = [{}, {"van": {}}, {"van": {"spool": None}}]
    for statuses in [*silent, {"van": {"spool": {"absent": [[5, 9, "expired"]]}}}]:
        assert failed(ROWS, statuses) == ["numbers that never came: 0 explained by the cars, 1 unexplained"]
