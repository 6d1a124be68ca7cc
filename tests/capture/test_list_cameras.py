"""`driver-monitor cameras`: what is a camera, what it gives, and which one the daemon would take."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from driver_monitor.capture.listing import v4l2_query
from driver_monitor.capture.listing.csi_cameras import csi_cameras, run_program
from driver_monitor.capture.listing.found_camera import FoundCamera
from driver_monitor.capture.listing.list_cameras import CameraList, list_cameras
from driver_monitor.cli import cameras as verb
from driver_monitor.config.schema import CameraConfig
from tests.capture.fake_v4l2 import CODEC, INFRARED, ISP, JETSON, METADATA, UNICAM, WEBCAM, FakeV4l2, Node
from tests.conftest import Cli

RPICAM_LIST = """\
Available cameras
-----------------
0 : imx219 [3280x2464 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx219@10)
    Modes: 'SRGGB10_CSI2P' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]
                             1640x1232 [41.85 fps - (0, 0)/3280x2464 crop]
           'SRGGB8' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]

1 : HD Webcam [640x480] (/base/scb/pcie@7d500000/pci@0,0/usb@0,0-1.3:1.0-046d:0825)
    Modes: 'MJPEG' : 640x480 [30.00 fps - (0, 0)/640x480 crop]

2 : ov9281 [1280x800 10-bit MONO] (/base/soc/i2c0mux/i2c@0/ov9281@60)
    Modes: 'R10_CSI2P' : 640x400 [309.79 fps - (0, 0)/0x0 crop]
