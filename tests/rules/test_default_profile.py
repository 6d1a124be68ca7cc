"""The shipped policy, as drives."""

from __future__ import annotations

import re

import pytest

from driver_monitor.config.profiles import load_profile
from tests.timeline import (
    Stretch,
    alerts,
    attentive,
    away,
    film,
    no_camera,
    no_face,
    raised,
    shut,
    story,
    unreadable,
    verdicts,
    yawn,
)

CLOSURE = [attentive(4.4), shut(4.45), attentive(1.3)]
"""The closure of the acceptance clip: shut at 4.4 s, open again at 8.85 s."""


@pytest.mark.parametrize(("fps", "every"), [(10, 1), (15, 1), (20, 1), (20, 2), (20, 3), (30, 1), (60, 1)])
def test_ok__a_closure_of_four_seconds_and_a_half(fps: float, every: int) -> None:
    events = alerts(film(CLOSURE, fps, every=every))
    assert [(event.rule, event.phase) for event in events] == [
        ("microsleep", "raised"),
        ("sleep", "raised"),
        ("unresponsive", "raised"),
        ("microsleep", "cleared"),
        ("sleep", "cleared"),
        ("unresponsive", "cleared"),
    ]
    at = [event.t for event in events]
    assert 1.0 <= at[0] - 4.4 + 1e-9 <= 1.4
    assert 3.0 <= at[1] - 4.4 + 1e-9 <= 3.4
    assert at[2] - at[0] >= 3.0
    assert at[3] == at[4] <= 8.85 + 0.5


@pytest.mark.parametrize("phase", [0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.1])
@pytest.mark.parametrize("every", [2, 3])
def test_ok__every_second_or_third_frame_gives_the_same_alerts_within_150_ms(every: int, phase: float) -> None:
    drive = [attentive(4.4 + phase), *CLOSURE[1:], attentive(3), away(4), attentive(3)]
    full, sparse = alerts(film(drive)), alerts(film(drive, every=every))
    assert [(event.rule, event.phase) for event in full] == [(event.rule, event.phase) for event in sparse]
    assert max(abs(one.t - other.t) for one, other in zip(full, sparse, strict=True)) <= 0.15 + 1e-9


@pytest.mark.parametrize("fps", [10, 20, 30])
@pytest.mark.parametrize(
    ("short", "long", "rule", "limit"),
    [
        (shut(0.8), shut(1.2), "microsleep", 1.0),
        (shut(2.8), shut(3.2), "sleep", 3.0),
        (away(2.8), away(3.2), "long_distraction", 3.0),
        (away(2.8, 0, -35), away(3.2, 0, -35), "long_distraction", 3.0),
    ],
)
def test_ok__just_under_gives_nothing_and_just_over_gives_it_in_time(
    short: Stretch, long: Stretch, rule: str, limit: float, fps: float
) -> None:
    before, after = attentive(5), attentive(3)
    assert rule not in dict(raised(film([before, short, after], fps)))
    at = dict(raised(film([before, long, after], fps)))[rule]
    assert at - 5 == pytest.approx(limit, abs=1 / fps + 0.05)


def test_ok__lids_that_close_gradually_are_warned_of_in_time() -> None:
    closing = [attentive(0.05, opening=level, p_closed=net) for level, net in ((0.6, 0.2), (0.35, 0.4), (0.25, 0.7))]
    at = dict(raised(film([attentive(4.25), *closing, shut(4), attentive(1)])))
    assert 1.0 <= at["microsleep"] - 4.35 <= 1.4


def test_ok__ordinary_driving_is_silent() -> None:
    minute = [attentive(4), shut(0.2), attentive(5), away(1.0, 45), attentive(6), shut(0.15), attentive(3)]
    minute += [away(0.8, -60), attentive(4), away(1.5, 0, -35), attentive(8), attentive(0.4, opening=0.3, p_closed=0.4)]
    minute += [attentive(0.3, mouth=0.7), attentive(0.3, mouth=0.2)] * 10
    seen = verdicts(film(minute * 4))
    assert {verdict.active for verdict in seen} == {()}
    assert {verdict.attention for verdict in seen} == {"attentive"}


def test_ok__a_driver_who_does_not_look_back_is_unresponsive() -> None:
    drive = film([attentive(5), away(9), attentive(3)])
    assert story(drive) == [
        ("long_distraction", "raised"),
        ("unresponsive", "raised"),
        ("long_distraction", "cleared"),
        ("unresponsive", "cleared"),
    ]
    at = dict(raised(drive))
    assert at["unresponsive"] == pytest.approx(at["long_distraction"] + 3, abs=0.1)


def test_ok__a_look_back_in_time_spares_the_driver_the_critical_alert() -> None:
    drive = [attentive(5), away(5), attentive(2.2), away(5), attentive(2)]
    assert [rule for rule, _ in raised(film(drive))] == ["long_distraction"] * 2


