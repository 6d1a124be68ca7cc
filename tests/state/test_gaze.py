"""Straight ahead is learned, and away is counted, by time."""

from __future__ import annotations

import math

import pytest

from tests.timeline import Stretch, attentive, away, film, no_camera, no_face, shut, states


@pytest.mark.parametrize("yaw", [-44.0, -20.0, 0.0, 20.0, 44.0])
@pytest.mark.parametrize("pitch", [-20.0, 0.0, 20.0])
def test_ok__a_camera_off_axis_sees_the_road_from_the_first_second(yaw: float, pitch: float) -> None:
    seen = states(film([attentive(5, yaw=yaw, pitch=pitch)]))
    assert {state.gaze.zone for state in seen[20:]} == {"road"}
    assert max(state.gaze.away_s or 0.0 for state in seen) < 1.0


def test_ok__a_minute_settles_straight_ahead_where_this_driver_looks() -> None:
    seen = states(film([attentive(62, yaw=43, pitch=-20)], 10))
    assert seen[-1].gaze.yaw == pytest.approx(0, abs=1)
    assert seen[-1].gaze.pitch == pytest.approx(0, abs=1)


@pytest.mark.parametrize("yaw", [-70.0, -30.0, 30.0, 50.0])
@pytest.mark.parametrize("seconds", [1.0, 3.0, 8.0])
def test_ok__a_driver_who_looks_away_first_does_not_teach_it(yaw: float, seconds: float) -> None:
    seen = states(film([away(seconds, yaw), attentive(5)]))
    assert {state.gaze.zone for state in seen[round(seconds * 20) + 10 :]} == {"road"}


def test_ok__a_long_look_away_before_the_minute_is_over_is_not_learned() -> None:
    seen = states(film([attentive(5), away(15, 32)]))
    assert seen[-1].gaze.zone == "left"
    assert seen[-1].gaze.away_s == pytest.approx(14.95)


@pytest.mark.parametrize(
    ("yaw", "pitch", "zone"), [(40, 0, "left"), (-40, 0, "right"), (0, -35, "down"), (0, 35, "up"), (20, -20, "road")]
)
def test_ok__zones_are_the_drivers_own(yaw: float, pitch: float, zone: str) -> None:
    assert states(film([attentive(2), away(1, yaw, pitch)]))[-1].gaze.zone == zone


def test_ok__short_saccades_to_the_road_do_not_reset_the_timer_and_a_look_does() -> None:
    seen = states(film([attentive(2), away(1), attentive(0.2), away(1)]))
    assert seen[-1].gaze.away_s == pytest.approx(1.9, abs=0.06)
    seen = states(film([attentive(2), away(1), attentive(0.4), away(1)]))
    assert seen[-1].gaze.away_s == pytest.approx(0.95, abs=0.01)


def test_ok__shut_eyes_are_not_a_look_away() -> None:
    seen = states(film([attentive(2), shut(3, pitch=-40)]))
    assert max(state.gaze.away_s or 0.0 for state in seen) == 0.0
    assert (seen[-1].gaze.zone, seen[-1].gaze.away_s) == ("unknown", None)


def test_ok__lids_that_read_shut_on_a_head_that_stays_turned_do_not_interrupt_a_look_away() -> None:
    seen = states(film([attentive(2), away(1), shut(0.2, yaw=40), away(1)]))
    assert seen[-1].gaze.away_s == pytest.approx(2.15, abs=0.06)


def test_ok__a_blink_on_the_way_back_to_the_road_is_not_counted() -> None:
    seen = states(film([attentive(2), away(1), shut(0.2), away(1)]))
    assert seen[-1].gaze.away_s == pytest.approx(1.9, abs=0.06)


def test_ok__a_face_lost_in_a_turn_is_away_for_a_while_and_then_unknown() -> None:
    seen = states(film([attentive(2), away(0.5, 60), no_face(8)]))
    longest = max(state.gaze.away_s or 0.0 for state in seen)
    assert longest == pytest.approx(0.5 + 3.5, abs=0.1)
    assert seen[-1].gaze.away_s is None


@pytest.mark.parametrize("blind", [no_face(4), no_camera(4)])
def test_fail__a_face_lost_while_looking_ahead_is_never_away(blind: Stretch) -> None:
    seen = states(film([attentive(2), blind]))
    assert max(state.gaze.away_s or 0.0 for state in seen) == 0.0
    assert seen[-1].gaze.away_s is None


def test_fail__a_pose_that_is_no_number_is_unknown() -> None:
    last = states(film([Stretch(2, yaw=math.nan)]))[-1]
    assert (last.gaze.zone, last.gaze.away_s, last.head) == ("unknown", None, None)
