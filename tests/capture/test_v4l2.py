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
    assert "set camera.source to rpicam or nvargus" in text
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


@pytest.mark.parametrize(
    ("pixels", "shape"),
    [
        (np.full((64, 96), 50, np.uint8), (64, 96)),
        (np.full((64, 96, 1), 50, np.uint8), (64, 96)),
        (np.full((64, 96, 2), 50, np.uint8), (64, 96)),
        (np.full((64, 96, 4), 50, np.uint8), (64, 96, 3)),
        (np.full((64, 96, 3), 50 << 2, np.uint16), (64, 96, 3)),
        (np.full((6000, 8000), 50, np.uint8), (6000, 8000)),
    ],
)
def test_ok__a_frame_of_any_usual_form_is_a_picture(root: Path, pixels: Any, shape: tuple[int, ...]) -> None:
    frame = camera(root, FakeDevice([pixels])).read()
    assert frame is not None
    assert frame.image.shape == shape
    assert frame.grey.shape == shape[:2]
    assert frame.image.dtype == np.uint8


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros(64 * 95, np.uint8),
        np.zeros((64, 96, 5), np.uint8),
        np.zeros((2, 64, 96, 3), np.uint8),
        np.zeros((64, 96, 3), np.float32),
        np.full((64, 96), np.nan),
        np.zeros((64, 96), bool),
        np.zeros((64, 96), np.int64),
        np.zeros((64, 96), complex),
        np.zeros((7, 9), np.uint8),
        np.zeros((9000, 9000), np.uint8),
    ],
)
@pytest.mark.parametrize("pixel_format", ["auto", "GREY", "Y16", "MJPG"])
def test_fail__a_frame_of_another_form_is_one_clear_error(root: Path, pixels: Any, pixel_format: str) -> None:
    source = camera(root, FakeDevice([pixels]), pixel_format=pixel_format)
    with pytest.raises(SourceError) as error:
        source.read()
    text = str(error.value)
    assert text.startswith("camera 0: ")
    assert "\n" not in text
    assert "numpy" not in text


def jpeg(level: int = 120, restarts: int = 0) -> bytes:
    picture = np.full((320, 480, 3), level, np.uint8)
    for number in range(60):
        cv2.circle(picture, (260 + 13 * number % 200, 37 * number % 320), 9, (number * 4, 90, 250 - number * 4), -1)
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_RST_INTERVAL, restarts])[1].tobytes()


def row(data: bytes) -> Any:
    return np.frombuffer(data, np.uint8).reshape(1, -1)


def mjpg(pictures: list[bytes]) -> FakeDevice:
    device = FakeDevice([row(data) for data in pictures])
    device.gives = cv2.VideoWriter.fourcc("M", "J", "P", "G")
    return device


@pytest.mark.parametrize("pixel_format", ["auto", "MJPG"])
def test_ok__jpeg_pictures_are_decoded_without_opencv(root: Path, pixel_format: str) -> None:
    device = mjpg([jpeg()])
    frame = camera(root, device, pixel_format=pixel_format).read()
    assert device.props[cv2.CAP_PROP_CONVERT_RGB] == 0
    assert frame is not None
    assert frame.grey[:, :200].mean() == pytest.approx(120, abs=2)
    assert frame.image.shape == (320, 480, 3)


def damage(kind: str) -> bytes:
    whole = jpeg(restarts=8)
    middle = len(whole) // 2
    return {
        "cut off": whole[:middle],
        "cut off with an end": whole[:middle] + b"\xff\xd9",
        "zeros": whole[: middle - 500] + bytes(1000) + whole[middle + 500 :],
        "a part lost": whole[: middle - 300] + whole[middle + 300 :],
        "no jpeg": b"\x00" * 5000,
        "one byte": b"\xff",
    }[kind]


@pytest.mark.parametrize("kind", ["cut off", "cut off with an end", "zeros", "a part lost", "no jpeg", "one byte"])
def test_ok__a_damaged_jpeg_is_left_out_and_counted(
    root: Path, kind: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with camera(root, mjpg([jpeg(100), damage(kind), damage(kind), jpeg(140)])) as source:
        first, second = source.read(), source.read()
        assert source.damaged == 2
    assert first is not None
    assert second is not None
    assert (first.sequence, second.sequence) == (0, 3), "a gap in the numbers shows the loss"
    assert second.grey[:, :200].mean() == pytest.approx(140, abs=2)
    assert [record.getMessage() for record in caplog.records] == [
        "camera 0: gives damaged pictures, which are left out; check its cable"
    ]
    assert capfd.readouterr().err == ""


def test_ok__stray_bytes_between_the_parts_of_a_jpeg_are_no_damage(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = jpeg(restarts=2)
    marker = whole.index(b"\xff\xd3", whole.index(b"\xff\xda"))
    source = camera(root, mjpg([whole[:marker] + b"\x12\x34" + whole[marker:]] * 3))
    assert [frame.sequence for frame in (source.read() for _ in range(3)) if frame] == [0, 1, 2]
    assert source.damaged == 0
    assert capfd.readouterr().err == ""


def test_fail__a_camera_with_damaged_pictures_only(root: Path) -> None:
    with pytest.raises(SourceError, match="gives only damaged pictures; check its cable"):
        camera(root, mjpg([damage("zeros")] * 100)).read()


def test_fail__an_error_of_opencv_is_one_line(root: Path) -> None:
    class Broken(FakeDevice):
        def retrieve(self) -> tuple[bool, Any]:
            raise cv2.error("OpenCV(5.0) /long/path.cpp:1: error: (-215)")

    with pytest.raises(SourceError, match="gives no more pictures"):
        camera(root, Broken([np.zeros((64, 96), np.uint8)])).read()
