from __future__ import annotations

import itertools
import logging
import os
from pathlib import Path

import numpy as np
import pytest

from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.capture.recordings.decoder import STRICT_TRIES
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Frame
from tests.capture.clips import number_in, picture_of, turn, write_clip, write_sound

PICTURES = [picture_of(number) for number in range(24)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "drive.mp4", PICTURES)


def play(path: Path, every: int = 1) -> list[Frame]:
    with ClipCamera(path, every=every) as camera:
        return list(iter(camera.read, None))


def refusal(path: Path) -> str:
    with pytest.raises(SourceError) as error:
        ClipCamera(path)
    message = str(error.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def test_ok__every_frame_comes_once_in_decoding_order_with_its_time(clip: Path) -> None:
    with ClipCamera(clip) as camera:
        assert (camera.name, camera.live, camera.frames) == ("drive.mp4", False, 24)
        frames = list(iter(camera.read, None))
        assert camera.read() is None
        assert camera.warning is None
    assert [number_in(frame.image) for frame in frames] == list(range(24))
    assert [frame.sequence for frame in frames] == list(range(24))
    assert [round(frame.t, 6) for frame in frames] == [round(n / 20, 6) for n in range(24)]
    assert {frame.t_mono for frame in frames} == {None}
    assert {(frame.source, frame.image.shape) for frame in frames} == {("drive.mp4", (64, 96, 3))}


def test_ok__every_third_frame_keeps_its_number_and_time(clip: Path) -> None:
    frames = play(clip, every=3)
    assert [(frame.sequence, number_in(frame.image)) for frame in frames] == [(n, n) for n in range(0, 24, 3)]
    assert [round(frame.t, 6) for frame in frames] == [round(n / 20, 6) for n in range(0, 24, 3)]
    with ClipCamera(clip, every=5) as camera:
        assert camera.frames == len(list(iter(camera.read, None))) == 5


@pytest.mark.parametrize("pix_fmt", ["gray", "gray10le", "gray16le"])
def test_ok__a_grey_clip_stays_grey(tmp_path: Path, pix_fmt: str) -> None:
    images = [picture_of(number, grey=True) for number in range(5)]
    frames = play(write_clip(tmp_path / "grey.mkv", images, codec="ffv1", pix_fmt=pix_fmt))
    assert [frame.image.shape for frame in frames] == [(64, 96)] * 5
    assert [number_in(frame.image) for frame in frames] == list(range(5))


def test_ok__a_clip_of_uneven_rate_keeps_its_times(tmp_path: Path) -> None:
    stamps = [0, 33, 66, 166, 200, 1400, 1433]
    frames = play(write_clip(tmp_path / "uneven.mkv", PICTURES[:7], stamps_ms=stamps))
    assert [round(frame.t * 1000) for frame in frames] == stamps


def test_ok__the_time_continues_in_two_recordings_joined_by_cat(tmp_path: Path) -> None:
    part = write_clip(tmp_path / "part.ts", [picture_of(0)] * 40, codec="mpeg2video").read_bytes()
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part + part)
    times = [frame.t for frame in play(joined)]
    assert len(times) > 70
    assert times == sorted(times)
    assert 3.5 < times[-1] < 4.5


def test_ok__a_clip_filmed_on_its_side_is_turned_upright(tmp_path: Path) -> None:
    [frame] = play(turn(write_clip(tmp_path / "phone.mp4", [picture_of(0)])))
    assert frame.image.shape == (96, 64, 3)
    assert frame.image[:40].mean() < 60, "turned clockwise, the dark left half comes to the top"
    assert frame.image[-40:].mean() > 200


def test_ok__a_name_with_a_colon_and_umlauts_is_a_file(tmp_path: Path, clip: Path) -> None:
    odd = tmp_path / "12:30 Köln %03d.mp4"
    odd.write_bytes(clip.read_bytes())
    assert len(play(odd)) == 24


