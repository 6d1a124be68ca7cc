"""A command of the user's own (`pipe:`), and GStreamer where it is installed."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from driver_monitor.capture.camera import SourceInfo
from driver_monitor.capture.exposure import warn_once
from driver_monitor.capture.open_source import check_source, expected_source, open_camera
from driver_monitor.config.schema import CameraConfig
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Frame
from tests.capture.child.conftest import Board

Y4M = """
import sys, time

width, height, words, count, pause, *then = sys.argv[1:]
out = sys.stdout.buffer
out.write(f"YUV4MPEG2 W{width} H{height} {words}\\n".encode())
for number in range(int(count)):
    out.write(b"FRAME\\n" + bytes([16 + 10 * number]) * (int(width) * int(height)) + bytes(int(then[0] if then else 0)))
    out.flush()
    time.sleep(float(pause))
"""
"""Writes pictures that show their number as their grey level."""


@pytest.fixture
def y4m(tmp_path: Path) -> str:
    script = tmp_path / "y4m.py"
    script.write_text(Y4M)
    return f"pipe:{sys.executable} -S {script}"


def frames(source: str, count: int, **config: object) -> list[Frame]:
    with open_camera(CameraConfig.model_validate(config), source, real_time=True) as camera:
        return [frame for _ in range(count) if (frame := camera.read()) is not None]


def error_of(source: str, **config: object) -> str:
    with pytest.raises(SourceError) as error:
        frames(source, 100, **config)
    assert str(error.value).isprintable()
    return str(error.value)


def test_ok__a_stream_says_its_size_itself(y4m: str) -> None:
    pictures = frames(f"{y4m} 64 48 'F30:1 Cmono' 5 0.02", 5)
    assert [frame.grey.shape for frame in pictures] == [(48, 64)] * 5
    assert [int(frame.grey[20, 20]) for frame in pictures] == [16, 26, 36, 46, 56]
    assert [frame.sequence for frame in pictures] == [0, 1, 2, 3, 4]
    assert all(0.01 < b.t - a.t < 1.0 for a, b in pairwise(pictures))
    assert pictures[0].t == 0.0


def test_ok__levels_of_video_become_those_of_a_picture(y4m: str) -> None:
    assert [int(frame.grey[0, 0]) for frame in frames(f"{y4m} 64 48 'C420' 3 0.02 {64 * 48 // 2}", 3)] == [0, 12, 23]
    full = frames(f"{y4m} 64 48 'C420 XCOLORRANGE=FULL' 3 0.02 {64 * 48 // 2}", 3)
    assert [int(frame.grey[0, 0]) for frame in full] == [16, 26, 36]


def test_ok__pixels_twice_as_wide_as_high_become_square(y4m: str) -> None:
    assert frames(f"{y4m} 64 48 'Cmono A2:1' 2 0.02", 1)[0].grey.shape == (48, 128)


def test_ok__pictures_that_come_slower_than_the_limit_are_waited_for_at_their_own_rate(y4m: str) -> None:
    assert len(frames(f"{y4m} 64 48 'Cmono F4:1' 4 0.25", 4, lost_after_s=0.1)) == 4


def test_fail__the_header_takes_its_time_from_that_of_the_first_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else header and picture together take longer than the daemon gives a read: it would end, not heal."""
    monkeypatch.setattr("driver_monitor.capture.child.pipe_camera.START_S", 1.2)
    begin = time.monotonic()
    text = error_of("pipe:sh -c 'sleep 0.9; echo YUV4MPEG2 W64 H48 Cmono; exec sleep 60'")
    assert "gave no picture for 1.2 s, it is started again" in text
    assert time.monotonic() - begin < 1.9