"""
"""What `rpicam-hello --list-cameras` of a Raspberry Pi prints, with a USB camera between two CSI cameras."""


def listed(
    root: Path, source: str = "0", rpicam: str | None = None, pixel_format: str = "auto", **nodes: Node
) -> CameraList:
    config = CameraConfig.model_validate({"source": source, "pixel_format": pixel_format})
    return list_cameras(config, root, FakeV4l2(root, **nodes), lambda _: rpicam)


def text(found: CameraList) -> str:
    return "\n".join(verb.lines(found))


def test_ok__only_what_gives_pictures_is_a_camera(tmp_path: Path) -> None:
    found = listed(tmp_path, video0=WEBCAM, video1=METADATA, video10=CODEC, video13=ISP, video2=INFRARED)
    assert [(camera.source, camera.name) for camera in found.cameras] == [
        ("/dev/video0", "HD Webcam"),
        ("/dev/video2", "IR Camera"),
    ]
    assert found.usable
    assert found.words == "the daemon takes /dev/video0, HD Webcam"


def test_ok__formats_sizes_and_rates_are_those_of_the_driver(tmp_path: Path) -> None:
    (camera,) = listed(tmp_path, video0=WEBCAM).cameras
    assert list(camera.format_words()) == [
        "MJPG 640x480 at 30, 15; 1280x720 at 30",
        "YUYV 640x480 at 30; 1280x720 at 10",
    ]
    assert camera.bus == "usb-0000:01:00.0-1.2"


def test_ok__the_text_fits_a_narrow_terminal_and_marks_the_camera(tmp_path: Path) -> None:
    shown = text(listed(tmp_path, "2", video0=WEBCAM, video2=INFRARED))
    assert "/dev/video2  IR Camera  <- the daemon takes this one" in shown
    assert shown.count("<-") == 1
    assert max(map(len, shown.splitlines())) <= verb.WIDTH


def test_ok__a_link_by_id_is_followed(tmp_path: Path) -> None:
    FakeV4l2(tmp_path)
    (tmp_path / "dev/v4l/by-id").mkdir(parents=True)
    (tmp_path / "dev/v4l/by-id/usb-IR").symlink_to("../../video2")
    found = listed(tmp_path, "/dev/v4l/by-id/usb-IR", video0=WEBCAM, video2=INFRARED)
    assert found.words == "the daemon takes /dev/video2, IR Camera"


def test_ok__csi_cameras_come_from_their_program_without_the_usb_camera_of_its_list(tmp_path: Path) -> None:
    found = listed(tmp_path, "rpicam", RPICAM_LIST, video0=WEBCAM, video1=UNICAM)
    assert [camera.name for camera in found.cameras] == ["HD Webcam", "imx219", "ov9281"], (
        "not unicam, the same once more"
    )
    assert list(found.cameras[1].format_words()) == [
        "SRGGB10_CSI2P 640x480 at 206.65; 1640x1232 at 41.85",
        "SRGGB8 640x480 at 206.65",
    ]
    assert found.words == "the daemon takes rpicam, imx219"


def test_ok__the_second_csi_camera_has_its_own_number(tmp_path: Path) -> None:
    assert listed(tmp_path, "rpicam:2", RPICAM_LIST).words == "the daemon takes rpicam:2, ov9281"
    assert not listed(tmp_path, "rpicam:1", RPICAM_LIST).usable, "the program's camera 1 is the USB one"


def test_ok__a_csi_camera_without_its_program_says_how_to_use_it(tmp_path: Path) -> None:
    found = listed(tmp_path, "0", video0=UNICAM)
    assert (found.usable, found.advice) == (False, "set camera.source: rpicam")
    assert "raw sensor values" in found.words
    assert list(found.cameras[0].format_words()) == ["pRAA 3280x2464"], "of a range the largest size"


def test_ok__a_jetson_camera_is_used_through_nvargus(tmp_path: Path) -> None:
    assert listed(tmp_path, "0", video0=JETSON).advice == "set camera.source: nvargus"
    assert listed(tmp_path, "nvargus", video0=JETSON).words == "the daemon takes nvargus, vi-output, imx219 9-0010"


def test_ok__a_stream_needs_no_camera_of_the_list_and_its_password_is_hidden(tmp_path: Path) -> None:
    found = listed(tmp_path, "rtsp://me:secret@10.0.0.7/1", video0=WEBCAM)
    assert found.usable
    assert "secret" not in text(found)
    assert "<-" not in text(found)


def test_ok__a_recording_is_named_as_it_is(tmp_path: Path) -> None:
    assert listed(tmp_path, "demo").words == "the daemon takes demo.mp4, none of these cameras"


def test_ok__of_a_command_of_ones_own_only_the_program_is_told(tmp_path: Path) -> None:
    found = listed(tmp_path, "pipe:/bin/cat --token secret", video0=WEBCAM)
    assert found.usable
    assert "pipe:cat" in found.words
    assert "secret" not in text(found)


def test_fail__a_recording_that_is_not_there(tmp_path: Path) -> None:
    found = listed(tmp_path, "/nonexistent.mp4")
    assert (found.usable, found.words) == (False, "camera.source: /nonexistent.mp4: no such file or folder")
    assert found.advice


def test_fail__a_csi_camera_that_its_program_does_not_list(tmp_path: Path) -> None:
    found = listed(tmp_path, "rpicam", "No cameras available!")
    assert "flat cable" in str(found.advice)


def test_fail__no_camera_says_what_to_do(tmp_path: Path) -> None:
    found = listed(tmp_path)
    assert not found.usable
    shown = " ".join(text(found).split())
    assert shown.startswith("no camera is found camera.source: 0: no such camera what to do: check its cable")
    assert "group video" in shown
    assert "camera.source: rpicam" in shown
    assert "nvargus on a Jetson" in shown


def test_fail__another_number_than_the_camera_there(tmp_path: Path) -> None:
    found = listed(tmp_path, "0", video2=INFRARED)
    assert (found.usable, found.advice) == (False, "set camera.source: /dev/video2")


def test_fail__the_node_with_metadata_is_not_a_camera(tmp_path: Path) -> None:
    found = listed(tmp_path, "1", video0=WEBCAM, video1=METADATA)
    assert found.words == "camera.source: 1: /dev/video1 is not a camera"
    assert found.advice == "set camera.source: /dev/video0"


def test_fail__a_format_that_the_camera_does_not_give(tmp_path: Path) -> None:
    found = listed(tmp_path, pixel_format="Y16", video0=WEBCAM)
    assert not found.usable
    assert found.advice == "set camera.pixel_format: auto"


def test_fail__a_camera_that_this_user_may_not_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    device = FakeV4l2(tmp_path, video0=WEBCAM)
    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = list_cameras(CameraConfig(), tmp_path, device, lambda _: None)
    assert not found.usable
    assert found.words == "camera.source: 0: /dev/video0: this user may not open it"
    assert found.advice is not None
    assert "usermod -aG video" in found.advice
    assert "HD Webcam" in text(found)


def test_ok__a_device_that_answers_nothing_is_left_out(tmp_path: Path) -> None:
    device = FakeV4l2(tmp_path, video0=WEBCAM)
    (tmp_path / "dev/video7").touch()
    assert len(list_cameras(CameraConfig(), tmp_path, device, lambda _: None).cameras) == 1


def test_ok__a_driver_that_never_says_that_there_are_no_more_formats_is_asked_a_limited_number_of_times() -> None:
    asked: list[int] = []

    def endless(device: int, request: int, data: bytearray) -> int:
        asked.append(request)
        return 0

    assert len(v4l2_query.formats(0, endless)) == v4l2_query.MOST
    assert len(asked) < 10_000


def test_ok__the_format_in_use_is_told(tmp_path: Path) -> None:
    device = FakeV4l2(tmp_path, video0=WEBCAM, video2=METADATA)
    with (tmp_path / "dev/video0").open() as webcam, (tmp_path / "dev/video2").open() as other:
        assert v4l2_query.current_format(webcam.fileno(), device) == ("MJPG", 640, 480)
        assert v4l2_query.current_format(other.fileno(), device) is None


def test_ok__the_older_name_of_the_program_is_asked_too() -> None:
    def only_old(command: Sequence[str]) -> str | None:
        return RPICAM_LIST if command[0] == "libcamera-hello" else None

    assert [camera.name for camera in csi_cameras(only_old)] == ["imx219", "ov9281"]


@pytest.mark.parametrize("output", ["No cameras available!\n", "", "0 : \n 1 : x\n", "\x00\xff 0 : a [ ] ( )\n"])
def test_ok__a_program_without_cameras_gives_none(output: str) -> None:
    assert [camera for camera in csi_cameras(lambda _: output) if isinstance(camera, FoundCamera) and camera.bus] == []


def test_ok__a_program_that_fails_or_is_missing_is_no_error(tmp_path: Path) -> None:
    assert run_program(["/nonexistent/rpicam-hello"]) is None
    assert run_program(["false"]) is None
    assert run_program(["echo", "hello"]) == "hello\n"


def test_ok__json_has_the_same_as_the_text(tmp_path: Path) -> None:
    found = json.loads(json.dumps(verb.to_json(listed(tmp_path, "2", video0=WEBCAM, video2=INFRARED))))
    first, second = found["cameras"]
    assert (first["source"], first["taken"], second["source"], second["taken"]) == (
        "/dev/video0",
        False,
        "/dev/video2",
        True,
    )
    assert second["formats"] == [{"name": "GREY", "sizes": [{"width": 640, "height": 400, "rates": [60.0]}]}]


def test_fail__the_command_on_a_machine_without_cameras_ends_with_1(command: Cli, tmp_path: Path) -> None:
    config = tmp_path / "my.yaml"
    config.write_text("camera: {source: /dev/video63}\n")
    result = command("cameras", "--config", str(config), "--json")
    assert result.code == 1
    assert json.loads(result.out)["usable"] is False
