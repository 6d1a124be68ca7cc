"""Straight ahead is learned, and away is counted, by time."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from driver_monitor.state.gaze.regions import Wheel
from driver_monitor.state.tracker import StateTracker
from tests.timeline import Stretch, attentive, away, film, no_camera, no_face, shut, states


@pytest.mark.parametrize("yaw", [-44.0, -20.0, 0.0, 20.0, 44.0])
@pytest.mark.parametrize("pitch", [-20.0, 0.0, 20.0])
def test_ok__a_camera_off_axis_sees_the_road_from_the_first_second(yaw: float, pitch: float) -> None:
    seen = states(film([attentive(5, yaw=yaw, pitch=pitch)]))
    assert {state.gaze.zone for state in seen[20:]} == {"road"}
    assert max(state.gaze.away.seconds or 0.0 for state in seen) < 1.0


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
    assert seen[-1].gaze.away.seconds == pytest.approx(14.95)


@pytest.mark.parametrize(
    ("yaw", "pitch", "zone"), [(40, 0, "left"), (-40, 0, "right"), (0, -35, "down"), (0, 35, "up"), (20, -20, "road")]
)
def test_ok__zones_are_the_drivers_own(yaw: float, pitch: float, zone: str) -> None:
    assert states(film([attentive(2), away(1, yaw, pitch)]))[-1].gaze.zone == zone


def test_ok__short_saccades_to_the_road_do_not_reset_the_timer_and_a_look_does() -> None:
    seen = states(film([attentive(2), away(1), attentive(0.2), away(1)]))
    assert seen[-1].gaze.away.seconds == pytest.approx(1.9, abs=0.06)
    seen = states(film([attentive(2), away(1), attentive(0.4), away(1)]))
    assert seen[-1].gaze.away.seconds == pytest.approx(0.95, abs=0.01)


def test_ok__shut_eyes_are_not_a_look_away() -> None:
    seen = states(film([attentive(2), shut(3, pitch=-40)]))
    assert max(state.gaze.away.seconds or 0.0 for state in seen) == 0.0
    assert (seen[-1].gaze.zone, seen[-1].gaze.away.seconds) == ("unknown", None)


def test_ok__lids_that_read_shut_on_a_head_that_stays_turned_do_not_interrupt_a_look_away() -> None:
    seen = states(film([attentive(2), away(1), shut(0.2, yaw=40), away(1)]))
    assert seen[-1].gaze.away.seconds == pytest.approx(2.15, abs=0.06)


def test_ok__a_blink_on_the_way_back_to_the_road_is_not_counted() -> None:
    seen = states(film([attentive(2), away(1), shut(0.2), away(1)]))
    assert seen[-1].gaze.away.seconds == pytest.approx(1.9, abs=0.06)


def test_ok__a_face_lost_in_a_turn_is_away_for_a_while_and_then_unknown() -> None:
    seen = states(film([attentive(2), away(0.5, 60), no_face(8)]))
    longest = max(state.gaze.away.seconds or 0.0 for state in seen)
    assert longest == pytest.approx(0.5 + 3.5, abs=0.1)
    assert seen[-1].gaze.away.seconds is None


@pytest.mark.parametrize("yaw", [-10.0, 0.0, 22.0])
@pytest.mark.parametrize("turn", [47.0, -47.0])
@pytest.mark.parametrize("fps", [15.0, 60.0])
def test_ok__a_head_that_turns_out_of_sight_before_straight_ahead_is_known_is_away(
    yaw: float, turn: float, fps: float
) -> None:
    on_the_way = attentive(0.2, opening=0.05, yaw=yaw + 0.4 * turn)
    ear = attentive(0.1, yaw=yaw + 0.2 * turn, reason="sunglasses", iris_yaw=None)
    drive = [attentive(0.8, yaw=yaw), on_the_way, away(0.15, yaw + turn), ear, no_face(3.2), attentive(1, yaw=yaw)]
    seen = states(film(drive, fps))
    assert max(state.gaze.away.seconds or 0.0 for state in seen) > 3.0
    assert seen[-1].gaze.zone == "road"


@pytest.mark.parametrize(("yaw", "pitch"), [(25.0, 0.0), (0.0, 45.0)])
def test_fail__a_face_lost_after_a_small_turn_or_a_look_up_is_unknown(yaw: float, pitch: float) -> None:
    seen = states(film([attentive(0.8), away(0.2, yaw, pitch), no_face(4)]))
    assert max(state.gaze.away.seconds or 0.0 for state in seen) < 0.5
    assert seen[-1].gaze.away.seconds is None


def test_fail__a_face_lost_after_a_turn_back_is_unknown() -> None:
    for seconds in (1.5, 2.5):
        seen = states(film([away(seconds, 44.0), attentive(0.4), no_face(4)]))
        assert seen[-1].gaze.away.seconds is None
        assert max(state.gaze.away.seconds or 0.0 for state in seen) < seconds + 0.5


@pytest.mark.parametrize("back", [8.0, 14.0, 20.0])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_ok__a_head_turned_far_is_a_look_away_though_its_irises_seem_to_look_back(back: float, side: float) -> None:
    look = attentive(4, yaw=33.0 * side, iris_yaw=-back / 0.7 * side)
    for start in (attentive(6), attentive(6, iris_yaw=10.0)):
        last = states(film([start, look]))[-1].gaze
        assert (last.zone, last.away.movement) == ("left" if side > 0 else "right", "owl")
        assert (last.away.seconds or 0.0) > 3.8


def test_ok__eyes_that_stay_on_the_road_while_the_head_turns_a_little_are_on_the_road() -> None:
    seen = states(film([attentive(6), attentive(4, yaw=27.0, iris_yaw=-20.0)]))
    assert {state.gaze.zone for state in seen} == {"road"}


@pytest.mark.parametrize("blind", [no_face(4), no_camera(4)])
def test_fail__a_face_lost_while_looking_ahead_is_never_away(blind: Stretch) -> None:
    seen = states(film([attentive(2), blind]))
    assert max(state.gaze.away.seconds or 0.0 for state in seen) == 0.0
    assert seen[-1].gaze.away.seconds is None


def test_fail__a_pose_that_is_no_number_is_unknown() -> None:
    last = states(film([Stretch(2, yaw=math.nan)]))[-1]
    assert (last.gaze.zone, last.gaze.away.seconds, last.head) == ("unknown", None, None)


def regions(wheel: Wheel, *drive: Stretch, fps: float = 20) -> list[str | None]:
    tracker = StateTracker(wheel=wheel)
    return [tracker.update(frame).gaze.region for frame in film(drive, fps)]


@pytest.mark.parametrize(
    ("yaw", "pitch", "region"),
    [
        (0, 0, "road"),
        (0, -22, "instruments"),
        (-33, -28, "console"),
        (-40, 9, "rear_mirror"),
        (45, -8, "left_mirror"),
        (-65, -5, "right_mirror"),
        (10, -45, "lap"),
        (0, 45, None),
    ],
)
def test_ok__parts_of_the_car_are_reported_and_mirrored_for_a_wheel_on_the_right(
    yaw: float, pitch: float, region: str | None
) -> None:
    assert regions("left", attentive(2), away(1, yaw, pitch))[-1] == region
    swapped = {"left_mirror": "right_mirror", "right_mirror": "left_mirror"}.get(region or "", region)
    assert regions("right", attentive(2), away(1, -yaw, pitch))[-1] == swapped


def test_ok__a_saccade_across_the_mirror_is_no_glance_into_it() -> None:
    drive = [attentive(2), away(0.05, -40, 8), away(1, -65, -5), away(0.05, -40, 8), attentive(1)]
    assert "rear_mirror" not in regions("left", *drive)


@pytest.mark.parametrize("fps", [10, 15, 30, 60])
def test_ok__at_the_edge_of_two_regions_the_answer_does_not_flicker(fps: int) -> None:
    edge = [away(0.1, -24 - 4 * (k % 2), 6) for k in range(40)]
    seen = regions("left", attentive(2), *edge, fps=fps)[2 * fps :]
    assert sum(a != b for a, b in pairwise(seen)) <= 1


def test_ok__eyes_alone_can_look_away_and_where_they_cannot_be_reported_the_head_speaks() -> None:
    eyes_only = states(film([attentive(2), attentive(1, iris_yaw=-42)]))[-1]
    assert (eyes_only.gaze.zone, eyes_only.gaze.source) == ("right", "eyes+head")
    head_only = states(film([attentive(2), attentive(1, iris_yaw=None, yaw=40)]))[-1]
    assert (head_only.gaze.zone, head_only.gaze.source) == ("left", "head")


def test_ok__irises_that_rest_aside_are_this_drivers_straight_ahead_with_and_without_them() -> None:
    seen = states(film([attentive(5, yaw=17, iris_yaw=14), attentive(2, yaw=17, iris_yaw=None)]))
    assert {state.gaze.zone for state in seen[40:]} == {"road"}
    assert abs(seen[-1].gaze.yaw or 99) < 5


@pytest.mark.parametrize(
    ("blind", "reason"),
    [
        (no_face(1), "no_face"),
        (no_camera(1), "no_picture"),
        (shut(1), "eyes_closed"),
        (Stretch(1, yaw=math.nan), "pose"),
    ],
)
def test_ok__a_gaze_that_cannot_be_reported_says_why(blind: Stretch, reason: str) -> None:
    gaze = states(film([attentive(2), blind]))[-1].gaze
    assert (gaze.yaw, gaze.zone, gaze.region, gaze.source, gaze.reason) == (None, "unknown", None, None, reason)


def test_ok__a_glance_into_the_mirror_when_setting_off_is_unlearned_before_anybody_is_warned() -> None:
    seen = states(film([away(0.6, -44), attentive(6)]))
    assert max(state.gaze.away.seconds or 0.0 for state in seen) < 3.0
    assert {state.gaze.zone for state in seen[60:]} == {"road"}


def test_ok__a_face_lost_on_the_way_down_is_away_for_a_while() -> None:
    seen = states(film([attentive(2), away(0.5, 0, -40), no_face(8)]))
    assert max(state.gaze.away.seconds or 0.0 for state in seen) == pytest.approx(4.0, abs=0.1)


def test_ok__who_looks_ahead_for_two_seconds_and_then_away_is_away() -> None:
    drive = [attentive(2.0, iris_yaw=None), attentive(3.6, yaw=-38.0, iris_yaw=None)]
    for fps in (10, 20, 30):
        assert (states(film(drive, fps))[-1].gaze.away.seconds or 0.0) >= 3.3


def test_ok__a_camera_far_off_the_axis_is_learned_from_the_first_moment() -> None:
    assert states(film([attentive(4, yaw=30.0, iris_yaw=None)]))[-1].gaze.zone == "road"
    glance = [attentive(0.4, yaw=-10.0, iris_yaw=None), attentive(12, yaw=35.0, iris_yaw=None)]
    assert states(film(glance))[-1].gaze.zone == "road"


@pytest.mark.parametrize("yaw", [45.0, -45.0])
def test_ok__who_looked_away_first_is_back_on_the_road_after_the_next_look_away_too(yaw: float) -> None:
    """Ahead is then held back between the two places; the hysteresis must not shut the road out."""
    seen = states(film([away(2, yaw), attentive(3), away(2, -yaw), attentive(3)], 8))
    assert seen[-1].gaze.zone == "road"
    assert max(state.gaze.away.seconds or 0.0 for state in seen) < 2.5
