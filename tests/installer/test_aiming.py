"""The verdicts on distance, side, height, place, driver's half and eyes, and the one sentence for the installer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.data.observation import CameraState, EyeReason, FaceLight, FaceReason, Observation
from driver_monitor.installer.aiming import Setting, Side, SteadyGood, headline, judge_aim
from driver_monitor.installer.check import Check
from tests.installer.seen import SIZE, eyes, face, nobody, second, watching

AUTO = Setting(SIZE)
BLINDED = FaceLight(240.0, 100.0, 0.5, 240.0, 240.0)
ORDER = ["picture", "face", "driver", "place", "distance", "side", "height", "light", "eyes"]


def judged(seen: Observation, setting: Setting = AUTO) -> dict[str, Check]:
    checks = judge_aim(second(seen), setting)
    assert [check.name for check in checks] == ORDER
    return {check.name: check for check in checks}


def test_ok__a_driver_in_front_of_the_camera_passes_every_check() -> None:
    checks = judge_aim(second(watching(face())), AUTO)
    assert {check.state for check in checks} == {"good"}
    assert headline(checks, steady=False).state == "unknown"
    assert headline(checks, steady=True).title == "Good"


def test_ok__before_the_first_picture_nothing_is_known_and_nothing_is_good() -> None:
    checks = judge_aim([], AUTO)
    assert {check.state for check in checks} == {"unknown"}
    assert headline(checks, steady=True).state == "unknown"


@pytest.mark.parametrize(
    ("width", "state", "words"),
    [
        (30, "bad", "to about 20 % of the present distance"),
        (79, "bad", "to about 50 % of the present distance"),
        (80, "fair", "Closer is better"),
        (109, "fair", "Closer is better"),
        (110, "good", "110 pixels"),
        (249, "good", "249 pixels"),
        (256, "bad", "to about 1.5 times the present distance"),
        (500, "bad", "to about 3.0 times the present distance"),
    ],
)
def test_ok__the_distance_is_judged_by_the_width_of_the_face(width: float, state: str, words: str) -> None:
    check = judged(watching(face(width)))["distance"]
    assert check.state == state
    assert words in check.words


@given(st.floats(1, 640), st.floats(1, 640))
def test_ok__no_face_is_both_nearer_and_too_far(one: float, other: float) -> None:
    near, far = max(one, other), min(one, other)
    words = [judged(watching(face(width)))["distance"].words for width in (near, far)]
    assert not ("Too far" in words[0] and "Too close" in words[1])


def test_ok__a_large_picture_does_not_make_a_good_distance_too_close() -> None:
    large = Setting((1280, 960))
    assert judged(watching(face(340, (640, 480))), large)["distance"].state == "good"
    assert judged(watching(face(260, (640, 480))), large)["distance"].state == "good"


def test_ok__a_face_that_fills_a_tiny_picture_needs_more_pixels_not_a_nearer_camera() -> None:
    check = judged(watching(face(60, (80, 60))), Setting((160, 120)))["distance"]
    assert check.state == "bad"
    assert "camera.width" in check.words


@given(st.floats(-90, 90))
def test_ok__left_and_right_are_judged_alike_and_named_apart(yaw: float) -> None:
    one, other = (judged(watching(face(yaw=angle)))["side"] for angle in (yaw, -yaw))
    assert one.state == other.state
    if one.state == "bad":
        assert one.words != other.words


@pytest.mark.parametrize(
    ("yaw", "state", "words"),
    [
        (19, "good", "from the front is 19 degrees"),
        (25, "fair", "from the driver's right, 25 degrees"),
        (35, "bad", "Move the camera to the driver's left"),
        (-35, "bad", "Move the camera to the driver's right"),
    ],
)
def test_ok__the_side_says_where_the_camera_must_go(yaw: float, state: str, words: str) -> None:
    check = judged(watching(face(yaw=yaw)))["side"]
    assert check.state == state
    assert words in check.words


@pytest.mark.parametrize(
    ("pitch", "state", "words"),
    [
        (10, "good", "from below"),
        (-19, "good", "from above"),
        (28, "fair", "higher"),
        (40, "bad", "Mount the camera higher"),
        (-40, "bad", "Mount the camera lower"),
    ],
)
def test_ok__a_camera_far_below_or_above_the_face_is_told(pitch: float, state: str, words: str) -> None:
    check = judged(watching(face(pitch=pitch)))["height"]
    assert check.state == state
    assert words in check.words


def test_ok__a_head_whose_direction_is_unknown_leaves_side_and_height_unknown() -> None:
    checks = judged(watching(face(yaw=None)))
    assert checks["side"].state == checks["height"].state == "unknown"
    assert headline(tuple(checks.values()), steady=True).state == "unknown"


@pytest.mark.parametrize(
    ("middle", "edge"), [((88, 240), "left"), ((555, 240), "right"), ((320, 90), "upper"), ((320, 395), "lower")]
)
def test_ok__a_face_at_the_edge_is_told(middle: tuple[float, float], edge: str) -> None:
    check = judged(watching(face(middle=middle)))["place"]
    assert check.state == "bad"
    assert f"the {edge} edge" in check.words


def test_ok__two_faces_ask_for_the_drivers_half_and_name_it() -> None:
    left = judged(watching(face(middle=(160, 240), others=1)))["driver"]
    right = judged(watching(face(middle=(480, 240), others=1)))["driver"]
    assert left.state == right.state == "bad"
    assert "camera.driver_side: left" in left.words
    assert "camera.driver_side: right" in right.words
    assert judged(watching(face(others=3)))["driver"].words.startswith("Several faces")


@pytest.mark.parametrize("side", ["left", "right"])
def test_ok__two_faces_are_fine_once_the_half_is_set(side: Side) -> None:
    check = judged(watching(face(others=1)), Setting(SIZE, side))["driver"]
    assert check.state == "good"
    assert side in check.words
    assert f"the {side} half" in judged(nobody(), Setting(SIZE, side))["face"].words


def test_ok__before_the_whole_picture_was_searched_nobody_knows_how_many_faces_there_are() -> None:
    assert judged(watching(face(others=None)))["driver"].state == "unknown"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("glare", "Glasses reflect light"),
        ("sunglasses", "Take off the sunglasses"),
        ("occluded", "Something covers"),
        ("dark", "more light"),
        ("blur", "focus"),
        ("pose", "Look straight ahead"),
    ],
)
def test_ok__eyes_that_cannot_be_read_are_told_with_the_reason(reason: EyeReason, words: str) -> None:
    check = judged(watching(face(), eyes(reason, reason)))["eyes"]
    assert check.state == "bad"
    assert words in check.words


def test_ok__a_dark_or_blinded_face_is_told_in_the_words_of_the_light() -> None:
    for light, words in ((FaceLight(20.0, 20.0, 0.0, 20.0, 20.0), "too dark"), (BLINDED, "over-exposed")):
        check = judged(replace(watching(face()), face_light=light))["light"]
        assert check.state == "bad"
        assert words in check.words


def test_ok__light_that_was_not_measured_is_unknown() -> None:
    assert judged(replace(watching(face()), face_light=None))["light"].state == "unknown"


def test_ok__one_eye_behind_a_reflection_is_not_good() -> None:
    assert judged(watching(face(), eyes("glare")))["eyes"].state == "bad"


def test_ok__a_reflection_in_one_of_eight_pictures_is_no_fault() -> None:
    seen = [*second(watching(face()))[:7], watching(face(), eyes("glare", "glare"))]
    assert {check.state for check in judge_aim(seen, AUTO)} == {"good"}


def test_ok__a_face_that_is_missed_in_one_of_eight_pictures_is_no_fault() -> None:
    seen = [*second(watching(face()))[:4], nobody(), *second(watching(face()))[:3]]
    assert {check.state for check in judge_aim(seen, AUTO)} == {"good"}


@pytest.mark.parametrize(
    ("camera", "reason", "words"),
    [
        ("lost", "no_frame", "Check its plug"),
        ("frozen", "no_frame", "stands still"),
        ("covered", "covered", "Take the cover off"),
        ("a_later_one", "no_frame", "a_later_one"),
    ],
)
def test_ok__a_camera_that_fails_is_told_at_once(camera: CameraState, reason: FaceReason, words: str) -> None:
    seen = [*second(watching(face()))[:7], nobody(reason, camera)]
    first, *others = judge_aim(seen, AUTO)
    assert (first.name, first.state) == ("picture", "bad")
    assert words in first.words
    assert {check.state for check in others} == {"unknown"}


@pytest.mark.parametrize(("camera", "words"), [("out_of_focus", "focus ring"), ("vibrating", "holder")])
def test_ok__a_poor_picture_is_told_and_the_face_in_it_is_judged_still(camera: str, words: str) -> None:
    checks = judged(watching(face(60)), Setting(SIZE, camera=camera))
    assert checks["picture"].state == "bad"
    assert words in checks["picture"].words
    assert "Too far" in checks["distance"].words
    assert "No face" in judged(nobody(), Setting(SIZE, camera=camera))["face"].words


def test_ok__a_camera_that_the_installer_turns_is_no_fault() -> None:
    checks = judge_aim(second(watching(face())), Setting(SIZE, camera="turned_away"))
    assert {check.state for check in checks} == {"good"}


def test_ok__a_camera_that_hangs_upside_down_is_told_with_its_setting() -> None:
    check = judged(replace(nobody("turned"), rotate_to=180))["picture"]
    assert check.state == "bad"
    assert "camera.rotate: 180" in check.words


def test_ok__darkness_is_told_apart_from_an_empty_seat() -> None:
    assert "infrared lamp" in judged(nobody("dark", light="dark"))["face"].words
    assert "Sit in the driver's seat" in judged(nobody())["face"].words


@given(st.lists(st.sampled_from(["lost", "frozen", "covered", "ok"]), min_size=1, max_size=8))
def test_ok__without_a_face_nothing_is_ever_good_for_the_installer(cameras: list[CameraState]) -> None:
    checks = judge_aim([nobody(camera=camera) for camera in cameras], AUTO)
    assert headline(checks, steady=True).state != "good"
    assert not all(check.passed for check in checks)


@given(st.integers(0, 8), st.integers(0, 8))
def test_ok__more_pictures_without_a_face_never_turn_no_face_into_a_face(some: int, more: int) -> None:
    fewer, many = sorted((some, more))
    states = [
        judge_aim([*[nobody()] * missing, *second(watching(face()))[missing:]], AUTO)[1].state
        for missing in (fewer, many)
    ]
    assert states != ["bad", "good"]


def test_ok__the_sentence_is_about_the_first_fault() -> None:
    far_and_aside = judge_aim(second(watching(face(60, yaw=40))), AUTO)
    assert headline(far_and_aside, steady=False).title == "Distance"


def test_ok__good_is_told_only_after_two_seconds_without_a_break() -> None:
    steady = SteadyGood()
    assert [steady.update(t, True) for t in (0.0, 1.0, 1.9, 2.0)] == [False, False, False, True]
    assert not steady.update(2.1, False)
    assert [steady.update(t, True) for t in (2.2, 4.1, 4.2)] == [False, False, True]


def test_ok__a_time_that_jumps_back_begins_the_two_seconds_anew() -> None:
    steady = SteadyGood()
    assert not steady.update(100.0, True)
    assert not steady.update(5.0, True)
    assert steady.update(7.0, True)
