"""The states of the camera told apart, from what perception measured: each in time, and none for what a driver does."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from driver_monitor.data.driver_state import DriverState
from driver_monitor.data.observation import Observation, SceneView, Shake
from driver_monitor.rules.engine import Engine
from driver_monitor.state.tracker import StateTracker
from tests.timeline import Stretch, attentive, film, no_camera, no_face, shipped, states

FPS = 20
SAME, OTHER = 0.9, 0.05


@dataclass(frozen=True)
class Part:
    """A stretch of a drive, and what is measured of the scene in it. `shake`: length of a shake."""

    stretch: Stretch
    match: float | None = SAME
    hidden: float | None = 0.05
    blur: float | None = 0.1
    sharpness: float | None = -6.0
    shake: float | None = 0.0005


def drive(*parts: Part) -> list[Observation]:
    """The frames of all parts; the scene is measured once a second, shaking twice."""
    ends, total = [], 0.0
    for part in parts:
        total += part.stretch.seconds
        ends.append(total)
    frames = []
    for number, seen in enumerate(film([part.stretch for part in parts], FPS)):
        part = next(part for part, end in zip(parts, ends, strict=True) if seen.t < end - 1e-6)
        if number % FPS == 0 and seen.camera == "ok" and seen.light != "dark":
            scene = SceneView(part.match, part.hidden, part.sharpness, part.blur)
            seen = replace(seen, scene=scene)  # noqa: PLW2901
        if number % (FPS // 2) == 1 and part.shake is not None:
            sign = 1 if number // (FPS // 2) % 2 else -1
            seen = replace(seen, shake=Shake(sign * part.shake, 0.3 * sign * part.shake))  # noqa: PLW2901
        frames.append(seen)
    return frames


def cameras(*parts: Part) -> list[tuple[str, float]]:
    """Each new state of the camera and its time, without the first "ok"."""
    told: list[tuple[str, float]] = []
    for state in states(drive(*parts)):
        if state.camera != (told[-1][0] if told else "ok"):
            told.append((state.camera, round(state.t, 2)))
    return told


def last(*parts: Part) -> DriverState:
    return states(drive(*parts))[-1]


BEFORE = Part(attentive(10))


def test_ok__a_covered_lens_is_told_after_a_second_and_a_half_and_a_passing_hand_never() -> None:
    assert cameras(BEFORE, Part(no_camera(5, "covered"))) == [("covered", 11.5)]
    assert cameras(BEFORE, Part(no_camera(1, "covered")), BEFORE, Part(no_camera(1.2, "covered")), BEFORE) == []


def test_ok__a_frozen_picture_is_told_after_half_a_second_more_and_a_still_driver_never() -> None:
    assert cameras(BEFORE, Part(no_camera(5, "frozen"))) == [("frozen", 10.5)]
    assert cameras(BEFORE, *[Part(no_camera(0.3, "frozen")), BEFORE] * 3) == []


def test_ok__a_free_lens_is_ok_at_once() -> None:
    assert cameras(BEFORE, Part(no_camera(5, "covered")), BEFORE)[-1] == ("ok", 15.0)


def test_ok__a_camera_turned_away_is_told_within_ten_seconds() -> None:
    assert cameras(BEFORE, Part(no_face(10), match=OTHER)) == [("turned_away", 14.0)]


def test_ok__a_camera_that_sinks_slowly_is_turned_away_too() -> None:
    told = cameras(BEFORE, Part(no_face(3), match=0.54), Part(no_face(10), match=OTHER))
    assert told == [("turned_away", 17.0)]


def test_ok__a_turned_camera_stays_turned_until_it_is_turned_back_or_a_face_is_seen() -> None:
    turned = Part(no_face(60), match=OTHER)
    assert cameras(BEFORE, turned) == [("turned_away", 14.0)]
    assert cameras(BEFORE, turned, Part(no_face(5)))[-1][0] == "ok"
    assert cameras(BEFORE, turned, Part(attentive(5), match=OTHER))[-1] == ("ok", 70.5)


def test_ok__a_false_face_for_a_moment_does_not_end_it() -> None:
    turned = Part(no_face(10), match=OTHER)
    assert cameras(BEFORE, turned, Part(attentive(0.3), match=OTHER), turned) == [("turned_away", 14.0)]


def test_ok__in_the_dark_a_turned_camera_stays_turned() -> None:
    dark = Part(replace(no_face(30, "dark"), light="dark"))
    assert cameras(BEFORE, Part(no_face(10), match=OTHER), dark) == [("turned_away", 14.0)]


@pytest.mark.parametrize("seconds", [3, 60, 600])
def test_ok__a_driver_who_leans_out_or_leaves_is_no_turned_camera(seconds: float) -> None:
    assert cameras(BEFORE, Part(no_face(seconds), match=0.65, hidden=0.3)) == []


def test_ok__light_that_changes_over_minutes_in_an_empty_car_is_no_turned_camera() -> None:
    fading = [Part(no_face(30), match=match) for match in (0.8, 0.7, 0.6, 0.56, 0.54, 0.52, 0.4, 0.1, 0.05)]
    assert cameras(BEFORE, *fading) == []


def test_ok__another_scene_with_the_face_in_it_is_a_camera_that_was_moved() -> None:
    assert cameras(BEFORE, Part(attentive(30), match=OTHER)) == []


def test_ok__before_the_first_face_nothing_is_turned_away() -> None:
    assert cameras(Part(no_face(60), match=None, hidden=None)) == []


def test_ok__a_tunnel_is_no_turned_camera() -> None:
    tunnel = Part(replace(no_face(20, "dark"), light="dark"))
    assert cameras(BEFORE, tunnel, BEFORE) == []


def test_ok__a_lens_covered_in_part_is_told_if_the_face_is_gone() -> None:
    assert cameras(BEFORE, Part(no_face(10), hidden=0.8, match=0.7)) == [("covered", 13.0)]
    assert cameras(BEFORE, Part(attentive(10), hidden=0.8, match=0.7)) == []


def test_ok__a_camera_turned_to_a_plain_wall_is_turned_away_and_not_covered_for_long() -> None:
    assert last(BEFORE, Part(no_face(10), hidden=0.8, match=OTHER)).camera == "turned_away"


def test_ok__sudden_blur_is_told_within_ten_seconds_with_and_without_a_face() -> None:
    for stretch in (attentive(12), no_face(12)):
        [(told, t)] = cameras(BEFORE, Part(stretch, blur=3.0))
        assert told == "out_of_focus"
        assert t - 10 <= 10


def test_ok__blur_that_grows_over_minutes_is_told() -> None:
    growing = [Part(attentive(30), blur=blur / 10) for blur in range(0, 32, 4)]
    [(told, t)] = cameras(BEFORE, *growing)
    assert told == "out_of_focus"
    assert 130 < t < 190


def test_ok__a_driver_who_moves_for_some_seconds_is_no_lens_out_of_focus() -> None:
    assert cameras(BEFORE, *[Part(attentive(2), blur=2.6), Part(attentive(4))] * 5) == []


def test_ok__another_scene_is_not_compared_with_the_best() -> None:
    assert cameras(BEFORE, Part(no_face(10), match=0.54, blur=5.0)) == []


def test_ok__a_lens_that_was_never_clean_is_told_after_a_minute() -> None:
    assert cameras(Part(attentive(90), blur=0.0, sharpness=-12.0)) == [("out_of_focus", 60.0)]
    assert cameras(Part(attentive(90), blur=0.0, sharpness=-10.0)) == []


def test_ok__a_clean_lens_is_ok_again() -> None:
    assert cameras(BEFORE, Part(attentive(20), blur=3.0), Part(attentive(20)))[-1][0] == "ok"


def test_ok__vibration_is_told_and_ends() -> None:
    told = cameras(BEFORE, Part(attentive(12), shake=0.012), Part(attentive(12)))
    assert [state for state, _ in told] == ["vibrating", "ok"]
    assert told[0][1] - 10 <= 5
    assert told[1][1] - 22 <= 5


def test_ok__knocks_of_a_bad_road_are_no_vibration() -> None:
    assert cameras(BEFORE, *[Part(attentive(0.5), shake=0.03), Part(attentive(2.5))] * 6) == []


def test_ok__at_five_frames_a_second_the_same_is_told() -> None:
    frames = [seen for number, seen in enumerate(drive(BEFORE, Part(no_face(10), match=OTHER))) if number % 4 == 0]
    assert states(frames)[-1].camera == "turned_away"


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        (Part(no_camera(10, "covered")), "camera_fault"),
        (Part(no_face(10), match=OTHER), "camera_fault"),
        (Part(no_face(10), hidden=0.8, match=0.7), "camera_fault"),
        (Part(attentive(10), blur=3.0), "camera_poor"),
        (Part(attentive(10), shake=0.012), "camera_poor"),
    ],
)
@pytest.mark.parametrize("profile", ["default", "euro_ncap", "quiet", "eu_addw", "fleet"])
def test_ok__each_fault_raises_its_alert_within_ten_seconds_in_each_profile(
    fault: Part, rule: str, profile: str
) -> None:
    tracker, engine = StateTracker(), Engine(shipped(profile))
    events = [event for seen in drive(BEFORE, fault) for event in engine.update(tracker.update(seen)).events]
    [raised] = [event for event in events if event.rule == rule and event.phase == "raised"]
    assert raised.t - 10 <= 10


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Part(no_camera(10, "covered")), "covered"),
        (Part(no_face(10), match=OTHER), "turned_away"),
        (Part(no_face(10), hidden=0.8, match=0.7), "covered"),
        (Part(attentive(10), blur=3.0), "out_of_focus"),
        (Part(attentive(10), shake=0.012), "vibrating"),
    ],
)
def test_ok__a_fault_is_the_reason_for_degraded(fault: Part, reason: str) -> None:
    assert last(BEFORE, fault).degraded == reason


def test_ok__where_the_camera_cannot_be_trusted_the_driver_is_unknown() -> None:
    for fault in (Part(no_camera(10, "covered")), Part(no_face(10), match=OTHER), Part(no_camera(10, "frozen"))):
        state = last(BEFORE, fault)
        assert (state.eyes.state, state.gaze.zone, state.camera_fault_s > 5) == ("unknown", "unknown", True)


def test_ok__a_poor_picture_still_shows_the_driver() -> None:
    state = last(BEFORE, Part(attentive(10), blur=3.0))
    assert state.eyes.state == "open"
    assert (state.camera_fault_s, state.camera_poor_s > 1) == (0.0, True)
    nobody = last(BEFORE, Part(no_face(10), blur=3.0))
    assert (nobody.camera, nobody.degraded) == ("out_of_focus", "no_face")
