"""The target of the gaze, how sure it is, and the looks off the road ahead by target."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from driver_monitor.data.driver_state import DriverState
from driver_monitor.data.observation import Box, FaceView, Observation
from driver_monitor.state.gaze.targets import certainty, find_target, is_ahead, task
from driver_monitor.state.tracker import StateTracker
from tests.timeline import Stretch, alerts, attentive, film, lap, no_face, shut, states

FPS = 10.0
TARGETS = {
    (0.0, 0.0): "road", (22.0, 10.0): "road", (0.0, -21.0): "instruments", (22.0, -18.0): "wheel",
    (-33.0, -28.0): "console", (0.0, -48.0): "lap", (-38.0, 10.0): "rear_mirror", (45.0, -10.0): "left_mirror",
    (-65.0, -8.0): "right_mirror", (75.0, 5.0): "window", (-84.0, 0.0): "passenger", (-55.0, -35.0): "glovebox",
    (60.0, -50.0): "footwell", (0.0, 40.0): "roof", (-110.0, 0.0): "rear", (100.0, -10.0): "rear",
}  # fmt: skip


def at(yaw: float, pitch: float, seconds: float = 4.0, **what: object) -> Stretch:
    return Stretch(seconds, yaw=yaw, pitch=pitch, **what)  # type: ignore[arg-type]


def after(*drive: Stretch) -> DriverState:
    """The state after a minute of driving, so that a look is short against it, and `drive`."""
    return states(film([attentive(60), *drive], FPS))[-1]


@pytest.mark.parametrize(("direction", "target"), TARGETS.items(), ids=str)
def test_ok__each_direction_has_its_target(direction: tuple[float, float], target: str) -> None:
    state = after(at(*direction))
    assert state.gaze.target == target
    assert state.gaze.look.target == (None if target == "road" else target)
    driving = target in ("instruments", "rear_mirror", "left_mirror", "right_mirror")
    assert state.gaze.look.task == (None if target == "road" else "driving" if driving else "other")


def test_ok__the_targets_of_a_driver_on_the_right_are_mirrored() -> None:
    assert find_target(-75.0, 5.0, None, "right") == "window"
    assert find_target(84.0, 0.0, None, "right") == "passenger"
    tracker = StateTracker(wheel="right")
    state = [tracker.update(frame) for frame in film([attentive(12), at(55.0, -35.0)], FPS)][-1]
    assert state.gaze.target == "glovebox"


def test_ok__the_middle_of_a_target_is_sure_and_its_edge_is_not() -> None:
    assert certainty(0.0, 0.0, "road", 0.0, "left") == 1.0
    assert certainty(0.0, -48.0, "lap", 0.0, "left") == 1.0
    assert 0.2 < certainty(0.0, -13.5, "instruments", 0.0, "left") < 0.8


def test_ok__the_less_certain_straight_ahead_is_the_less_certain_is_the_target() -> None:
    shares = [certainty(0.0, -21.0, "instruments", uncertainty, "left") for uncertainty in (0.0, 10.0, 20.0)]
    assert shares[0] > shares[1] >= shares[2]
    assert certainty(0.0, 0.0, "road", 20.0, "left") < 1.0


def test_ok__the_instruments_are_no_look_away_but_a_look_off_the_road_ahead() -> None:
    state = after(at(0.0, -21.0, 4.0))
    assert state.gaze.away.seconds == 0.0
    assert state.gaze.look.off_s == pytest.approx(4.0, abs=0.16)
    assert state.gaze.look.looks.road_s == 0.0


def test_ok__the_road_near_the_car_is_ahead() -> None:
    assert is_ahead(0.0, -13.0)
    assert not is_ahead(0.0, -13.1)
    assert after(at(0.0, -11.0)).gaze.look.off_s == 0.0


def test_ok__a_look_that_wanders_has_the_target_and_the_task_of_most_of_its_time() -> None:
    look = after(at(0.0, -21.0, 1.0), at(-33.0, -28.0, 2.0)).gaze.look
    assert look.off_s == pytest.approx(3.0, abs=0.16)
    assert (look.target, look.task) == ("console", "other")
    look = after(at(0.0, -21.0, 2.0), at(-33.0, -28.0, 0.9)).gaze.look
    assert (look.target, look.task) == ("instruments", "driving")
    # Three short looks at other things are one task, longer together than the instruments.
    look = after(at(0.0, -21.0, 1.5), at(-33.0, -28.0, 1.0), at(0.0, -48.0, 1.0)).gaze.look
    assert (look.target, look.task) == ("instruments", "other")


def test_ok__looks_are_summed_by_task_until_two_seconds_ahead() -> None:
    drive = [at(0.0, -21.0, 2.0), attentive(1), at(0.0, -48.0, 3.0), attentive(1), at(45.0, -10.0, 1.0)]
    look = after(*drive).gaze.look
    assert look.looks.away_s == pytest.approx(6.0, abs=0.35)
    assert look.other_s == pytest.approx(3.0, abs=0.25)
    assert look.looks.count == 3
    look = after(*drive, attentive(2.2)).gaze.look
    assert (look.looks.away_s, look.other_s, look.looks.count) == (0.0, 0.0, 0)


def test_ok__a_glance_of_two_tenths_at_the_road_does_not_end_a_look() -> None:
    assert (after(at(0.0, -21.0, 2.0), attentive(0.2), at(0.0, -21.0, 1.0)).gaze.look.off_s or 0.0) > 2.7
    assert (after(at(0.0, -21.0, 2.0), attentive(0.6), at(0.0, -21.0, 1.0)).gaze.look.off_s or 9.0) < 1.3


def test_ok__low_lids_look_at_the_lap_and_how_surely_is_unknown() -> None:
    state = after(lap(0.5), lap(2.0, opening=0.1, p_closed=0.23))
    assert (state.gaze.target, state.gaze.target_p, state.gaze.look.task) == ("lap", None, "other")


def test_fail__closed_eyes_and_no_face_have_no_target() -> None:
    for part in (shut(2), no_face(2)):
        gaze = after(part).gaze
        assert (gaze.target, gaze.target_p, gaze.look.off_s) == (None, None, None)
        assert (gaze.look.looks.away_s, gaze.look.other_s) == (None, None)


def test_ok__a_face_that_turns_away_and_is_lost_goes_on_with_its_look() -> None:
    look = after(at(-80.0, 0.0, 1.0), no_face(2.0)).gaze.look
    assert look.off_s == pytest.approx(3.0, abs=0.16)
    assert look.target == "passenger"


@pytest.mark.parametrize("seconds", [5.0, 10.0, 20.0, 40.0])
def test_ok__a_stare_at_the_instruments_early_in_a_trip_does_not_excuse_itself(seconds: float) -> None:
    state = states(film([attentive(seconds), at(0.0, -21.0, 5.0)], FPS))[-1]
    assert (state.gaze.target, state.gaze.look.target) == ("instruments", "instruments")
    assert state.gaze.look.off_s == pytest.approx(5.0, abs=0.16)


@pytest.mark.parametrize("seconds", [3.0, 5.0, 20.0])
@pytest.mark.parametrize(
    "between",
    [shut(0.2, pitch=-21.0), attentive(0.1), no_face(0.3)],
    ids=["blink", "passing", "no face"],
)
def test_ok__a_stare_early_in_a_trip_does_not_excuse_itself_by_a_blink(between: Stretch, seconds: float) -> None:
    stare = at(0.0, -21.0, 1.5)
    state = states(film([attentive(seconds), stare, between, stare, between, stare], FPS))[-1]
    assert state.gaze.look.target == "instruments"
    assert (state.gaze.look.off_s or 0.0) > 3.5


@pytest.mark.parametrize("fps", [5.0, 10.0, 30.0])
@pytest.mark.parametrize("seconds", [3.0, 10.0, 20.0])
def test_ok__a_stare_early_in_a_trip_is_unresponsive_before_it_may_be_a_moved_camera(
    seconds: float, fps: float
) -> None:
    stare = [at(0.0, -21.0, 1.8), shut(0.2, pitch=-21.0)] * 4
    drive = film([attentive(seconds), *stare], fps)
    assert "unresponsive" in [event.rule for event in alerts(drive, "euro_ncap")]


@pytest.mark.parametrize(("held", "turned"), [(15.0, -35.0), (20.0, -25.0), (-20.0, 25.0)])
def test_ok__a_turn_off_the_road_from_a_held_place_is_a_look_off_the_road_ahead(held: float, turned: float) -> None:
    drive = film([attentive(4.5, yaw=held), attentive(5.0, yaw=turned)], FPS)
    gaze = states(drive)[-1].gaze
    assert gaze.away.seconds == pytest.approx(5.0, abs=0.16)
    assert gaze.look.off_s == pytest.approx(5.0, abs=0.16)
    assert next(event.rule for event in alerts(drive, "euro_ncap")).startswith("long_look")


def test_ok__a_camera_that_has_moved_is_no_look_for_ever() -> None:
    drive = [attentive(40), at(0.0, -18.0, 90.0)]
    assert states(film(drive, 5.0))[-1].gaze.look.off_s == 0.0


def test_ok__nothing_is_told_of_instruments_while_straight_ahead_may_be_there() -> None:
    first = states(film([at(0.0, -21.0, 1.0)], FPS))[-1]
    assert first.gaze.uncertainty_deg > 15
    assert first.gaze.look.off_s == 0.0


def moved(frames: list[Observation], widths: float, start: float) -> list[Observation]:
    """The same frames with the face so many widths aside, from `start` on."""
    found = []
    for frame in frames:
        face = frame.face
        assert isinstance(face, FaceView)
        box = Box(200.0 * widths, 0.0, 200.0, 200.0) if frame.t >= start else face.box
        found.append(replace(frame, face=replace(face, box=box)))
    return found


@pytest.mark.parametrize(("widths", "movement"), [(0.9, "owl"), (1.1, "lean"), (-1.5, "lean")])
def test_ok__a_head_that_has_left_its_usual_place_leans(widths: float, movement: str) -> None:
    frames = film([attentive(12), at(-55.0, -35.0, 2.0)], FPS)
    assert states(moved(frames, widths, 12.0))[-1].gaze.look.movement == movement


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_fail__a_face_box_that_is_not_finite_is_unknown_and_not_learned(bad: float) -> None:
    frames = moved(film([attentive(12), at(-55.0, -35.0, 2.0)], FPS), 1.5, 12.0)
    face = frames[50].face
    assert face is not None
    frames[50] = replace(frames[50], face=replace(face, box=Box(bad, 0.0, 200.0, 200.0)))
    assert states(frames)[-1].gaze.look.movement == "lean"


def test_ok__before_the_usual_place_is_known_nobody_leans() -> None:
    frames = film([attentive(0.5), at(-60.0, -35.0, 2.0)], FPS)
    assert states(moved(frames, 2.0, 0.5))[-1].gaze.look.movement in ("owl", None)


def test_ok__a_seat_that_was_moved_is_the_usual_place_after_some_minutes() -> None:
    frames = film([attentive(300), at(-55.0, -35.0, 2.0)], 5.0)
    assert states(moved(frames, 1.4, 12.0))[-1].gaze.look.movement == "owl"


def test_ok__mirrors_and_instruments_belong_to_driving() -> None:
    mirrors = (task("instruments"), task("rear_mirror"), task("left_mirror"), task("right_mirror"))
    assert set(mirrors) == {"driving"}
    assert (task("lap"), task("wheel"), task("passenger")) == ("other", "other", "other")
