"""A clip is played at its own times, whatever the container says of them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.capture.recordings.pacing import LONGEST_WAIT_S
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Frame
from tests.capture.clips import number_in, picture_of, with_late_stamp, write_clip, write_tracks

PICTURES = [picture_of(number) for number in range(24)]
RAW = {"mjpeg": "yuvj420p", "libx264": "yuv420p", "libx265": "yuv420p", "mpeg4": "yuv420p"}
SUFFIX = {"mjpeg": "mjpeg", "libx264": "h264", "libx265": "hevc", "mpeg4": "m4v"}


def raw(tmp_path: Path, codec: str, fps: int = 20, count: int = 12) -> Path:
    return write_clip(tmp_path / f"raw.{SUFFIX[codec]}", PICTURES[:count], codec=codec, pix_fmt=RAW[codec], fps=fps)


def play(path: Path, fps: float | None = None, every: int = 1, track: int | None = None) -> list[Frame]:
    with ClipCamera(path, every=every, fps=fps, track=track) as camera:
        return list(iter(camera.read, None))


def steps(frames: list[Frame]) -> set[float]:
    return {round(later.t - earlier.t, 4) for earlier, later in pairwise(frames)}


@pytest.mark.parametrize("fps", [10, 20, 50])
@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4"])
def test_ok__a_raw_stream_runs_at_the_rate_in_its_own_header(
    tmp_path: Path, codec: str, fps: int, caplog: pytest.LogCaptureFixture
) -> None:
    frames = play(raw(tmp_path, codec, fps))
    assert [number_in(frame.image) for frame in frames] == list(range(12))
    assert steps(frames) == {round(1 / fps, 4)}
    assert not caplog.records


def test_ok__a_raw_stream_without_a_rate_runs_at_the_given_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert steps(play(raw(tmp_path, "mjpeg"), fps=10)) == {0.1}
    assert not caplog.records


def test_ok__without_a_given_rate_25_is_assumed_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert steps(play(raw(tmp_path, "mjpeg"))) == {0.04}
    assert "frame rate is unknown, so 25 frames a second are assumed" in caplog.text
    assert "--fps" in caplog.text


def test_ok__a_given_rate_does_not_replace_the_clips_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert steps(play(write_clip(tmp_path / "a.mp4", PICTURES), fps=10)) == {0.05}
    assert "--fps is not used" in caplog.text


@pytest.mark.parametrize("depth", ["1", "3"])
def test_ok__b_frames_in_avi_have_even_steps(tmp_path: Path, depth: str) -> None:
    coding = {"bf": depth, "b_strategy": "0"}
    clip = write_clip(tmp_path / "b.avi", PICTURES, codec="libx264", coding=coding)
    frames = play(clip)
    assert [number_in(frame.image) for frame in frames] == list(range(24))
    assert steps(frames) == {0.05}


@pytest.mark.parametrize("ahead_ms", [800, 500_000, 5_000_000])
@pytest.mark.parametrize("place", [1, 6, 23])
def test_ok__one_damaged_stamp_in_a_file_moves_nothing_else(tmp_path: Path, place: int, ahead_ms: int) -> None:
    whole = write_clip(tmp_path / "whole.mp4", PICTURES)
    frames = play(with_late_stamp(whole, tmp_path / "damaged.mp4", place, ahead_ms))
    assert [number_in(frame.image) for frame in frames] == list(range(24))
    for number, frame in enumerate(frames):
        assert number == place or frame.t == pytest.approx(number / 20, abs=0.001)
    assert frames[-1].t < 2


@pytest.mark.parametrize("overlap", ["0.2", "0.8"])
def test_ok__segments_that_overlap_go_on_by_a_frames_time(tmp_path: Path, overlap: str) -> None:
    parts = [
        write_clip(
            tmp_path / f"{offset}.ts",
            [picture_of(0)] * 40,
            codec="mpeg2video",
            options={"output_ts_offset": str(offset)},
        )
        for offset in (0.0, 2.0 - float(overlap))
    ]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames = play(joined)
    assert len(frames) == 80
    assert [round(frame.t, 3) for frame in frames] == [round(number / 20, 3) for number in range(80)]


@pytest.mark.parametrize(
    ("fps", "every", "said"), [(3, 1, "3"), (2, 1, "2"), (20, 10, "2"), (4, 1, None), (10, 2, None)]
)
def test_ok__a_clip_of_three_frames_a_second_is_said_to_be_too_slow(
    tmp_path: Path, fps: int, every: int, said: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    play(write_clip(tmp_path / "slow.mkv", PICTURES, fps=fps), every=every)
    assert (f"{said} frames a second are too slow to judge closures" in caplog.text) == (said is not None)
    assert len(caplog.records) == (said is not None)


def test_ok__in_real_time_a_long_pause_is_shortened(tmp_path: Path) -> None:
    stamps = [0, 50, 100, 400_100, 400_150, 400_200]
    clip = write_clip(tmp_path / "pause.mkv", PICTURES[:6], stamps_ms=stamps)
    now = [100.0]
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    with ClipCamera(clip, pace="real_time", monotonic=lambda: now[0], wait=wait) as camera:
        frames = list(iter(camera.read, None))
    assert [round(frame.t, 3) for frame in frames] == [0.0, 0.05, 0.1, 400.1, 400.15, 400.2]
    assert [round(seconds, 3) for seconds in waits] == [0.05, 0.05, LONGEST_WAIT_S, 0.05, 0.05]


@pytest.mark.parametrize(("ratio", "shape"), [("1:2", (128, 96)), ("2:1", (64, 192)), ("1:1", (64, 96))])
@pytest.mark.parametrize(("codec", "pix_fmt"), [("mpeg4", "yuv420p"), ("libx264", "yuv420p10le")])
def test_ok__pixels_that_are_not_square_become_square(
    tmp_path: Path, ratio: str, shape: tuple[int, int], codec: str, pix_fmt: str
) -> None:
    clip = write_clip(tmp_path / "wide.mkv", PICTURES[:2], aspect=ratio, codec=codec, pix_fmt=pix_fmt)
    frame = play(clip)[1]
    assert frame.grey.shape == shape
    assert frame.image.shape[:2] == shape
    assert number_in(frame.image) == 1


def test_ok__of_several_tracks_the_first_is_watched_and_a_line_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_tracks(tmp_path / "two.mkv", [PICTURES[:3], PICTURES[10:13]])
    assert [number_in(frame.image) for frame in play(path)] == [0, 1, 2]
    assert "has 2 video tracks (1: 96x64, 2: 96x64); track 1 is watched" in caplog.text


def test_ok__another_track_can_be_chosen(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_tracks(tmp_path / "two.mkv", [PICTURES[:3], PICTURES[10:13]])
    assert [number_in(frame.image) for frame in play(path, track=2)] == [10, 11, 12]
    assert not caplog.records


def test_fail__a_track_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "two.mkv", [PICTURES[:3], PICTURES[10:13]])
    with pytest.raises(SourceError, match=r"two\.mkv: has no video track 3, only 2; change camera\.track or --track"):
        play(path, track=3)
