from __future__ import annotations

import cv2
import numpy as np
import pytest

from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.capture.recordings.images import list_images, read_image
from driver_monitor.imaging.frame import Image
from driver_monitor.perception.scene.quality import picture_state
from tests.conftest import SHARED

DATA = SHARED / "data"
RNG = np.random.default_rng(3)


def scene(low: int = 30, high: int = 190) -> Image:
    """A picture with structure: blocks between two grey levels, like a cabin with a driver."""
    blocks = RNG.integers(low, high, (12, 16), np.uint8)
    return np.asarray(cv2.resize(blocks, (640, 480), interpolation=cv2.INTER_NEAREST), np.uint8)


def noisy(image: Image, sigma: float = 20.0) -> Image:
    return np.clip(image + RNG.normal(0, sigma, image.shape), 0, 255).astype(np.uint8)


def coloured(grey: Image) -> Image:
    return np.dstack([grey // 2, grey, np.minimum(grey.astype(int) + 30, 255).astype(np.uint8)])


@pytest.mark.parametrize("level", [0, 40, 128, 255])
def test_ok__a_uniform_noisy_picture_is_covered_whatever_its_brightness(level: int) -> None:
    assert picture_state(noisy(np.full((480, 640), level, np.uint8))).covered


def test_ok__a_gradient_as_through_tape_is_covered() -> None:
    gradient = np.tile(np.linspace(20, 120, 640), (480, 1)).astype(np.uint8)
    assert picture_state(noisy(gradient)).covered


def test_ok__a_wholly_black_picture_is_dark_and_covered() -> None:
    state = picture_state(np.zeros((480, 640, 3), np.uint8))
    assert (state.light, state.covered, state.mean) == ("dark", True, 0.0)


def test_ok__a_cabin_at_night_with_a_few_lamps_is_dark_but_not_covered() -> None:
    night = np.full((480, 640), 6, np.uint8)
    for x in (60, 300, 420, 560):
        night[300:360, x : x + 50] = 180
    state = picture_state(noisy(night, 8))
    assert (state.light, state.covered) == ("dark", False)


def test_ok__colours_are_day_and_grey_pictures_infrared() -> None:
    grey = scene()
    assert picture_state(coloured(grey)).light == "day"
    assert picture_state(grey).light == "infrared"
    assert picture_state(np.dstack([grey] * 3)).light == "infrared"
    assert not picture_state(grey).covered


def test_ok__a_grey_picture_with_bright_windows_is_day() -> None:
    grey = scene()
    grey[:120, :320] = 240
    assert picture_state(grey).light == "day"


def test_ok__a_low_sun_is_glare() -> None:
    blinded = coloured(scene())
    blinded[:, :260] = 255
    assert picture_state(blinded).light == "glare"


def test_ok__black_borders_do_not_make_a_picture_dark_or_covered() -> None:
    bordered = np.zeros((480, 640, 3), np.uint8)
    bordered[:, 260:420] = cv2.resize(coloured(scene(20, 70)), (160, 480))
    plain = picture_state(np.ascontiguousarray(bordered[:, 260:420]))
    state = picture_state(bordered)
    assert bordered.mean() < 25, "taken with its borders it would be dark"
    assert (state.light, state.covered) == (plain.light, plain.covered) == ("day", False)


@pytest.mark.parametrize("gain", [0.25, 0.12, 0.06])
def test_ok__a_cabin_with_hardly_any_light_is_dark_and_not_covered(gain: float) -> None:
    state = picture_state(noisy((scene() * gain).astype(np.uint8), 4))
    assert not state.covered
    assert state.light == ("dark" if gain < 0.2 else "infrared")


def test_ok__an_over_exposed_cabin_is_glare_and_not_covered() -> None:
    state = picture_state(np.clip(scene() * 3.0 + 60, 0, 255).astype(np.uint8))
    assert (state.light, state.covered) == ("glare", False)


@pytest.mark.parametrize("shape", [(32, 32), (32, 32, 3), (33, 4000), (3000, 40, 3)])
def test_ok__unusual_sizes_work(shape: tuple[int, ...]) -> None:
    assert picture_state(RNG.integers(0, 255, shape, np.uint8)).light in ("day", "infrared")


@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared, which a user does not have")
@pytest.mark.parametrize("name", ["incar_1.avi", "phone_2.mp4", "portrait_d20.mp4", "portrait_s32.mp4"])
def test_ok__real_day_clips_are_day(name: str) -> None:
    with ClipCamera(DATA / "clips" / name, every=25) as camera:
        frames = list(iter(camera.read, None))
    states = [picture_state(shown) for frame in frames for shown in (frame.picture, frame.image)]
    assert {(state.light, state.covered) for state in states} == {("day", False)}


@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared, which a user does not have")
def test_ok__real_infrared_stills_are_infrared() -> None:
    states = [picture_state(read_image(path)) for path in list_images(DATA / "nir")[::5]]
    assert {(state.light, state.covered) for state in states} == {("infrared", False)}


@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared, which a user does not have")
@pytest.mark.parametrize(("gain", "light"), [(0.12, "dark"), (0.06, "dark"), (3.0, "glare")])
def test_ok__real_infrared_stills_in_bad_light_are_never_covered(gain: float, light: str) -> None:
    stills = [read_image(path) for path in list_images(DATA / "nir")[::10]]
    states = [picture_state(noisy(np.clip(still * gain, 0, 255).astype(np.uint8), 4)) for still in stills]
    assert {(state.light, state.covered) for state in states} == {(light, False)}
