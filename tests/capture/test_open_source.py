from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from driver_monitor.capture.camera import SourceInfo
from driver_monitor.capture.open_source import check_source, expected_source, named_recording, open_camera
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.capture.recordings.images import FolderCamera
from driver_monitor.config.schema import CameraConfig
from driver_monitor.errors import AbsentError, SourceError
from tests.capture.clips import picture_of, write_clip

CONFIG = CameraConfig()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", [picture_of(number) for number in range(3)])


def test_ok__a_clip_reads_the_clock_in_real_time_only(clip: Path) -> None:
    with open_camera(CONFIG, str(clip), real_time=False) as camera:
        frame = camera.read()
        assert isinstance(camera, ClipCamera)
        assert frame is not None
        assert frame.t_mono is None
    with open_camera(CONFIG, str(clip), real_time=True, monotonic=lambda: 9.0) as camera:
        frame = camera.read()
        assert frame is not None
        assert frame.t_mono == 9.0


def test_ok__a_folder_has_the_configured_rate(tmp_path: Path) -> None:
    for number in range(2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture_of(number))
    with open_camera(CameraConfig(fps=4), str(tmp_path), real_time=False) as camera:
        assert isinstance(camera, FolderCamera)
        assert [frame.t for frame in iter(camera.read, None)] == [0.0, 0.25]


def test_ok__a_camera_mounted_on_its_side_is_turned(clip: Path) -> None:
    with open_camera(CameraConfig(rotate=90), str(clip), real_time=False, every=2) as camera:
        frames = list(iter(camera.read, None))
    assert (camera.name, camera.live, camera.frames) == ("clip.mp4", False, 2)
    assert [frame.sequence for frame in frames] == [0, 2]
    assert frames[0].image.shape == (96, 64, 3)
    assert frames[0].image[:40].mean() < 60


def test_ok__demo_is_the_bundled_clip_and_never_turned(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driver_monitor.demo.CLIP", clip)
    with open_camera(CameraConfig(rotate=90), "demo", real_time=False) as camera:
        frame = camera.read()
        assert frame is not None
        assert frame.image.shape == (64, 96, 3)


@pytest.mark.parametrize("own", ["file", "folder", "dangling"])
def test_ok__demo_is_the_bundled_clip_beside_a_file_of_this_name_too_and_a_line_says_so(
    clip: Path, tmp_path: Path, own: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("driver_monitor.demo.CLIP", clip)
    monkeypatch.chdir(tmp_path)
    if own == "folder":
        Path("demo").mkdir()
        cv2.imwrite("demo/1.png", picture_of(1))
    elif own == "dangling":
        Path("demo").symlink_to("nowhere")
    else:
        Path("demo").write_bytes(b"mine")
    with open_camera(CONFIG, "demo", real_time=False) as camera:
        assert camera.name == clip.name
    assert named_recording("demo") == clip
    assert [record.getMessage().split(";")[0] for record in caplog.records] == ["demo: this is the bundled clip"] * 2
    assert str(named_recording("./demo")) == "demo"
    if own == "folder":
        with open_camera(CONFIG, "./demo", real_time=False) as camera:
            assert camera.name == "demo"


def test_ok__without_a_file_of_this_name_demo_needs_no_line(caplog: pytest.LogCaptureFixture) -> None:
    assert named_recording("demo").name == "demo.mp4"
    assert not caplog.records


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("nowhere.mp4", "no such file or folder; give a camera number"),
        ("ftp://host/clip.mp4", "ftp://: not supported as a source"),
        ("/dev/video97", "no such camera"),
        ("97", "no such camera"),
        ("tcp://127.0.0.1:1", "cannot be opened"),
        ("rtsp://[::1", "is not an address"),
        ("x" * 5000, "x: "),
    ],
)
def test_fail__a_missing_source(source: str, reason: str) -> None:
    with pytest.raises(SourceError) as error:
        open_camera(CONFIG, source, real_time=True)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_ok__a_source_is_checked_without_opening_it(clip: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "1.png"), picture_of(1))
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "video3").touch()
    assert check_source(str(clip)) == SourceInfo("clip.mp4", live=False)
    assert check_source(str(tmp_path)) == SourceInfo(tmp_path.name, live=False)
    assert check_source("3", root=tmp_path) == SourceInfo("camera 3", live=True)
    assert check_source("rtsp://me:secret@10.255.255.1/x") == SourceInfo("rtsp://10.255.255.1/x", live=True)
    assert not check_source("demo").live


def test_ok__an_absent_camera_is_expected_and_live() -> None:
    assert expected_source("97") == SourceInfo("camera 97", live=True)
    assert expected_source("/dev/v4l/by-id/usb-cabin") == SourceInfo("/dev/v4l/by-id/usb-cabin", live=True)
    assert not expected_source("demo").live


def test_ok__a_camera_that_this_user_may_not_open_yet_is_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "video3").touch()
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(AbsentError, match="group video"):
        check_source("3", root=tmp_path)


@pytest.mark.parametrize("source", ["nowhere.mp4", "ftp://host/clip.mp4", "/dev/null", "/proc"])
def test_fail__what_is_no_source_is_never_expected(source: str) -> None:
    with pytest.raises(SourceError) as error:
        expected_source(source)
    assert not isinstance(error.value, AbsentError)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("nowhere.mp4", "no such file or folder"),
        ("ftp://host/clip.mp4", "ftp://: not supported as a source"),
        ("/dev/video97", "no such camera"),
        ("97", "no such camera"),
        ("/dev/null", "is not a V4L2 camera"),
        ("x" * 5000, "x: "),
        ("/proc", "no pictures in this folder"),
        ("/etc/hostname/x", "no such file"),
    ],
)
def test_fail__an_impossible_source_is_refused_without_opening_it(source: str, reason: str) -> None:
    with pytest.raises(SourceError) as error:
        check_source(source)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)
