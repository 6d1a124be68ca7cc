"""Grey of a video is its luma plane, and crops lose no pixel."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.imaging.crop import cut, halved, scaled, share_inside
from driver_monitor.imaging.frame import Frame, Image, YuvPicture, to_grey
from driver_monitor.perception.scene.quality import picture_state
from tests.capture.clips import turn, write_clip

RNG = np.random.default_rng(5)
COLOURS = np.asarray(cv2.resize(RNG.integers(0, 255, (6, 8, 3), np.uint8), (640, 480)), np.uint8)


def first(path: Path) -> Frame:
    with ClipCamera(path) as camera:
        frame = camera.read()
    assert frame is not None
    return frame


def difference(one: Image, other: Image) -> float:
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("limited.mkv", "ffv1", "yuv420p"),
        ("fine.mkv", "ffv1", "yuv444p"),
        ("full.mkv", "mjpeg", "yuvj420p"),
        ("packed.mkv", "ffv1", "bgr0"),
    ],
)
def test_ok__grey_of_a_clip_is_that_of_its_colours(tmp_path: Path, name: str, codec: str, pix_fmt: str) -> None:
    frame = first(write_clip(tmp_path / name, [COLOURS] * 2, codec=codec, pix_fmt=pix_fmt))
    assert isinstance(frame.picture, YuvPicture) == (pix_fmt != "bgr0")
    assert difference(frame.grey, to_grey(frame.image)) < 2.0
    assert difference(frame.grey, to_grey(COLOURS)) < 4.0


def test_ok__a_limited_range_reaches_black_and_white(tmp_path: Path) -> None:
    stripes = np.zeros((64, 96, 3), np.uint8)
    stripes[:, 48:] = 255
    grey = first(write_clip(tmp_path / "stripes.mkv", [stripes] * 2, codec="ffv1")).grey
    assert grey[:, :40].max() <= 1
    assert grey[:, 56:].min() >= 254


def test_ok__a_clip_filmed_on_its_side_is_turned_in_grey_and_in_colour(tmp_path: Path) -> None:
    frame = first(turn(write_clip(tmp_path / "side.mp4", [COLOURS] * 2)))
    assert frame.grey.shape == (640, 480)
    assert difference(frame.grey, to_grey(frame.image)) < 3.0


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_ok__a_turned_frame_is_the_same_in_grey_and_in_colour(tmp_path: Path, degrees: int) -> None:
    video = first(write_clip(tmp_path / "drive.mkv", [COLOURS] * 2, codec="ffv1")).rotated(degrees)
    plain = Frame(COLOURS, 0.0, 0, "test").rotated(degrees)
    assert difference(video.grey, plain.grey) < 4.0
    assert difference(video.image, plain.image) < 8.0


def test_ok__light_is_judged_alike_from_planes_and_from_colours(tmp_path: Path) -> None:
    frame = first(write_clip(tmp_path / "light.mkv", [COLOURS // 2 + 20] * 2, codec="ffv1"))
    assert picture_state(frame.picture).light == picture_state(frame.image).light == "day"


@pytest.mark.parametrize(("level", "light"), [(128, "infrared"), (127, "infrared"), (140, "day")])
def test_ok__planes_without_colour_are_infrared(level: int, light: str) -> None:
    plane = RNG.normal(level, 0.5, (240, 320)).round().astype(np.uint8)
    picture = YuvPicture(to_grey(COLOURS // 2 + 20), plane, np.full_like(plane, 128), lambda: COLOURS)
    assert picture_state(picture).light == light


@given(st.floats(2.3, 12), st.floats(-180, 180))
def test_ok__a_crop_of_any_size_keeps_the_mean_of_fine_detail(scale: float, degrees: float) -> None:
    """A checkerboard of single pixels is grey from afar. Sampling without averaging shows false patterns."""
    board = np.indices((480, 640)).sum(0).astype(np.uint8) % 2 * 255
    c, s = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    middle = np.array([[c, -s, 320 - 16 * (c - s)], [s, c, 240 - 16 * (s + c)]])
    crop = cut(board, middle, (32, 32))
    assert crop.shape == (32, 32)
    assert crop.mean() == pytest.approx(127.5, abs=20)


def test_ok__a_large_crop_has_no_false_patterns() -> None:
    board = np.indices((480, 640)).sum(0).astype(np.uint8) % 2 * 255
    assert cut(board, np.array([[6.0, 0, 100], [0, 6.0, 100]]), (32, 32)).std() < 3


@pytest.mark.parametrize("x", [-5000.0, -60.0, 600.0, 1e9])
def test_ok__outside_the_picture_its_border_is_repeated(x: float) -> None:
    flat = np.full((480, 640), 77, np.uint8)
    for scale in (0.5, 4.0, 60.0):
        assert (cut(flat, np.array([[scale, 0, x], [0, scale, 100]]), (48, 32)) == 77).all()


def test_ok__the_share_inside_counts_pixels() -> None:
    assert share_inside(np.array([[1.0, 0, 0], [0, 1.0, 0]]), (10, 10), (10, 10)) == 1.0
    assert share_inside(np.array([[1.0, 0, -5], [0, 1.0, 0]]), (10, 10), (10, 10)) == 0.5
    assert share_inside(np.array([[1.0, 0, 50], [0, 1.0, 0]]), (10, 10), (10, 10)) == 0.0


def test_ok__scaling_keeps_at_least_one_pixel() -> None:
    assert scaled(np.zeros((480, 640), np.uint8), 0.5).shape == (240, 320)
    assert scaled(np.zeros((2, 900), np.uint8), 0.1).shape == (1, 90)


@pytest.mark.parametrize(
    ("size", "after"),
    [((640, 480), (640, 480)), ((540, 960), (540, 960)), ((1280, 720), (640, 360)), ((1080, 1920), (540, 960)),
     ((3840, 2160), (960, 540)), ((2560, 400), (2560, 400)), ((1281, 721), (1281, 721))],
)  # fmt: skip
def test_ok__only_a_large_picture_is_halved_and_keeps_its_levels(size: tuple[int, int], after: tuple[int, int]) -> None:
    grey = np.tile(np.linspace(0, 255, size[0]).astype(np.uint8), (size[1], 1))
    small = halved(grey)
    assert small.shape == after[::-1]
    assert (small is grey) == (size == after)
    assert small.mean() == pytest.approx(grey.mean(), abs=0.6)