def test_fail__a_stream_that_announces_one_picture_an_hour_is_not_waited_for_so_long(
    y4m: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driver_monitor.capture.child.pipe_camera.START_S", 1.2)
    assert "gave no picture for 1.2 s" in error_of(f"{y4m} 64 48 'Cmono F1:900' 2 5")


def test_fail__pictures_that_are_longer_than_the_header_says(y4m: str) -> None:
    text = error_of(f"{y4m} 64 48 'Cmono' 5 0.02 100")
    assert "its pictures are not as long as those of 64x48, which its header gives" in text


def test_fail__the_stream_ends(y4m: str) -> None:
    text = error_of(f"{y4m} 64 48 'Cmono' 3 0.02")
    assert "ended with exit code 0; try the command in a terminal" in text


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("sh -c 'echo hello; exec sleep 60'", "does not write a YUV4MPEG2 stream; it begins with 'hello'"),
        ("head -c 5000 /dev/zero", "does not write a YUV4MPEG2 stream; let the command"),
        ("sh -c 'echo no such sensor >&2; exit 7'", "sh ended with exit code 7: no such sensor; try"),
        ("sh -c 'exec >&-; exec sleep 60'", "sh has closed its pipe; try"),
        ("true", "true ended with exit code 0; try"),
        ("sh -c 'kill -SEGV $$'", "sh was killed by signal 11 (SIGSEGV); try"),
        ("sh -c 'printf YUV4MPEG2; exit 1'", "sh ended with exit code 1; try"),
        ('sh -c \'cat /dev/zero | tr "\\0" "Y"\'', "does not write a YUV4MPEG2 stream"),
    ],
)
def test_fail__a_command_that_gives_no_pictures_is_one_line_with_the_reason(command: str, told: str) -> None:
    assert told in error_of(f"pipe:{command}")


SECRETS = ("geheim1", "geheim2", "geheim3", "geheim4")


@pytest.mark.parametrize(
    "command",
    [
        "sh -c 'echo cannot open rtsp://me:geheim1@10.0.0.2/x?password=geheim2 >&2; exit 1'",
        "sh -c 'echo \"$2 is wrong\" >&2; exit 1' -- --password geheim3",
        "no-such-camera --token=geheim1 geheim2",
        "sh -c 'exit 1' geheim1 geheim2",
        "sh -c 'echo geheim1; exec sleep 9' --api-key geheim1",
    ],
)
def test_fail__no_message_shows_a_secret_of_the_command(command: str, caplog: pytest.LogCaptureFixture) -> None:
    source = f"pipe:{command}"
    try:
        text = error_of(source) + check_source(source).name
    except SourceError as error:
        text = str(error)
    assert not [secret for secret in SECRETS if secret in text + caplog.text]
    assert text.startswith(("pipe:sh: ", "pipe:no-such-camera: there is no such program"))


def test_ok__no_shell_reads_the_command(tmp_path: Path) -> None:
    error_of(f"pipe:echo hello; touch {tmp_path}/made")
    error_of(f"pipe:echo $(touch {tmp_path}/made) > {tmp_path}/made")
    assert not list(tmp_path.iterdir())


def test_ok__a_command_is_live_and_checked_without_starting_it(tmp_path: Path) -> None:
    assert check_source(f"pipe:touch {tmp_path}/made") == SourceInfo("pipe:touch", live=True)
    assert expected_source(f"pipe:raw:64x64:gray8:/bin/touch {tmp_path}/made").name == "pipe:touch"
    assert not list(tmp_path.iterdir())


def test_ok__an_exposure_for_a_command_of_ones_own_is_one_warning(y4m: str, caplog: pytest.LogCaptureFixture) -> None:
    warn_once.cache_clear()
    for _ in range(2):
        frames(f"{y4m} 64 48 Cmono 1 0", 1, exposure="fixed", exposure_ms=9)
    assert caplog.text.count("camera.exposure has no effect on a command of your own") == 1


def test_ok__a_picture_is_turned_as_of_any_camera(y4m: str) -> None:
    assert frames(f"{y4m} 64 48 Cmono 2 0.02", 1, rotate=90)[0].grey.shape == (64, 48)


def test_ok__a_file_without_pauses_is_read_too(tmp_path: Path) -> None:
    """Nothing proves the length of raw pictures then: they are held back for a moment only."""
    source = "pipe:raw:64x64:gray8:sh -c 'while :; do head -c 4096000 /dev/zero; done'"
    assert len(frames(source, 50)) == 50