@pytest.mark.parametrize("name", ["cut.mp4", "cut.mkv"])
def test_ok__a_truncated_clip_gives_its_frames_and_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    options = {"movflags": "faststart"} if name.endswith("mp4") else {}
    path = write_clip(tmp_path / name, PICTURES * 3, options=options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with caplog.at_level(logging.WARNING), ClipCamera(path) as camera:
        frames = list(iter(camera.read, None))
        warning = camera.warning
    assert 10 < len(frames) < 72
    assert [frame.sequence for frame in frames] == list(range(len(frames)))
    assert warning is not None
    assert f"ends after {len(frames)} frames" in warning
    assert warning in caplog.text


def test_ok__damage_in_the_middle_loses_only_the_damaged_frames(tmp_path: Path) -> None:
    images = [picture_of(number % 24, grey=True) for number in range(24)]
    path = write_clip(tmp_path / "scratch.mov", images, codec="png", pix_fmt="gray")
    data = bytearray(path.read_bytes())
    hits = [at for at in range(len(data) - 8) if data[at : at + 4] == b"\x89PNG"]
    data[hits[7] + 1 : hits[7] + 4] = b"XXX"
    path.write_bytes(data)
    with ClipCamera(path) as camera:
        numbers = [number_in(frame.image) for frame in iter(camera.read, None)]
        assert camera.warning is not None
        assert "1 damaged packets" in camera.warning
    assert numbers == [n for n in range(24) if n != 7]


def test_fail__no_such_file(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "gone.mp4")


def test_fail__a_folder_is_not_a_clip(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)


def test_fail__an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert "is empty" in refusal(tmp_path / "empty.mp4")


@pytest.mark.parametrize("name", ["notes.mp4", "notes.txt", "notes.srt", "list.ffconcat"])
def test_fail__text_is_not_a_clip_under_any_name(tmp_path: Path, clip: Path, name: str) -> None:
    path = tmp_path / name
    text = {
        "notes.srt": "1\n00:00:01,000 --> 00:00:02,000\nhello\n",
        "list.ffconcat": f"ffconcat version 1.0\nfile {clip}",
    }
    path.write_text(text.get(name, "hello driver\n" * 200))
    refusal(path)


def test_fail__noise_is_not_a_clip(tmp_path: Path) -> None:
    (tmp_path / "noise.mp4").write_bytes(os.urandom(20_000))
    assert "cannot be opened as a video" in refusal(tmp_path / "noise.mp4")


def test_fail__sound_without_picture(tmp_path: Path) -> None:
    assert "no picture" in refusal(write_sound(tmp_path / "radio.wav"))


def test_fail__a_refused_file_is_closed(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "radio.wav")
    with pytest.raises(SourceError) as error:
        ClipCamera(path)
    opened = [file.readlink() for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
    assert path not in opened, error


def test_ok__a_jump_in_the_stamps_adds_no_hour(tmp_path: Path) -> None:
    stamps = [number * 50 + (3_600_000 if number >= 12 else 0) for number in range(24)]
    path = write_clip(tmp_path / "leap.mkv", PICTURES, stamps_ms=stamps)
    with ClipCamera(path) as camera:
        frames = list(iter(camera.read, None))
        assert camera.warning is None
    assert len(frames) == 24
    assert frames[-1].t == pytest.approx(23 / 20, abs=0.05)


def test_fail__a_clip_cut_off_before_its_index(tmp_path: Path, clip: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    assert "copy it again" in refusal(path)


def test_fail__a_clip_of_which_no_frame_decodes(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "husk.mov", [picture_of(1, grey=True)] * 3, codec="png", pix_fmt="gray")
    path.write_bytes(path.read_bytes().replace(b"\x89PNG", b"XXXX"))
    assert "no frame can be decoded" in refusal(path)


def test_fail__a_tiny_picture_is_refused(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "icon.mkv", [picture_of(1, grey=True, width=24, height=24)], codec="ffv1", pix_fmt="gray"
    )
    assert "24x24 pixels is too small" in refusal(path)


class FakeClock:
    """A clock that advances only in `wait`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def test_ok__in_real_time_each_frame_waits_for_its_own_time(clip: Path) -> None:
    clock = FakeClock()
    with ClipCamera(clip, pace="real_time", monotonic=clock, wait=clock.wait) as camera:
        frames = list(iter(camera.read, None))
    for frame in frames:
        assert frame.t_mono == pytest.approx(1000.0 + frame.t)
    assert len(clock.waits) == 23, "the first frame goes at once"


def test_ok__a_slow_reader_gets_the_next_frame_at_once_and_delays_do_not_add_up(clip: Path) -> None:
    clock = FakeClock()
    with ClipCamera(clip, pace="real_time", monotonic=clock, wait=clock.wait) as camera:
        camera.read()
        clock.now += 0.12
        late = [camera.read() for _ in range(4)]
    assert [round(frame.t_mono - 1000.0, 3) for frame in late if frame and frame.t_mono] == [0.12, 0.12, 0.15, 0.2]


def test_fail__an_error_without_text_of_ffmpeg_has_words(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError

    monkeypatch.setattr("av.open", fail)
    assert "cannot be opened as a video (cannot be decoded): damaged" in refusal(clip)


def test_ok__closing_during_a_wait_ends_it(clip: Path) -> None:
    camera: ClipCamera

    def close_meanwhile(seconds: float) -> None:
        camera.close()

    camera = ClipCamera(clip, pace="real_time", monotonic=lambda: 0.0, wait=close_meanwhile)
    assert camera.read() is not None
    assert camera.read() is None
    assert camera.read() is None
    camera.close()


@pytest.mark.parametrize("damage", [bytes(200), b"\xff\xd3" * 100, b"\xff\xd9" * 100], ids=["no", "marks", "end"])
def test_ok__a_damaged_picture_of_mjpeg_is_counted_and_not_shown(tmp_path: Path, damage: bytes) -> None:
    noise = np.random.default_rng(3).integers(0, 60, (240, 320, 3), np.uint8)
    pictures = [picture_of(number, width=320, height=240) // 2 + noise for number in range(8)]
    path = write_clip(tmp_path / "trip.avi", pictures, codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    starts = [at for at in range(len(data) - 3) if data[at : at + 3] == b"\xff\xd8\xff"]
    middle = (starts[4] + starts[5]) // 2
    data[middle : middle + 200] = damage
    path.write_bytes(data)
    with ClipCamera(path) as camera:
        shown = [round(frame.t * 20) for frame in iter(camera.read, None)]
        assert camera.warning is not None
        assert "1 damaged packets left out" in camera.warning
        assert camera.read() is None
    assert shown == [0, 1, 2, 3, 5, 6, 7]


def test_ok__a_camera_whose_every_mjpeg_picture_has_a_fault_is_shown_all_the_same(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 60, (240, 320, 3), np.uint8)
    pictures = [picture_of(number, width=320, height=240) // 2 + noise for number in range(12)]
    path = write_clip(tmp_path / "trip.avi", pictures, codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    starts = [at for at in range(len(data) - 3) if data[at : at + 3] == b"\xff\xd8\xff"]
    for start, end in itertools.pairwise([*starts, starts[-1] + starts[1] - starts[0]]):
        data[end - 300 : end - 290] = b"\xff\xd3" * 5
        assert start < end - 300
    path.write_bytes(data)
    with ClipCamera(path) as camera:
        assert len(list(iter(camera.read, None))) == len(pictures) - STRICT_TRIES
