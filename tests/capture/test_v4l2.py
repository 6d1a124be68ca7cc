"""V4L2 cameras, with a fake device tree and a fake of OpenCV's capture: real ones need hardware."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from driver_monitor.capture.v4l2 import V4l2Camera
from driver_monitor.config.schema import CameraConfig
from driver_monitor.errors import SourceError


class FakeDevice:
    def __init__(self, pictures: list[Any], opened: bool = True, size: tuple[int, int] = (96, 64)) -> None:
        self.pictures = pictures
        self.opened = opened
        self.props: dict[int, float] = {}
        self.size = size
        self.stamp_ms = 0.0
        self.gives = 0
        self.released = 0

    def isOpened(self) -> bool:  # noqa: N802
        return self.opened

    def set(self, prop: int, value: float) -> bool:
        self.props[prop] = value
        return True

    def get(self, prop: int) -> float:
        own = {
            cv2.CAP_PROP_FOURCC: self.gives or self.props.get(cv2.CAP_PROP_FOURCC, 0),
            cv2.CAP_PROP_FRAME_WIDTH: self.size[0],
            cv2.CAP_PROP_FRAME_HEIGHT: self.size[1],
        }
        return self.stamp_ms if prop == cv2.CAP_PROP_POS_MSEC else own.get(prop, 0)

    def grab(self) -> bool:
        return bool(self.pictures)

    def retrieve(self) -> tuple[bool, Any]:
        picture = self.pictures.pop(0)
        return picture is not None, picture

    def release(self) -> None:
        self.released += 1


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "dev/v4l/by-id").mkdir(parents=True)
    for number, label in ((0, "HD Webcam"), (2, "IR Camera")):
        (tmp_path / f"dev/video{number}").touch()
        names = tmp_path / f"sys/class/video4linux/video{number}"
        names.mkdir(parents=True)
        (names / "name").write_text(f"{label}\n")
    (tmp_path / "dev/v4l/by-id/usb-IR-index0").symlink_to("../../video2")
    return tmp_path


def camera(root: Path, device: FakeDevice, source: str = "0", now: float = 100.0, **config: Any) -> V4l2Camera:
    def opener(number: int) -> Any:
        return device

    return V4l2Camera(source, CameraConfig(**config), opener=opener, root=root, monotonic=lambda: now)


def test_ok__colour_frames_come_numbered_with_the_drivers_own_time(root: Path) -> None:
    device = FakeDevice([np.full((64, 96, 3), 50 + n, np.uint8) for n in range(2)])
    with camera(root, device, now=100.0) as source:
        assert (source.name, source.live, source.frames) == ("camera 0", True, None)
        device.stamp_ms = 99_900.0
        first = source.read()
        device.stamp_ms = 99_933.0
        second = source.read()
    assert first is not None
    assert second is not None
    assert (first.sequence, first.t, first.t_mono) == (0, 0.0, 99.9)
    assert (second.sequence, second.t_mono) == (1, 99.933)
    assert second.t == pytest.approx(0.033)
    assert device.released == 1


@pytest.mark.parametrize("stamp_ms", [0.0, 5_000.0, 1.7e12])
def test_ok__a_stamp_of_another_clock_is_not_used(root: Path, stamp_ms: float) -> None:
    device = FakeDevice([np.zeros((64, 96, 3), np.uint8)])
    device.stamp_ms = stamp_ms
    frame = camera(root, device, now=100.0).read()
    assert frame is not None
    assert frame.t_mono == 100.0


def test_ok__settings_reach_the_driver_and_grey_stays_grey(root: Path) -> None:
    device = FakeDevice([np.full((64, 96), 7, np.uint8)])
    source = camera(root, device, pixel_format="GREY", width=96 * 2, height=128, fps=15)
    assert device.props[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc("G", "R", "E", "Y")
    assert device.props[cv2.CAP_PROP_CONVERT_RGB] == 0
    assert device.props[cv2.CAP_PROP_FRAME_WIDTH] == 192
    assert device.props[cv2.CAP_PROP_FPS] == 15
    frame = source.read()
    assert frame is not None
    assert frame.image.shape == (64, 96)


def test_ok__ten_bit_infrared_in_sixteen_bit_words_is_scaled_by_its_depth(root: Path) -> None:
    ramp = np.linspace(0, 1023, 64 * 96).astype(np.uint16).reshape(64, 96)
    as_one_row_of_bytes = ramp.reshape(-1).view(np.uint8).reshape(1, -1)
    source = camera(root, FakeDevice([ramp, as_one_row_of_bytes, ramp // 8]), pixel_format="Y16")
    for expected in (ramp >> 2, ramp >> 2, ramp // 8 >> 2):
        frame = source.read()
        assert frame is not None
        assert np.array_equal(frame.image, expected), "a dark picture later on stays dark"


def test_ok__a_link_by_id_names_the_camera(root: Path) -> None:
    opened: list[int] = []

    def opener(number: int) -> Any:
        opened.append(number)
        return FakeDevice([])

    V4l2Camera("/dev/v4l/by-id/usb-IR-index0", CameraConfig(), opener=opener, root=root).close()
    assert opened == [2]


def test_fail__a_missing_camera_lists_the_available_ones(root: Path) -> None:
    with pytest.raises(SourceError) as error:
        camera(root, FakeDevice([]), source="7")
    text = str(error.value)
    assert text.startswith("/dev/video7: no such camera; found: /dev/video0 (HD Webcam), /dev/video2 (IR Camera)")
    assert "rpicam-vid" in text
    assert "\n" not in text


def test_fail__a_machine_without_cameras(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    with pytest.raises(SourceError, match="this machine has no V4L2 cameras"):
        camera(tmp_path, FakeDevice([]))


def test_fail__a_device_that_is_not_a_camera(root: Path) -> None:
    (root / "dev/null").touch()
    with pytest.raises(SourceError, match="is not a V4L2 camera"):
        camera(root, FakeDevice([]), source="/dev/null")


def test_fail__a_camera_in_use_is_released(root: Path) -> None:
    device = FakeDevice([], opened=False)
    with pytest.raises(SourceError, match="in use by another program"):
        camera(root, device)
    assert device.released == 1


def test_fail__a_camera_this_user_may_not_open(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(SourceError, match="usermod -aG video"):
        camera(root, FakeDevice([]))


@pytest.mark.parametrize("pictures", [[], [None], [np.zeros((0, 0), np.uint8)]])
def test_fail__an_unplugged_camera(root: Path, pictures: list[Any]) -> None:
    with camera(root, FakeDevice(pictures)) as source, pytest.raises(SourceError, match="gives no more pictures"):
        source.read()


def test_fail__a_camera_without_grey(root: Path) -> None:
    source = camera(root, FakeDevice([np.zeros((1, 999), np.uint8)]), pixel_format="GREY")
    with pytest.raises(SourceError, match=r"set camera\.pixel_format to auto"):
        source.read()


def test_fail__the_error_names_the_format_that_the_camera_gives(root: Path) -> None:
    device = FakeDevice([np.zeros((1, 64 * 96 * 2), np.uint8)])
    device.gives = cv2.VideoWriter.fourcc("Y", "U", "Y", "V")
    with pytest.raises(SourceError, match="does not support Y16, it gives YUYV"):
        camera(root, device, pixel_format="Y16")
    assert device.released == 1