GSTREAMER = shutil.which("gst-launch-1.0")
needs_gstreamer = pytest.mark.skipif(GSTREAMER is None, reason="gst-launch-1.0 is not installed")
TEST_PICTURE = "videotestsrc is-live=true pattern=white ! video/x-raw,width=320,height=240,framerate=30/1,format"


@needs_gstreamer
def test_ok__gstreamer_through_y4m() -> None:
    pictures = frames(f"pipe:gst-launch-1.0 -q {TEST_PICTURE}=I420 ! y4menc ! fdsink", 20)
    assert {frame.grey.shape for frame in pictures} == {(240, 320)}
    assert min(int(frame.grey.min()) for frame in pictures) > 250
    assert np.median(np.diff([frame.t for frame in pictures])) == pytest.approx(1 / 30, abs=0.01)


@needs_gstreamer
@pytest.mark.parametrize(("format_name", "pixels"), [("GRAY8", "gray8"), ("I420", "i420"), ("NV12", "nv12")])
def test_ok__gstreamer_raw(format_name: str, pixels: str) -> None:
    source = f"pipe:raw:320x240:{pixels}:gst-launch-1.0 -q {TEST_PICTURE}={format_name} ! fdsink"
    (picture,) = frames(source, 1)
    assert picture.grey.shape == (240, 320)


@needs_gstreamer
def test_fail__gstreamer_with_another_size() -> None:
    text = error_of(f"pipe:raw:640x480:gray8:gst-launch-1.0 -q {TEST_PICTURE}=GRAY8 ! fdsink")
    assert "pictures of 76800 bytes, as of 320x240, but those of 640x480 have 307200" in text


@needs_gstreamer
def test_fail__a_computer_that_is_no_jetson() -> None:
    text = error_of("nvargus")
    assert 'no element "nvarguscamerasrc"' in text
    assert text.endswith("check the camera's cable, and `systemctl status nvargus-daemon`")


def test_fail__without_gstreamer_one_line_says_what_to_install(board: Board) -> None:
    board.install("nothing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(board.programs))
        with pytest.raises(SourceError, match=r"nvargus:1: gst-launch-1.0 is not installed; run `sudo apt install"):
            check_source("nvargus:1")


JETSON = """#!/bin/sh
# GStreamer on a Jetson: its camera is a test picture, and its source writes to stdout, as the real one does.
echo "GST_ARGUS: Creating output stream"
echo "$*" >> {log}
arguments=$(echo "$*" | sed -e 's/nvarguscamerasrc[^!]*/videotestsrc is-live=true pattern=white /' \
    -e 's/(memory:NVMM)//' -e 's/nvvidconv/videoscale/' {change})
exec {gstreamer} $arguments
"""


@needs_gstreamer
@pytest.mark.parametrize("change", ["", "-e s/width=640/width=320/g"], ids=["as asked", "another size"])
def test_ok__a_jetson_camera_gives_its_pictures_and_its_messages_apart(board: Board, change: str) -> None:
    program = board.programs / "gst-launch-1.0"
    program.write_text(JETSON.format(log=board.folder / "log", gstreamer=GSTREAMER, change=change))
    program.chmod(0o755)
    if change:
        text = error_of("nvargus:1")
        assert "gives pictures of 320x480, not of 640x480" in text
        return
    pictures = frames("nvargus:1", 10, exposure="fixed", exposure_ms=5, gain=2)
    assert {frame.grey.shape for frame in pictures} == {(480, 640)}
    asked = (board.folder / "log").read_text()
    assert "sensor-id=1 exposuretimerange=5000000 5000000 gainrange=2 2 ! video/x-raw(memory:NVMM),width=640" in asked


def test_ok__closing_ends_a_read_that_waits(tmp_path: Path) -> None:
    camera = open_camera(CameraConfig(), "pipe:sleep 600", real_time=True)
    results: list[object] = []
    reading = threading.Thread(target=lambda: results.append(camera.read()))
    reading.start()
    begin = time.monotonic()
    camera.close()
    reading.join(10)
    assert results == [None]
    assert time.monotonic() - begin < 0.5
