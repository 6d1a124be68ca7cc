"""Sight that comes and goes, and drivers who play with it: nothing critical is made up, and nothing is kept quiet."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver_monitor.config.profiles import known, load_profile
from driver_monitor.data.alert import AlertEvent
from driver_monitor.rules.engine import Engine
from driver_monitor.state.tracker import StateTracker
from tests.timeline import Stretch, alerts, attentive, away, film, no_camera, no_face, raised, shut, states, unreadable


def shades(seconds: float, **what: object) -> Stretch:
    """Behind sunglasses: the head is seen, the eyes are not."""
    return attentive(seconds, reason="sunglasses", iris_yaw=None, **what)


def of(rule: str, drive: list[Stretch], fps: float = 20.0, profile: str = "default") -> list[AlertEvent]:
    return [event for event in alerts(film(drive, fps), profile) if event.rule == rule]


@pytest.mark.parametrize("profile", ["default", "quiet"])
def test_ok__behind_sunglasses_the_road_is_a_return(profile: str) -> None:
    reported = of("unresponsive", [shades(20), shades(7, yaw=45.0), shades(10)], profile=profile)
    assert [event.phase for event in reported] == ["raised", "cleared"]
    assert reported[1].t < 30


def test_ok__who_slept_is_not_let_off_by_putting_sunglasses_on() -> None:
    assert [event.phase for event in of("unresponsive", [attentive(5), shut(7), shades(30)])] == ["raised"]


def test_ok__what_was_due_at_a_red_light_is_not_reported_of_a_driver_who_cannot_be_seen() -> None:
    drive = [attentive(5), shut(7, speed_kmh=0.0), attentive(3, face=False, speed_kmh=0.0)]
    reported = of("sleep", [*drive, attentive(30, face=False, speed_kmh=50.0)])
    assert [(event.phase, event.level) for event in reported] == [("raised", "info")]
    seen_again = of("sleep", [*drive, shut(4, speed_kmh=50.0)])
    assert seen_again[-1].level == "critical"
    assert all("unknown" not in event.message for event in seen_again)


def test_ok__blinks_do_not_keep_a_locked_alert_alive() -> None:
    reported = of("unresponsive", [attentive(20), away(10), *[attentive(1.7), shut(0.2)] * 10])
    assert reported[-1].phase == "cleared"
    assert 2.2 < reported[-1].t - 30 < 3.5


@pytest.mark.parametrize(("fps", "hidden"), [(30.0, 5), (25.0, 4)])
def test_ok__glimpses_of_a_lid_behind_sunglasses_are_no_sleep(fps: float, hidden: int) -> None:
    glimpses = [part for _ in range(60) for part in (shut(1 / fps), unreadable(hidden / fps))]
    assert {rule for rule, _ in raised(film([attentive(10), *glimpses], fps))} == {"eyes_unreadable"}


def test_ok__one_frame_at_the_edge_of_the_road_does_not_make_an_absence_a_look_away() -> None:
    lost = [away(0.05, yaw=27.0), no_face(3.4)]
    assert {rule for rule, _ in raised(film([attentive(70), *lost * 4, attentive(2)]))} <= {"no_face"}


@pytest.mark.parametrize("fps", [7.0, 10.0, 20.0])
def test_ok__a_head_that_turns_to_the_back_seat_is_away_from_the_frame_it_was_last_seen_in(fps: float) -> None:
    turned = [attentive(70), away(1 / fps, yaw=60.0), no_face(3.4), attentive(2)]
    assert [rule for rule, _ in raised(film(turned, fps))] == ["long_distraction"]


FLICKERS = {
    "sunglasses, the face lost for a frame now and then": ([unreadable(0.85), no_face(0.05)], "eyes_unreadable"),
    "no face, the camera lost for a frame now and then": ([no_face(0.85), no_camera(0.05)], "no_face"),
    "eyes shut whenever they are seen, the face lost between": ([shut(0.4), no_face(0.6)], "eyes_unreadable"),
    "the same with the camera": ([shut(0.45), no_camera(0.95)], "eyes_unreadable"),
}


@pytest.mark.parametrize("profile", known())
@pytest.mark.parametrize("kind", FLICKERS)
def test_ok__sight_that_flickers_is_reported_of_within_ten_seconds(kind: str, profile: str) -> None:
    parts, rule = FLICKERS[kind]
    assert dict(raised(film([attentive(10), *parts * 20]), profile))[rule] - 10 < 10


def test_ok__hiding_does_not_clear_sleepiness_that_ages_out_unseen() -> None:
    reported = of("drowsiness", [attentive(30), shut(0.9), *[attentive(2), shut(0.9)] * 8, attentive(25), no_face(60)])
    assert reported[-1].phase != "cleared"


def test_ok__eyes_that_seem_shut_in_every_other_frame_end_no_better_and_hold_no_memory() -> None:
    tracker, closures = StateTracker(), []
    for seen in film([attentive(5), *[shut(0.05), attentive(0.05)] * 600]):
        closures.append(tracker.update(seen).eyes.closed_s or 0.0)
    assert max(closures) < 0.4
    assert closures[-2:] != [closures[-1]] * 2


OWN = """\
name: own
rules:
  - id: {id}
    when: {{signal: {when}}}
    clear: {{signal: {clear}}}
    level: warning
    escalate: [{{after_s: 3, level: critical}}]
    message: told
    clause: none
"""


def own(tmp_path: Path, drive: list[Stretch], **what: str) -> list[tuple[str, float]]:
    path = tmp_path / "own.yaml"
    path.write_text(OWN.format(id="own", **what))
    engine = Engine(load_profile(str(path))[0])
    return [(event.phase, event.t) for state in states(film(drive)) for event in engine.update(state).events]


def test_ok__a_saccade_to_the_road_does_not_end_a_rule_that_clears_on_the_zone(tmp_path: Path) -> None:
    drive = [attentive(20), *[away(0.7), attentive(0.1)] * 8, attentive(2)]
    reported = own(tmp_path, drive, when="gaze.away_s, at_least: 2.0", clear="gaze.zone, is: road")
    assert [phase for phase, _ in reported] == ["raised", "escalated", "cleared"]


def test_ok__a_gap_in_the_frames_is_no_time_without_a_return(tmp_path: Path) -> None:
    frames = [unreadable(9.0), no_camera(0.05)]
    what = {"when": "eyes.unread_s, at_least: 5.0", "clear": "eyes.unread_s, at_most: 0.0"}
    reported = own(tmp_path, [attentive(5), *frames], **what)
    assert [(phase, round(t, 1)) for phase, t in reported] == [("raised", 10.0), ("escalated", 13.0)]
    path = tmp_path / "own.yaml"
    engine = Engine(load_profile(str(path))[0])
    seen = [frame for frame in film([attentive(5), unreadable(20)]) if not 6 < frame.t < 12]
    late = [(event.phase, event.t) for state in states(seen) for event in engine.update(state).events]
    assert [(phase, round(t, 1)) for phase, t in late] == [("raised", 12.0), ("escalated", 15.0)]
