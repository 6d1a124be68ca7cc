"""One eye cut out the same way whatever the picture, and judged open, lowered, closed or hidden."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from driver_monitor.config import resources
from driver_monitor.errors import ModelError
from driver_monitor.perception.eyes.eye_net import (
    CLOSED,
    HIDDEN,
    LOWERED,
    OPEN,
    EyeNet,
)
from driver_monitor.perception.eyes.patch import (
    BAND_HEIGHT,
    BAND_WIDTH,
    HEIGHT,
    WIDTH,
    crop_patch,
    eye_crops,
    normalise,
)
from tests.faces import points

Grey = NDArray[np.uint8]
WEB_EYES = Path(__file__).parent.parent.parent / "shared/data/eyes/web_24px.npz"


def drawn_eye(lid: float = 1.0, size: tuple[int, int] = (240, 320), at: tuple[int, int] = (160, 120)) -> Grey:
    """Draw a driver's right eye, 100 px from corner to corner; `lid`: 1 wide open, 0 shut."""
    picture = np.full(size, 170, np.uint8)
    half = round(26 * lid)
    if half > 2:
        white, inside = np.zeros(size, np.uint8), np.full(size, 225, np.uint8)
        cv2.ellipse(white, at, (50, half), 0, 0, 360, 255, -1)
        cv2.circle(inside, at, 22, 70, -1)
        cv2.circle(inside, at, 10, 20, -1)
        picture = np.where(white > 0, inside, picture)
        cv2.ellipse(picture, at, (50, half), 0, 180, 360, 40, 6)
        cv2.ellipse(picture, at, (50, half), 0, 0, 180, 110, 2)
    else:
        cv2.ellipse(picture, (at[0], at[1] - 4), (50, 14), 0, 0, 180, 40, 6)
    cv2.ellipse(picture, (at[0], at[1] - 20), (60, 30), 0, 200, 340, 130, 4)
    cv2.circle(picture, (at[0] + 55, at[1] + 4), 9, 60, -1)  # the tear duct tells inner from outer corner
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 2), np.uint8)


def corners(outer: tuple[float, float], inner: tuple[float, float], side: str = "right") -> NDArray[np.float32]:
    points = np.zeros((70, 2), np.float32)
    points[36 if side == "right" else 45], points[39 if side == "right" else 42] = outer, inner
    return points


EYE = corners((110, 120), (210, 120))


def patch_of(picture: Grey, points: NDArray[np.float32], side: str) -> tuple[Grey, float]:
    patches, inside, _ = eye_crops(picture, points)
    index = ("left", "right").index(side)
    return patches[index], inside[index]


def bands_of(picture: Grey, points: NDArray[np.float32]) -> Grey:
    return eye_crops(picture, points)[2]


def difference(a: Grey, b: Grey) -> float:
    return float(np.abs(a.astype(int) - b).mean())


@pytest.fixture(scope="module")
def net() -> EyeNet:
    return EyeNet(resources.path("models/eyes.onnx"))


def test_ok__a_left_eye_looks_like_a_right_one() -> None:
    picture = drawn_eye()
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    right, _ = patch_of(picture, EYE, "right")
    left, _ = patch_of(mirrored, corners((319 - 110, 120), (319 - 210, 120), "left"), "left")
    assert difference(left, right) < 1
    assert difference(left[:, ::-1], right) > 2


