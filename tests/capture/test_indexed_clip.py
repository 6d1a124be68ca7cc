"""A frame that is read by its number is that frame, however the clip is coded or damaged."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.capture.recordings.indexed_clip import IndexedClip, checksum
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Frame, Image, YuvPicture
from tests.capture.clips import with_late_stamp, write_clip

COUNT = 48
STAMPS = [0]
for _number in range(COUNT - 1):
    STAMPS.append(STAMPS[-1] + 20 + 17 * (_number % 5))


def moving(count: int = COUNT) -> list[Image]:
    """Pictures that all differ, with noise, so that every frame depends on the ones before it."""
    noise = np.random.default_rng(3).integers(0, 60, (96, 128, 3), np.uint8)
    return [np.asarray(np.roll(noise, 2 * number, axis=1) + number, np.uint8) for number in range(count)]


def b_frames(folder: Path) -> Path:
    coding = {"bf": "3", "g": "24", "x264-params": "open-gop=1:bframes=3:b-adapt=0"}
    return write_clip(folder / "b.mp4", moving(), codec="libx264", coding=coding)


def one_key_frame(folder: Path) -> Path:
    return write_clip(folder / "long.mp4", moving(), codec="libx264", coding={"g": "1000", "bf": "2"})


def short_groups(folder: Path) -> Path:
    return write_clip(folder / "short.mp4", moving(), codec="libx264", coding={"g": "2", "bf": "1"})


def variable_rate(folder: Path) -> Path:
    return write_clip(folder / "vfr.mkv", moving(), codec="libx264", coding={"g": "20", "bf": "3"}, stamps_ms=STAMPS)


def avi(folder: Path) -> Path:
    return write_clip(folder / "old.avi", moving(), codec="mpeg4", coding={"g": "12", "bf": "2"})


def transport_stream(folder: Path) -> Path:
    return write_clip(folder / "live.ts", moving(), codec="libx264", coding={"g": "15", "bf": "2"})


def without_times(folder: Path) -> Path:
    return write_clip(folder / "raw.h264", moving(), codec="libx264", coding={"g": "15", "bf": "2"})


def damaged(folder: Path) -> Path:
    """Bytes in the middle are wrong: packets are lost, and pictures after them show remains."""
    path = variable_rate(folder)
    data = bytearray(path.read_bytes())
    for place in range(len(data) // 3, 2 * len(data) // 3, 997):
        data[place] ^= 0xFF
    path.write_bytes(data)
    return path


def cut_off(folder: Path) -> Path:
    path = transport_stream(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 5])
    return path


def damaged_jpegs(folder: Path) -> Path:
    path = write_clip(folder / "webcam.avi", moving(), codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    for place in range(len(data) // 4, len(data) - 5000, len(data) // 12):
        data[place : place + 40] = bytes(40)
    path.write_bytes(data)
    return path


def wrong_stamp(folder: Path) -> Path:
    return with_late_stamp(b_frames(folder), folder / "stamp.mp4", 40, 5000)


def same_pictures(folder: Path) -> Path:
    return write_clip(folder / "still.mp4", moving(1) * COUNT, codec="libx264", coding={"g": "24", "bf": "2"})


KINDS: tuple[Callable[[Path], Path], ...] = (
    *(b_frames, one_key_frame, short_groups, variable_rate, avi, transport_stream, without_times, damaged, cut_off),
    *(damaged_jpegs, wrong_stamp, same_pictures),
)


DAMAGED = (damaged, cut_off)
"""FFmpeg fills what is missing of these pictures differently each time that it decodes the clip."""


def equal_share(picture: Image | YuvPicture, frame: Frame) -> float:
    """Return the share of equal pixels: large in the part of a damaged picture that was decoded."""
    assert isinstance(picture, YuvPicture)
    return float(np.mean(picture.grey == frame.grey))


def replayed(path: Path) -> list[Frame]:
    frames = []
    with ClipCamera(path) as camera:
        while (frame := camera.read()) is not None:
            frames.append(frame)
    return frames


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_ok__each_frame_is_the_one_that_a_replay_numbers_so(kind: Callable[[Path], Path], tmp_path: Path) -> None:
    path = kind(tmp_path)
    expected = replayed(path)
    assert len(expected) > COUNT // 4
    clip = IndexedClip(path)
    assert [one.t for one in clip.frames] == [one.t for one in expected]
    wanted = random.Random(5).sample(range(len(expected)), 8)
    wanted += [number + step for number in sorted(wanted, reverse=True)[:3] for step in (0, 1, -1)]
    for number in (one for one in wanted if one < len(expected)):
        clip._kept.clear()
        picture = clip.read(number)
        if checksum(picture) != checksum(expected[number].picture):
            assert kind in DAMAGED, number
            alike = [
                equal_share(picture, expected[other])
                for other in range(number - 3, number + 4)
                if other < len(expected)
            ]
            assert max(alike) == alike[3], number
    clip.close()


def test_ok__a_sound_clip_is_not_decoded_from_its_start_for_each_jump(tmp_path: Path) -> None:
    clip = IndexedClip(b_frames(tmp_path))
    for number in (40, 3, 30, 45, 25):
        clip._kept.clear()
        clip.read(number)
    assert clip.reads_from_start == 0
    clip.close()


def test_ok__pictures_that_are_kept_take_a_bounded_part_of_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driver_monitor.capture.recordings.indexed_clip.KEEP_BYTES", 400_000)
    clip = IndexedClip(one_key_frame(tmp_path))
    for number in (47, 46, 20, 47):
        clip.read(number)
        assert clip._kept_bytes == sum(size for _, size in clip._kept.values()) <= 400_000
    clip.close()


def test_fail__a_frame_that_is_not_there_and_a_file_that_has_changed_are_told(tmp_path: Path) -> None:
    path = one_key_frame(tmp_path)
    clip = IndexedClip(path)
    for number in (-1, COUNT):
        with pytest.raises(IndexError):
            clip.read(number)
    path.write_bytes(write_clip(tmp_path / "other.mp4", moving()[::-1], codec="libx264").read_bytes())
    with pytest.raises(SourceError, match="has changed since it was opened"):
        clip.read(40)


def test_fail__a_text_is_no_clip(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(SourceError):
        IndexedClip(tmp_path / "text.mp4")
