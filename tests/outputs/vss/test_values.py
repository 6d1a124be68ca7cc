"""What VSS is told follows from what is public, and what is not known is not told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from driver_monitor.config.profiles import load_profile
from driver_monitor.data.driver_state import Degraded
from driver_monitor.messages import vss
from driver_monitor.messages.car import CarSignal, car_signal
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.messages.state import state_message
from driver_monitor.messages.vss import (
    DISTRACTION,
    ERROR,
    EYES_ON_ROAD,
    FATIGUE,
    PATHS,
    WARNING,
    vss_message,
    vss_values,
)
from driver_monitor.rules.engine import Engine
from driver_monitor.state.tracker import StateTracker
from tests.timeline import Stretch, attentive, away, film, no_face, shut, unreadable

OK = CarSignal("ok", "attentive")


def told(*drive: Stretch) -> list[dict[str, Any]]:
    """The values of each frame of a drive, as they are published at a workplace."""
    tracker, engine, privacy = StateTracker(), Engine(load_profile("fleet")[0]), PrivacyFilter({"distress"})
    values: list[dict[str, Any]] = []
    for frame in film(list(drive)):
        state = tracker.update(frame)
        verdict = engine.update(state)
        before = values[-1].get(EYES_ON_ROAD) if values else None
        message = privacy.state(state_message(state, verdict))
        values.append(vss_values(message, car_signal(state, verdict), before))
    return values


def test_ok__an_attentive_driver_looks_at_the_road_and_nothing_is_wrong() -> None:
    assert told(attentive(5))[-1] == {DISTRACTION: 0.0, EYES_ON_ROAD: True, WARNING: False, ERROR: False}


def test_ok__a_blink_does_not_take_the_eyes_off_the_road() -> None:
    values = told(attentive(5), shut(0.15), attentive(1))
    assert all(one[EYES_ON_ROAD] is True for one in values[100:])


def test_ok__closed_eyes_are_not_on_the_road_and_the_warning_is_told() -> None:
    values = told(attentive(5), shut(1.5))[-1]
    assert (values[EYES_ON_ROAD], values[WARNING], values[ERROR]) == (False, True, False)


def test_ok__a_look_away_fills_the_distraction_level_within_three_seconds() -> None:
    values = told(attentive(60), away(3.5))
    levels = [one[DISTRACTION] for one in values if DISTRACTION in one]
    assert values[-1] == {**values[-1], DISTRACTION: 100.0, EYES_ON_ROAD: False, WARNING: True}
    assert all(0 <= level <= 100 for level in levels)
    assert levels == sorted(levels)


def test_ok__an_empty_seat_has_no_value_of_a_driver_and_is_no_error() -> None:
    values = told(attentive(5), no_face(6))[-1]
    assert values == {WARNING: False, ERROR: False}


def test_ok__eyes_that_cannot_be_read_are_not_told_to_be_anywhere() -> None:
    assert EYES_ON_ROAD not in told(attentive(5), unreadable(5))[-1]


@pytest.mark.parametrize("reason", sorted(vss.ERRORS))
def test_ok__a_camera_that_shows_nothing_is_an_error(reason: Degraded) -> None:
    assert vss_values(None, CarSignal("blind", degraded=reason)) == {WARNING: False, ERROR: True}


@pytest.mark.parametrize("system", ["off", "starting", "stalled"])
def test_ok__without_a_result_nothing_is_said_of_the_system(system: Any) -> None:
    assert vss_values(None, CarSignal(system)) == {}
    assert vss_values(None, None) == {}


def test_ok__a_warning_lasts_while_the_driver_cannot_be_seen() -> None:
    assert vss_values(None, CarSignal("blind", "unknown", "asleep", "no_face"))[WARNING] is True


def drowsy(kss: float | None, low: float | None, high: float | None) -> dict[str, Any]:
    return {"drowsiness": {"kss": kss, "low": low, "high": high}}


@pytest.mark.parametrize(
    ("state", "level"),
    [
        (drowsy(1.0, 1.0, 3.0), 0.0),
        (drowsy(3.0, 1.2, 4.8), 25.0),
        (drowsy(9.0, 7.0, 9.0), 100.0),
        (drowsy(5.0, 2.7, 7.3), 50.0),
        (drowsy(5.0, 2.5, 7.5), None),
        (drowsy(7.8, 4.5, 9.0), None),
        (drowsy(2.5, 1.0, 5.8), None),
        (drowsy(None, None, None), None),
        ({"drowsiness": None}, None),
        ({}, None),
    ],
)
def test_ok__the_fatigue_level_is_the_karolinska_scale_unless_its_interval_is_too_wide(
    state: dict[str, Any], level: float | None
) -> None:
    assert vss_values(state, OK).get(FATIGUE) == level


def looked(away_s: float | None, total_s: float | None, most_s: float | None) -> dict[str, Any]:
    return {"glances": {"away_s": away_s, "total_s": total_s, "most_s": most_s}}


@pytest.mark.parametrize(
    ("state", "level"),
    [
        (looked(0.0, 0.0, 0.0), 0.0),
        (looked(1.5, 1.5, 1.5), 50.0),
        (looked(0.0, 5.0, 5.0), 50.0),
        (looked(9.0, 9.0, 9.0), 100.0),
        (looked(0.0, 0.0, 1.0), 0.0),
        (looked(0.0, 0.0, 1.1), None),
        (looked(3.0, 3.0, 20.0), 100.0),
        (looked(None, 0.0, 0.0), None),
        (looked(0.0, None, 3.0), None),
    ],
)
def test_ok__the_distraction_level_is_the_share_of_the_limits_unless_too_much_was_not_seen(
    state: dict[str, Any], level: float | None
) -> None:
    assert vss_values(state, OK).get(DISTRACTION) == level


def test_ok__a_message_names_what_has_no_value_and_gives_it_none() -> None:
    message = vss_message({WARNING: False}, 12.5)
    assert message == {
        "schema": 1, "t_mono": 12.5, WARNING: False, "unknown": [path for path in PATHS if path != WARNING],
    }  # fmt: skip


def test_ok__every_value_is_in_the_range_of_vss_in_any_drive() -> None:
    drive = (attentive(40), away(2), shut(4), no_face(3), unreadable(4), replace(attentive(3), camera="lost"), away(12))
    for values in told(*drive):
        assert set(values) <= set(PATHS)
        for path, value in values.items():
            if path in (FATIGUE, DISTRACTION):
                assert isinstance(value, float)
                assert 0 <= value <= 100
            else:
                assert isinstance(value, bool)


def test_ok__what_is_never_written_has_no_path() -> None:
    assert not [path for path in PATHS if "IsEnabled" in path or "AttentiveProbability" in path]
