"""What perception measures of the camera itself, on drawn cabins and on the demo clip."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from driver_monitor.data.observation import Box, FaceView, SceneView
from driver_monitor.imaging.frame import Image, to_grey
from driver_monitor.perception.scene.layout import SceneLayout
from driver_monitor.perception.scene.sharpness import SharpnessMeter, sharpness
from driver_monitor.perception.scene.watch import SceneWatch
from tests.conftest import demo_frames

FACE = FaceView(Box(220, 120, 160, 180), 0.99, np.zeros((70, 2), np.float32), None, None)
NOISE = np.random.default_rng(5)


def cabin(seed: int = 1) -> Image:
    """A drawn cabin: shapes with sharp edges."""
    rng = np.random.default_rng(seed)
    picture = np.full((480, 640), 90, np.uint8)
    for _ in range(40):
        corners = rng.integers(0, (640, 480), (1, 2)) + rng.integers(-90, 90, (4, 2))
        cv2.fillPoly(picture, [corners.astype(np.int32)], int(rng.integers(20, 220)))
    return picture


def noisy(picture: Image, sigma: float = 2.0) -> Image:
    return np.asarray(np.clip(picture + NOISE.normal(0, sigma, picture.shape), 0, 255), np.uint8)


def blurred(picture: Image, sigma: float) -> Image:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def watched(*pictures: Image) -> list[SceneView]:
    """What is measured of `pictures`, one a second, after ten seconds of the first with a face."""
    watch = SceneWatch()
    before = [watch.scene(noisy(pictures[0]), float(t), "day", FACE) for t in range(10)]
    after = [watch.scene(picture, 10.0 + t, "day", None) for t, picture in enumerate(pictures)]
    assert before[-1] is not None
    return [view for view in after if view is not None]


def test_ok__the_same_cabin_matches_and_another_does_not() -> None:
    same, other = watched(cabin(), cabin(2))
    assert same.match is not None
    assert same.match > 0.9
    assert other.match is not None
    assert other.match < 0.4


@pytest.mark.parametrize("gain", [0.3, 0.6, 1.2])
def test_ok__more_or_less_light_is_the_same_cabin_with_nothing_hidden(gain: float) -> None:
    dimmed = np.asarray(np.clip(cabin() * gain, 0, 255), np.uint8)
    [_, view] = watched(cabin(), noisy(dimmed))
    assert view.match is not None
    assert view.match > 0.8
    assert view.hidden is not None
    assert view.hidden < 0.1


def test_ok__a_camera_that_was_nudged_sees_the_same_cabin() -> None:
    [_, view] = watched(cabin(), np.roll(cabin(), (20, 40), (0, 1)))
    assert view.match is not None
    assert view.match > 0.5


def test_ok__the_covered_part_of_the_cabin_is_hidden_and_the_rest_still_matches() -> None:
    covered = cabin()
    covered[:, :500] = 20
    [_, view] = watched(cabin(), noisy(covered))
    assert view.hidden is not None
    assert 0.6 < view.hidden < 0.95
    assert view.match is not None
    assert view.match > 0.5


def test_ok__a_person_who_sits_elsewhere_in_the_picture_does_not_change_the_cabin() -> None:
    moved = cabin()
    moved[120:300, 220:380] = 128
    [_, view] = watched(cabin(), moved)
    assert view.match is not None
    assert view.match > 0.8


@pytest.mark.parametrize(("sigma", "least"), [(2.0, 1.5), (4.0, 2.5), (8.0, 3.0)])
def test_ok__blur_is_measured_against_the_best_and_noise_is_no_detail(sigma: float, least: float) -> None:
    for noise in (0.0, 2.0, 5.0):
        sharp, soft = watched(noisy(cabin(), noise), noisy(blurred(cabin(), sigma), noise))
        assert sharp.blur is not None
        assert abs(sharp.blur) < 0.5
        assert soft.blur is not None
        assert soft.blur > least


def test_ok__grease_that_comes_within_minutes_is_not_learned_as_the_best() -> None:
    meter = SharpnessMeter()
    for _ in range(20):
        meter.learn(sharpness(noisy(cabin())), 1.0)
    for minute in range(10):
        for _ in range(12):
            meter.learn(sharpness(noisy(blurred(cabin(), 0.2 + minute / 3))), 5.0)
    lost = meter.lost(sharpness(noisy(blurred(cabin(), 3.2))))
    assert lost is not None
    assert lost > 2.0


@pytest.mark.parametrize("level", [0, 90, 255])
def test_ok__before_a_plain_wall_nothing_is_said(level: int) -> None:
    plain = np.full((480, 640), level, np.uint8)
    [view] = watched(plain)
    assert view == SceneView(None, None, None, None)


def test_ok__what_was_never_learned_is_not_compared() -> None:
    watch = SceneWatch()
    [first, *_] = [watch.scene(cabin(), float(t), "day", None) for t in range(8)]
    assert first is not None
    assert (first.match, first.hidden, first.blur) == (None, None, None)


def test_ok__in_the_dark_nothing_is_measured() -> None:
    assert SceneWatch().scene(cabin(), 0.0, "dark", FACE) is None


def test_ok__a_camera_turned_into_another_light_is_compared_with_what_was_learned_last() -> None:
    watch = SceneWatch()
    for t in range(10):
        watch.scene(noisy(cabin()), float(t), "day", FACE)
    view = watch.scene(noisy(cabin(2)), 10.0, "glare", None)
    assert view is not None
    assert view.match is not None
    assert view.match < 0.4


@pytest.mark.parametrize("shape", [(480, 640), (960, 540), (240, 320), (1080, 1920), (64, 96)])
def test_ok__any_size_of_picture_works_also_when_it_changes(shape: tuple[int, int]) -> None:
    watch = SceneWatch()
    for t in range(6):
        assert watch.scene(np.asarray(cv2.resize(cabin(), shape[::-1]), np.uint8), float(t), "day", FACE) is not None
    assert watch.scene(cabin(), 7.0, "day", FACE) is not None


def shakes(*pictures: Image, fps: float = 20.0) -> list[float]:
    watch = SceneWatch()
    found = [watch.shake(picture, number / fps) for number, picture in enumerate(pictures)]
    return [float(np.hypot(shake.x, shake.y)) for shake in found if shake is not None]


def moved(*places: tuple[int, int]) -> list[Image]:
    return [np.roll(cabin(), (y, x), (0, 1)) for x, y in places]


def test_ok__shaking_is_measured_twice_a_second() -> None:
    found = shakes(*moved(*[(8 * (number % 2), 0) for number in range(40)]))
    assert found == pytest.approx([8 / 640] * 4, abs=0.002)


def test_ok__a_picture_that_moves_on_steadily_does_not_shake() -> None:
    assert max(shakes(*moved(*[(6 * number, 3 * number) for number in range(40)]))) < 0.002


def test_ok__a_still_picture_with_noise_does_not_shake() -> None:
    assert max(shakes(*[noisy(cabin(), 5.0) for _ in range(40)])) < 0.001


def test_ok__pictures_that_do_not_agree_and_frames_far_apart_say_nothing() -> None:
    assert shakes(*[cabin(seed) for seed in range(8)]) == []
    assert shakes(*[cabin() for _ in range(8)], fps=2.0) == []


def test_ok__the_demo_matches_itself_and_is_sharp() -> None:
    first, *others = demo_frames(0, 130)[::20]
    layout, meter = SceneLayout(), SharpnessMeter()
    small = [np.asarray(cv2.resize(to_grey(frame), (160, 120)), np.uint8) for frame in (first, *others)]
    for frame, grey in zip((first, *others), small, strict=True):
        layout.learn(grey, Box(0.3, 0.2, 0.3, 0.4), 1.0)
        meter.learn(sharpness(to_grey(frame)), 1.0)
    match, hidden = layout.compare(small[-1])
    lost = meter.lost(sharpness(to_grey(others[-1])))
    assert match is not None
    assert hidden is not None
    assert lost is not None
    assert (match > 0.9, hidden < 0.1, abs(lost) < 0.5) == (True, True, True)