@pytest.mark.parametrize("hiding", [no_face(20), no_camera(20), no_camera(20, "covered"), unreadable(20)])
def test_ok__hiding_from_the_camera_does_not_clear_a_warning_and_makes_it_no_worse(hiding: Stretch) -> None:
    seen = verdicts(film([attentive(3), shut(1.5), hiding, attentive(2)]))
    of_sleep = [event for verdict in seen for event in verdict.events if event.rule == "microsleep"]
    assert [event.phase for event in of_sleep] == ["raised", "cleared"]
    assert of_sleep[1].t == pytest.approx(24.5, abs=0.2)
    assert "unresponsive" not in {event.rule for verdict in seen for event in verdict.events}
    assert {verdict.attention for verdict in seen[90:-40]} == {"unknown"}


@pytest.mark.parametrize(
    ("blind", "rule"),
    [(no_face(12), "no_face"), (unreadable(12), "eyes_unreadable"), (no_camera(12), "camera_fault")],
)
def test_ok__a_blind_system_says_so_within_ten_seconds(blind: Stretch, rule: str) -> None:
    frames = film([attentive(3), blind, attentive(5)])
    events = alerts(frames)
    assert [(event.rule, event.phase) for event in events if event.rule == rule] == [
        (rule, "raised"),
        (rule, "cleared"),
    ]
    assert 0.5 < dict(raised(frames))[rule] - 3 < 10
    blind_time = [verdict for frame, verdict in zip(frames, verdicts(frames), strict=True) if 5 < frame.t < 15]
    assert {verdict.attention for verdict in blind_time} == {"unknown"}


def test_ok__a_picture_that_comes_back_brings_no_other_alerts_with_it() -> None:
    assert [rule for rule, _ in raised(film([attentive(3), no_camera(30), attentive(5)]))] == ["camera_fault"]
    gone = [event.rule for event in alerts(film([attentive(3), no_face(15), attentive(5)])) if event.phase == "raised"]
    assert gone == ["no_face"]


def test_ok__no_face_gets_worse_with_time() -> None:
    levels = [(event.phase, event.level) for event in alerts(film([attentive(3), no_face(25)]))]
    assert levels == [("raised", "info"), ("escalated", "warning")]


def test_ok__three_yawns_are_an_advisory() -> None:
    events = alerts(film([attentive(2), *[yawn(3), attentive(13)] * 3]))
    assert [(event.rule, event.level) for event in events] == [("drowsiness", "info")]
    assert events[0].evidence.measured["mouth.yawns"] == 3
    assert (events[0].evidence.window_s, events[0].evidence.coverage) == (300.0, None)
    assert events[0].message.endswith("PERCLOS 0%, yawns in five minutes: 3")


def test_ok__a_face_that_grimaces_all_the_time_does_not_yawn_three_times() -> None:
    assert alerts(film([attentive(2), *[yawn(2), attentive(2)] * 7])) == []


def test_ok__perclos_is_an_advisory_at_eight_and_a_warning_at_twelve_percent() -> None:
    mild = [attentive(6.5), shut(0.7)] * 12
    heavy = [attentive(4), shut(0.7)] * 30
    assert {(event.rule, event.level) for event in alerts(film(mild))} == {("drowsiness", "info")}
    events = [event for event in alerts(film(heavy)) if event.rule == "drowsiness"]
    assert events[-1].level == "warning"
    assert events[-1].evidence.threshold["perclos.value"] == 0.12
    assert events[-1].evidence.coverage is not None
    assert events[0].t >= 30.0
    assert events[-1].evidence.window_s == 60.0
    assert re.search(r"PERCLOS 1\d%, yawns in five minutes: 0$", events[-1].message)


def test_ok__drowsiness_does_not_rest_on_perclos_below_half_coverage() -> None:
    drive = [attentive(2), shut(0.8), unreadable(5)] * 12
    assert "drowsiness" not in {rule for rule, _ in raised(film(drive))}


def test_ok__every_alert_explains_itself() -> None:
    for event in alerts(film([*CLOSURE, away(7), attentive(2), no_face(12)])):
        assert event.evidence.clause
        assert event.evidence.measured
        assert event.evidence.threshold.keys() <= {*event.evidence.measured, "for_s"}
        assert "unknown" not in event.message


def test_ok__the_shipped_profile_says_where_each_number_comes_from() -> None:
    profile, text = load_profile("default")
    assert profile.name == "default"
    assert text.startswith("#")
    assert all(rule.clause for rule in profile.rules)


def test_ok__a_sleeper_whom_a_stalled_camera_hides_for_a_second_stays_alerted() -> None:
    asleep = [attentive(3), shut(2), no_camera(1), shut(2.5)]
    events = alerts(film([*asleep, attentive(2)]))
    cleared = [event for event in events if event.rule == "microsleep" and event.phase == "cleared"]
    assert len(cleared) == 1
    assert cleared[0].t >= sum(stretch.seconds for stretch in asleep)
