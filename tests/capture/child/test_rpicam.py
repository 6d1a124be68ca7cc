"""A Raspberry Pi's CSI camera, through a real child process: the stand-in for `rpicam-vid`."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import numpy as np
import pytest

from driver_monitor.capture.camera import SourceInfo
from driver_monitor.capture.open_source import check_source
from driver_monitor.errors import AbsentError, SourceError
from driver_monitor.imaging.frame import Frame
from tests.capture.child.conftest import Board


def read(camera: object, count: int) -> list[Frame]:
    return [frame for _ in range(count) if (frame := camera.read()) is not None]  # type: ignore[attr-defined]


def error_of(board: Board, source: str = "rpicam", **config: object) -> tuple[str, float]:
    """The error with which the camera fails, and after how many seconds."""
    begin = time.monotonic()
    with board.camera(source, **config) as camera, pytest.raises(SourceError) as error:
        read(camera, 200)
    assert "\n" not in str(error.value)
    return str(error.value), time.monotonic() - begin


def test_ok__the_pictures_are_those_of_the_camera_with_the_times_of_its_sensor(board: Board) -> None:
    with board.camera() as camera:
        assert (camera.name, camera.live) == ("rpicam", True)
        pictures, ages = [], []
        for _ in range(15):
            frame = camera.read()
            assert frame is not None
            assert frame.t_mono is not None
            ages.append(time.monotonic() - frame.t_mono)
            pictures.append(frame)
    first = next(n for n in range(12) if np.array_equal(pictures[0].grey, board.grey(n)))
    for number, frame in enumerate(pictures):
        assert np.array_equal(frame.grey, board.grey(first + number))
    times = np.array([frame.t_mono for frame in pictures], float)
    assert [frame.sequence for frame in pictures] == list(range(15))
    assert np.all(np.diff(times) >= 0.0)
    assert np.median(np.diff(times)) == pytest.approx(1 / 30, abs=0.002), "the sensor's, not those of the arrival"
    assert min(ages) >= 0.0
    assert np.median(ages) < 0.2


def test_ok__the_program_is_asked_for_what_the_configuration_says(board: Board) -> None:
    fixed = {"exposure": "fixed", "exposure_ms": 8, "gain": 4}
    with board.camera("rpicam:1", width=700, height=481, fps=25, **fixed) as camera:
        frame = camera.read()
        assert frame is not None
        assert frame.grey.shape == (480, 640)
    (start,) = board.starts
    text = " ".join(start)
    assert "-n -t 0 --camera 1 --width 640 --height 480 --framerate 25 --shutter 8000 --gain 4" in text
    assert "--codec yuv420 --flush --save-pts /dev/fd/" in text
    assert text.endswith("-o -")


def test_ok__the_exposure_is_the_cameras_own_unless_it_is_fixed(board: Board) -> None:
    with board.camera() as camera:
        read(camera, 1)
    assert not {"--shutter", "--gain", "--camera"} & set(board.starts[0])


def test_ok__before_raspberry_pi_os_12_the_program_has_another_name(board: Board) -> None:
    board.install("libcamera-vid")
    assert check_source("rpicam:0") == SourceInfo("rpicam:0", live=True)
    with board.camera("rpicam:0") as camera:
        assert len(read(camera, 2)) == 2


def test_fail__without_the_program_one_line_says_what_to_install(board: Board) -> None:
    (board.programs / "rpicam-vid").unlink()
    with pytest.raises(SourceError, match=r"neither rpicam-vid nor libcamera-vid is installed; .*apt install") as error:
        check_source("rpicam")
    assert not isinstance(error.value, AbsentError)
    with pytest.raises(SourceError, match="apt install rpicam-apps"), board.camera():
        pass


@pytest.mark.parametrize("source", ["rpicam:", "rpicam:x", "rpicam:1:2", "nvargus:-1", "nvargus:123"])
def test_fail__a_camera_number_that_is_none(source: str) -> None:
    with pytest.raises(SourceError, match=r"expected (rpicam|nvargus) or"):
        check_source(source)


def test_fail__a_camera_that_hangs_is_told_within_its_time_and_killed(board: Board) -> None:
    board.faults(stall_at=6, deaf=True, say="[0:01:02.345] [77] ERROR V4L2 v4l2_videodevice.cpp: timeout")
    text, _ = error_of(board, lost_after_s=0.3)
    assert text.startswith("rpicam: gave no picture for 0.3 s, it is started again: ERROR V4L2 v4l2_videodevice.cpp")
    with pytest.raises(ProcessLookupError):
        os.kill(board.pids[0], 0)


def test_fail__a_hang_in_the_middle_of_a_picture(board: Board) -> None:
    source = "pipe:raw:64x64:gray8:sh -c 'head -c 10000 /dev/zero; exec sleep 60'"
    text, took = error_of(board, source, lost_after_s=0.2, fps=60)
    assert "gave no picture for 0.2 s after 1808 of the 4096 bytes of a 64x64 picture" in text
    assert took < 1.0


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ({"die_at": 0, "code": 255, "say": "ERROR: *** no cameras available ***"},
         "rpicam-vid ended with exit code 255: ERROR: *** no cameras available ***; check the camera's cable"),
        ({"die_at": 5, "code": 0}, "rpicam-vid ended with exit code 0; "),
        ({"die_at": 5, "code": -9}, "rpicam-vid was killed by signal 9 (SIGKILL); "),
        ({"half_at": 5, "code": 3, "say": "gone"},
         "rpicam-vid ended with exit code 3 after 230400 of the 460800 bytes of a 640x480 picture: gone; "),
        ({"die_at": 4, "code": 1, "noise": 200, "say": "the end \x1b[31m\x07is near"}, ": the end  [31m is near; "),
    ],
)  # fmt: skip
def test_fail__a_program_that_ends_says_why(board: Board, faults: dict[str, object], told: str) -> None:
    board.faults(**faults)
    text, took = error_of(board)
    assert told in text
    assert text.isprintable()
    assert took < 2.0


@pytest.mark.parametrize("size", [(320, 240), (1280, 720), (640, 360), (1280, 960), (704, 480)])
@pytest.mark.parametrize("silent", [False, True], ids=["announced", "not announced"])
def test_fail__another_size_is_an_error_that_names_both_and_no_picture(
    board: Board, size: tuple[int, int], silent: bool
) -> None:
    board.faults(size=size, silent=silent)
    with board.camera() as camera, pytest.raises(SourceError) as error:
        assert camera.read() is None, "no picture is given"
    text = str(error.value)
    assert "640x480" in text
    if silent:
        length = re.search(r"pictures of (about )?(\d+) bytes", text)
        assert length
        # A reader that is late finds two pictures at once (`length_check`).
        lengths = [pictures * size[0] * size[1] * 3 // 2 for pictures in (1, 2)]
        about = 0.4 if length[1] else 0
        assert any(int(length[2]) == pytest.approx(one, rel=about) for one in lengths)
    else:
        assert f"pictures of {size[0]}x{size[1]}, not of 640x480" in text


def test_ok__megabytes_on_stderr_neither_stop_the_pictures_nor_fill_the_memory(board: Board) -> None:
    board.faults(noise=300_000)
    with board.camera() as camera:
        assert len(read(camera, 20)) == 20
        links = list(Path("/proc/self/fd").iterdir())
        files = {os.readlink(link): link for link in links if link.is_symlink()}  # noqa: PTH115
        (memory,) = [link.stat().st_size for name, link in files.items() if "memfd:stderr" in name]
        assert memory < 1_000_000


def test_ok__a_slow_start_is_waited_for(board: Board) -> None:
    board.faults(slow_s=1.0)
    with board.camera(lost_after_s=0.2) as camera:
        assert len(read(camera, 3)) == 3


@pytest.mark.parametrize("times", ["none", "late", "wrong"])
def test_ok__without_good_times_of_the_sensor_those_of_the_arrival_are_used(board: Board, times: str) -> None:
    board.faults(times=times)
    with board.camera(fps=60) as camera:
        frames = read(camera, 90)
        now = time.monotonic()
    stamps = np.array([frame.t_mono for frame in frames], float)
    assert np.all(np.diff(stamps) >= 0.0)
    assert now - stamps[-1] < 1.3
    assert stamps[-1] - stamps[0] > 0.4