@pytest.mark.parametrize("degrees", [-35, 20, 90])
def test_ok__a_tilted_head_gives_a_level_eye(degrees: float) -> None:
    turn = cv2.getRotationMatrix2D((160, 120), degrees, 1)
    tilted = np.asarray(cv2.warpAffine(drawn_eye(), turn, (320, 240), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    outer, inner = (turn @ np.array([x, 120, 1]) for x in (110, 210))
    patch, _ = patch_of(tilted, corners((outer[0], outer[1]), (inner[0], inner[1])), "right")
    assert difference(patch, patch_of(drawn_eye(), EYE, "right")[0]) < 6


def test_ok__a_larger_picture_gives_the_same_eye() -> None:
    large = np.asarray(cv2.resize(drawn_eye(), None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC), np.uint8)
    patch, inside = patch_of(large, EYE * 4 + 1.5, "right")
    assert inside == 1
    assert difference(patch, patch_of(drawn_eye(), EYE, "right")[0]) < 4


def test_ok__the_corners_lie_at_sixty_percent_of_the_width() -> None:
    dots = np.full((240, 320), 128, np.uint8)
    for x in (110, 210):
        cv2.circle(dots, (x, 120), 6, 255, -1)
    patch, _ = patch_of(dots, EYE, "right")
    columns = np.flatnonzero(patch[HEIGHT // 2] > 180)
    first, last = columns[columns < WIDTH / 2].mean(), columns[columns > WIDTH / 2].mean()
    assert (last - first) / WIDTH == pytest.approx(0.6, abs=0.02)


def test_ok__an_eye_at_the_edge_is_only_partly_inside() -> None:
    picture = drawn_eye()
    assert patch_of(picture, EYE, "right")[1] == 1
    assert patch_of(picture, corners((-50, 120), (50, 120)), "right")[1] == pytest.approx(0.5, abs=0.05)
    assert patch_of(picture, corners((-500, 120), (-400, 120)), "right")[1] == 0


def test_fail__corners_that_coincide_give_no_eye() -> None:
    assert patch_of(drawn_eye(), corners((50, 50), (50, 50)), "right")[1] == 0
    assert patch_of(drawn_eye(), corners((50, 50), (float("nan"), 50)), "right")[1] == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=4, max_size=4), st.sampled_from(["left", "right"]))
def test_ok__any_corners_give_a_patch_and_a_share(numbers: list[float], side: str) -> None:
    points = corners((numbers[0], numbers[1]), (numbers[2], numbers[3]), side)
    patch, inside = patch_of(drawn_eye(), points, side)
    assert patch.shape == (HEIGHT, WIDTH)
    assert patch.dtype == np.uint8
    assert 0 <= inside <= 1


BOTH = points() + 0.5
"""Both eyes at (150, 180) and (250, 180), nose's base at (200, 244): a face as in the other tests."""


def two_dots() -> Grey:
    picture = np.full((360, 400), 128, np.uint8)
    cv2.circle(picture, (150, 180), 16, 235, -1)
    cv2.circle(picture, (250, 180), 16, 20, -1)
    return picture


def test_ok__the_band_holds_both_eyes_half_its_width_apart_and_the_left_eyes_is_its_mirror_image() -> None:
    left, right = bands_of(two_dots(), BOTH)
    assert left.shape == right.shape == (BAND_HEIGHT, BAND_WIDTH)
    assert difference(left[:, ::-1], right) == 0
    bright, dark = np.argwhere(right > 200).mean(axis=0), np.argwhere(right < 60).mean(axis=0)
    assert dark[1] - bright[1] == pytest.approx(BAND_WIDTH / 2, abs=1)
    assert bright[0] == pytest.approx((BAND_HEIGHT - 1) / 2, abs=1)


@pytest.mark.parametrize("degrees", [-30, 50])
def test_ok__a_tilted_head_gives_the_same_band(degrees: float) -> None:
    turn = cv2.getRotationMatrix2D((200, 180), degrees, 1)
    tilted = np.asarray(cv2.warpAffine(two_dots(), turn, (400, 360), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    moved = np.asarray(BOTH @ turn[:, :2].T + turn[:, 2], np.float32)
    assert difference(bands_of(tilted, moved)[1], bands_of(two_dots(), BOTH)[1]) < 4


def test_ok__a_band_of_a_large_picture_looks_at_every_pixel() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (360 * 6, 400 * 6)).astype(np.uint8)
    fine = np.asarray(cv2.resize(two_dots(), None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC), np.uint8)
    mixed = np.asarray(cv2.addWeighted(fine, 0.8, noise, 0.2, 0), np.uint8)
    assert difference(bands_of(mixed, BOTH * 6 + 2.5)[1], bands_of(two_dots(), BOTH)[1]) < 12


def test_fail__eyes_that_coincide_give_a_blank_band() -> None:
    assert not bands_of(two_dots(), np.zeros((70, 2), np.float32)).any()
    assert not bands_of(two_dots(), np.full((70, 2), np.nan, np.float32)).any()


def test_ok__an_eighth_of_the_light_changes_little_and_a_glint_does_not_set_the_scale() -> None:
    patch, _ = patch_of(drawn_eye(), EYE, "right")
    assert difference(normalise((patch // 8).astype(np.uint8)), normalise(patch)) < 5
    glint = (patch // 3).astype(np.uint8)
    glint[14:18, 20:25] = 255
    rest = np.ones_like(patch, bool)
    rest[14:18, 20:25] = False
    assert difference(normalise(glint)[rest], normalise(patch)[rest]) < 9


def test_ok__a_drawn_eye_is_open_shut_and_behind_dark_glass_hidden(net: EyeNet) -> None:
    patches = [patch_of(drawn_eye(lid), EYE, "right")[0] for lid in (1.0, 0.0)]
    flat = np.full((240, 320), 170, np.uint8)
    cv2.ellipse(flat, (160, 120), (120, 70), 0, 0, 360, 25, -1)
    p = net.classify(np.stack([*patches, patch_of(flat, EYE, "right")[0]]))
    assert p.shape == (3, 4)
    assert np.allclose(p.sum(1), 1, atol=1e-4)
    assert p[0, OPEN] > p[0, CLOSED]
    assert p[1, CLOSED] > p[1, OPEN]
    assert p[2, HIDDEN] > 0.5


def test_ok__dark_glasses_before_both_eyes_are_seen_in_the_band(net: EyeNet) -> None:
    skin = np.full((360, 400), 150, np.uint8)
    cv2.ellipse(skin, (200, 190), (110, 150), 0, 0, 360, 190, -1)
    for x in (150, 250):
        cv2.ellipse(skin, (x, 183), (42, 30), 0, 0, 360, 25, -1)
    cv2.line(skin, (180, 175), (220, 175), 25, 6)
    worn = np.asarray(cv2.GaussianBlur(skin, (0, 0), 1.5), np.uint8)
    patches = np.stack([patch_of(worn, BOTH, "left")[0], patch_of(worn, BOTH, "right")[0]])
    seen = net.read(patches, bands_of(worn, BOTH))
    assert (seen.p[:, HIDDEN] > 0.5).all()
    assert (seen.sunglasses > 0.5).all()


def test_ok__each_patch_is_judged_on_its_own(net: EyeNet) -> None:
    patches = np.stack([patch_of(drawn_eye(lid), EYE, "right")[0] for lid in (1.0, 0.5, 0.0)])
    together = net.classify(patches)
    alone = np.concatenate([net.classify(patch[np.newaxis]) for patch in patches])
    assert np.allclose(together, alone, atol=1e-5)


def test_ok__of_a_loose_crop_it_does_not_matter_which_eye_it_is(net: EyeNet) -> None:
    patches = np.stack([patch_of(drawn_eye(lid), EYE, "right")[0] for lid in (1.0, 0.3, 0.0)])
    assert np.allclose(net.classify(patches), net.classify(patches[:, :, ::-1]), atol=1e-4)


def test_fail__another_model_is_refused_in_one_line() -> None:
    with pytest.raises(ModelError, match="another model than expected") as error:
        EyeNet(resources.path("models/emotion.onnx"))
    assert "\n" not in str(error.value)


@pytest.mark.skipif(not WEB_EYES.exists(), reason="needs ../shared/data, which a user does not have")
def test_ok__web_eyes_are_reported_apart(net: EyeNet) -> None:
    data = np.load(WEB_EYES)
    images, closed = data["images"][::16], data["closed"][::16] > 0
    p = net.classify(np.stack([crop_patch(image) for image in images]))
    assert float(np.mean((p[:, CLOSED] > p[:, OPEN] + p[:, LOWERED]) == closed)) > 0.93
