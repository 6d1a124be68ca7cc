"""The light on the driver's face, judged for the installer: drawn pictures, the demo, and real stills."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.capture.recordings.images import list_images, read_image
from driver_monitor.data.observation import CameraState, FaceLight, Observation
from driver_monitor.data.observation import Light as LightKind
from driver_monitor.imaging.frame import Frame, Image
from driver_monitor.installer.light import judge_light
from driver_monitor.perception.perception import Perception
from driver_monitor.perception.reader import FacePicture
from driver_monitor.perception.scene.face_light import FaceLightReader
from tests import faces
from tests.conftest import SHARED, demo_frames

NIR = SHARED / "data" / "nir"
CARS = SHARED / "data" / "incar_stills"
FACE = faces.view(faces.points())
WELL_LIT = FaceLight(mean=150.0, around=90.0, clipped=0.0, left=155.0, right=145.0)

needs_shared = pytest.mark.skipif(not NIR.exists(), reason="needs ../shared, which a user does not have")


def seen(light: FaceLight | None = WELL_LIT, kind: LightKind = "infrared", grey: bool | None = True) -> Observation:
    """One observation; without `light` there is no face."""
    if light is None:
        return Observation(0.0, "ok", kind, None, None, face_reason="not_found", grey=grey)
    return Observation(0.0, "ok", kind, FACE, None, grey=grey, face_light=light)


def measured(grey: Image) -> FaceLight:
    light = FaceLightReader().read(FacePicture(grey, FACE, "infrared", 0.0))
    assert light is not None
    return light


def drawn(left: int, right: int, around: int) -> Image:
    """A picture of `around` grey levels, with the drawn face's box; `left` and `right` are the driver's own halves."""
    picture = np.full((480, 640), around, np.uint8)
    picture[150:321, 100:200], picture[150:321, 200:301] = right, left
    return picture


def test_ok__a_face_in_the_light_of_a_lamp_is_good_and_the_lamp_is_seen() -> None:
    light = judge_light([seen()] * 5)
    assert (light.verdict, light.infrared, light.words) == ("good", True, "Infrared lamp seen, face well lit.")


def test_ok__a_dark_face_is_told_with_the_lamp_to_aim() -> None:
    light = judge_light([seen(replace(WELL_LIT, mean=30.0, around=20.0))])
    assert (light.verdict, light.infrared) == ("too_dark", True)
    assert "aim the lamp at the face" in light.words


def test_ok__a_dark_face_without_any_lamp_is_told_to_get_one() -> None:
    light = judge_light([seen(replace(WELL_LIT, mean=30.0, around=60.0), "day", grey=False)])
    assert (light.verdict, light.infrared) == ("too_dark", False)


def test_ok__a_blown_out_face_is_over_exposed() -> None:
    light = judge_light([seen(replace(WELL_LIT, mean=240.0, clipped=0.4))])
    assert light.verdict == "over_exposed"
    assert "dim it" in light.words


@pytest.mark.parametrize(("left", "right", "side"), [(200.0, 60.0, "left"), (60.0, 200.0, "right")])
def test_ok__a_lamp_at_one_side_is_told_with_the_side(left: float, right: float, side: str) -> None:
    light = judge_light([seen(replace(WELL_LIT, left=left, right=right))])
    assert light.verdict == "uneven"
    assert f"the driver's {side}" in light.words


def test_ok__a_turned_head_says_nothing_about_the_sides() -> None:
    assert judge_light([seen(replace(WELL_LIT, left=None, right=None))]).verdict == "good"


def test_ok__colours_are_no_infrared_and_a_grey_picture_by_day_is_unknown() -> None:
    assert judge_light([seen(kind="day", grey=False)]).infrared is False
    assert judge_light([seen(kind="day", grey=True)]).infrared is None
    assert judge_light([seen(replace(WELL_LIT, around=150.0))]).infrared is None, "as bright as all the rest"


def test_ok__a_face_that_fills_the_picture_does_not_show_whether_there_is_a_lamp() -> None:
    assert judge_light([seen(replace(WELL_LIT, around=None))]).infrared is None


def test_ok__one_bad_picture_in_some_seconds_changes_nothing() -> None:
    bad = seen(replace(WELL_LIT, clipped=0.9))
    assert judge_light([*[seen()] * 5, bad, bad]).verdict == "good"


def test_ok__frames_between_two_measurements_count_as_faces() -> None:
    between = replace(seen(), face_light=None)
    assert judge_light([seen(), *[between] * 14]).verdict == "good"


def test_ok__a_face_in_few_pictures_is_no_face() -> None:
    assert judge_light([seen(), *[seen(None)] * 5]).verdict == "no_face"


@pytest.mark.parametrize(
    ("camera", "words"), [("lost", "camera.source"), ("frozen", "does not change"), ("covered", "covered")]
)
def test_ok__without_a_usable_picture_the_words_name_the_camera(camera: CameraState, words: str) -> None:
    light = judge_light([Observation(0.0, camera, "day", None, None, face_reason="no_frame")])
    assert light.verdict == "no_face"
    assert words in light.words


def test_ok__a_dark_cabin_without_a_face_asks_for_the_lamp() -> None:
    light = judge_light([seen(None, "dark")])
    assert (light.verdict, light.infrared) == ("no_face", False)
    assert "switch the lamp on" in light.words


def test_ok__a_turned_picture_and_no_picture_at_all_have_words() -> None:
    assert "camera.rotate to 180" in judge_light([replace(seen(None), rotate_to=180)]).words
    assert judge_light([]).verdict == "no_face"


def test_ok__the_light_on_a_drawn_face_is_measured() -> None:
    light = measured(drawn(left=180, right=120, around=60))
    assert light.left == pytest.approx(180, abs=3)
    assert light.right == pytest.approx(120, abs=3)
    assert light.mean == pytest.approx(150, abs=3)
    assert light.around == pytest.approx(60, abs=3)
    assert light.clipped == 0.0


def test_ok__blown_out_pixels_of_a_drawn_face_are_counted() -> None:
    assert measured(drawn(left=255, right=120, around=60)).clipped == pytest.approx(0.5, abs=0.05)


def test_ok__a_face_at_the_edge_or_outside_of_the_picture_is_no_error() -> None:
    reader = FaceLightReader()
    assert reader.read(FacePicture(np.full((200, 150), 9, np.uint8), FACE, "day", 0.0)) is not None
    assert reader.read(FacePicture(np.full((50, 50), 9, np.uint8), FACE, "day", 1.0)) is None


def test_ok__the_light_is_measured_twice_a_second_at_any_frame_rate() -> None:
    for fps in (5, 30, 60):
        reader = FaceLightReader()
        grey = drawn(100, 100, 50)
        answers = [reader.read(FacePicture(grey, FACE, "day", number / fps)) for number in range(10 * fps)]
        assert sum(answer is not None for answer in answers) == 20


@pytest.fixture(scope="module")
def observe() -> Callable[[Image], Observation]:
    """Reads one still with the real nets."""
    plan = build.load_plan(Request())
    models = build.load_models(plan.config)

    def observe(picture: Image) -> Observation:
        perception: Perception = build.build_perception(plan.config, models, still=True)
        return perception.observe(Frame(picture, 0.0, 0, "test"))

    return observe


def test_ok__the_demo_is_well_lit_by_day_and_in_infrared(observe: Callable[[Image], Observation]) -> None:
    day, night = demo_frames(20, 21), demo_frames(860, 861)
    assert (judge_light([observe(day[0])]).verdict, judge_light([observe(day[0])]).infrared) == ("good", False)
    assert (judge_light([observe(night[0])]).verdict, judge_light([observe(night[0])]).infrared) == ("good", True)


@pytest.mark.parametrize(
    ("gain", "plus", "verdict"), [(0.2, 0, "too_dark"), (1.8, 60, "over_exposed"), (1.0, 0, "good")]
)
def test_ok__the_demo_in_bad_light_is_told(
    observe: Callable[[Image], Observation], gain: float, plus: int, verdict: str
) -> None:
    [night] = demo_frames(860, 861)
    changed = np.clip(night * gain + plus, 0, 255).astype(np.uint8)
    assert judge_light([observe(changed)]).verdict == verdict


@needs_shared
def test_ok__real_infrared_stills_are_well_lit_by_a_lamp(observe: Callable[[Image], Observation]) -> None:
    lights = [judge_light([observe(read_image(path))]) for path in list_images(NIR)[::5]]
    assert {(light.verdict, light.infrared) for light in lights} == {("good", True)}


@needs_shared
@pytest.mark.parametrize(("gain", "plus", "verdict"), [(0.15, 0, "too_dark"), (1.8, 30, "over_exposed")])
def test_ok__real_infrared_stills_in_bad_light_are_told(
    observe: Callable[[Image], Observation], gain: float, plus: int, verdict: str
) -> None:
    stills = [read_image(path) for path in list_images(NIR)[::20]]
    changed = [observe(np.clip(still * gain + plus, 0, 255).astype(np.uint8)) for still in stills]
    assert {judge_light([one]).verdict for one in changed if one.face is not None} == {verdict}


@needs_shared
def test_ok__grey_stills_of_cars_by_day_never_show_a_lamp(observe: Callable[[Image], Observation]) -> None:
    lights = [judge_light([observe(read_image(path))]) for path in list_images(CARS)[::40]]
    assert {light.infrared for light in lights} == {None}
    assert {light.verdict for light in lights} <= {"good", "uneven"}
