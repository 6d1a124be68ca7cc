"""`replay --video`: every frame of the clip at its time, with what was read from it, and nothing that is private."""

from __future__ import annotations

import errno
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.bench.runs.run_folder import RunFolder
from driver_monitor.bench.video import draw, encode
from driver_monitor.bench.video.draw import LEVELS, FrameDrawer
from driver_monitor.bench.video.layout import BANNERS, LEAST_WIDTH, LINES, LONGEST_SIDE, layout_of
from driver_monitor.bench.video.words import Banner, ShownAlerts, ascii_only, captions, fitting
from driver_monitor.bench.video.writer import NOTICE
from driver_monitor.imaging.frame import Image
from tests.conftest import Cli, demo_frames

EMPTY: dict[str, Any] = {
    "frame": 3, "t": 0.15, "attention": "unknown", "face": {"present": False, "reason": "covered"},
    "eyes": {"state": "unknown", "openness": None, "reason": "no_face"}, "gaze": None, "gaze_reason": "no_face",
    "perclos": {"value": None, "coverage": 0.2}, "drowsiness": None, "mouth": None, "emotion": None, "light": "dark",
    "degraded": "covered", "alerts": [],
}  # fmt: skip
"""A line of signals.jsonl of a covered lens."""


def alert(rule: str, level: str, phase: str = "raised", t: float = 1.0, message: str = "Eyes closed") -> dict[str, Any]:
    return {"rule": rule, "level": level, "phase": phase, "t": t, "message": message}


def video_of(path: Path) -> tuple[list[float], list[Image]]:
    with av.open(str(path)) as container:
        assert len(container.streams) == 1
        frames = [(float(frame.time or 0.0), frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]
    return [t for t, _ in frames], [np.asarray(image, np.uint8) for _, image in frames]


def write_odd_clip(path: Path, pix_fmt: str, times_ms: list[int], size: tuple[int, int] = (201, 151)) -> None:
    """Write a lossless clip of the demo's face with these frame times, and a sound track."""
    faces = (image[60:360, 130:530] for image in demo_frames(20, 20 + len(times_ms)))
    images = [np.asarray(cv2.resize(face, size), np.uint8) for face in faces]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=20)
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        stream.codec_context.time_base = Fraction(1, 1000)
        sound = container.add_stream("pcm_s16le", rate=8000)
        for t, image in zip(times_ms, images, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = t, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        noise = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        noise.sample_rate = 8000
        container.mux([*stream.encode(None), *sound.encode(noise), *sound.encode(None)])


def test_ok__a_nap_becomes_a_video_with_its_alerts(command: Cli, short_clip: Path) -> None:
    outcome = command("replay", short_clip, "--video", "--out", "results")
    assert (outcome.code, outcome.lines) == (0, [NOTICE])
    folder = Path("results/nap")
    run = json.loads((folder / "run.json").read_text())
    assert run["video"] is True
    assert run["warnings"] == [NOTICE]
    times, images = video_of(folder / "video.mp4")
    lines = [json.loads(line) for line in (folder / "signals.jsonl").read_text().splitlines()]
    assert times == pytest.approx([line["t"] for line in lines], abs=1e-5)
    layout = layout_of(640, 480)
    assert images[0].shape == (layout.height, layout.width, 3)
    banner_row = layout.picture[1] + LINES * layout.row + layout.row // 2
    for line, image in zip(lines, images, strict=True):
        ground = image[banner_row, layout.width - 4].astype(int)
        level = {"sleep": "critical", "microsleep": "warning"}.get((line["alerts"] or [""])[0])
        wanted = draw.GROUND if level is None else LEVELS[level][0]
        assert np.abs(ground - wanted).max() < 25, (line["t"], line["alerts"])
    assert {len(line["alerts"]) for line in lines} == {0, 1, 2}


@pytest.mark.parametrize(
    ("pix_fmt", "times_ms", "options", "shown"),
    [
        ("gray16le", [0, 50, 100, 150, 200, 250], (), [0, 50, 100, 150, 200, 250]),
        ("gray", [0, 33, 90, 110, 400, 433], (), [0, 33, 90, 110, 400, 433]),
        ("yuv420p", [0, 40, 80, 120, 160, 200, 240], ("--every", "3"), [0, 120, 240]),
        ("bgr0", [0, 50, 100], ("--config", "turned.yaml"), [0, 50, 100]),
    ],
    ids=["16 bit", "variable rate", "every third", "turned"],
)
def test_ok__each_frame_is_there_at_its_time(
    pix_fmt: str, times_ms: list[int], options: tuple[str, ...], shown: list[int], command: Cli
) -> None:
    Path("turned.yaml").write_text("camera: {rotate: 90}\n")
    write_odd_clip(Path("odd.mkv"), pix_fmt, times_ms)
    outcome = command("replay", "odd.mkv", "--video", "--out", "results", *options)
    assert (outcome.code, outcome.lines) == (0, [NOTICE])
    times, images = video_of(Path("results/odd/video.mp4"))
    assert [round(1000 * t) for t in times] == shown
    width, height = (151, 201) if "turned.yaml" in options else (201, 151)
    layout = layout_of(width, height)
    assert images[0].shape == (layout.height, layout.width, 3)
    assert layout.picture == (LEAST_WIDTH, round(height * LEAST_WIDTH / width))
    assert images[0][: layout.picture[1]].std() > 20  # the picture itself


def test_fail__a_trace_holds_no_pictures(command: Cli, short_clip: Path) -> None:
    Path("mine.trace.jsonl.gz").write_bytes(b"")
    outcome = command("replay", short_clip, "mine.trace.jsonl.gz", "--video", "--out", "results")
    assert outcome.code == 2
    (line,) = outcome.lines
    assert line == "mine.trace.jsonl.gz: a trace holds no pictures; omit --video, or replay the clip itself"
    assert not Path("results").exists()


class FullDisk(io.RawIOBase):
    """A file that has no room after `left` bytes."""

    def __init__(self, left: int) -> None:
        self.left, self.at = left, 0

    def write(self, data: Any) -> int:
        self.left -= len(data)
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.at += len(data)
        return len(data)

    def seek(self, to: int, whence: int = 0) -> int:
        self.at = to if whence == 0 else self.at
        return self.at

    def tell(self) -> int:
        return self.at

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True


@pytest.mark.parametrize("left", [10, 60_000])
def test_fail__a_full_disk_leaves_no_half_video(
    left: int, command: Cli, short_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = RunFolder.open_binary

    @contextmanager
    def small(folder: RunFolder, name: str) -> Iterator[Any]:
        with real(folder, name) as file:
            yield FullDisk(left) if name == "video.mp4" else file

    monkeypatch.setattr(RunFolder, "open_binary", small)
    outcome = command("replay", short_clip, "--video", "--out", "results", "--every", "4")
    assert outcome.code == 1
    where = "results/nap/video.mp4: cannot write: No space left on device"
    assert outcome.lines[1:] == [f"{where}; choose another folder with --out"]
    assert list(Path("results").iterdir()) == []


def test_fail__without_an_encoder_the_user_is_told(
    command: Cli, short_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "CODECS", {"no such encoder": {}})
    outcome = command("replay", short_clip, "--video", "--out", "results", "--every", "20")
    assert outcome.code == 1
    assert outcome.lines[1:] == ["video: this PyAV has no encoder no such encoder; install PyAV's own wheel"]


def test_ok__an_ffmpeg_without_x264_still_makes_a_video(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(encode, "CODECS", {name: encode.CODECS[name] for name in ("mpeg4",)})
    with (tmp_path / "video.mp4").open("wb") as file, encode.Mp4Writer(file, 20.0) as mp4:
        for number in range(3):
            mp4.write(np.full((64, 64, 3), 80 * number, np.uint8), number / 20)
    times, images = video_of(tmp_path / "video.mp4")
    assert times == pytest.approx([0.0, 0.05, 0.1], abs=1e-5)
    assert [abs(int(image.mean()) - 80 * number) < 6 for number, image in enumerate(images)] == [True] * 3


def test_ok__the_same_clip_gives_the_same_bytes() -> None:
    written = []
    for _ in range(2):
        file = io.BytesIO()
        with encode.Mp4Writer(file, 20.0) as mp4:
            for number in range(30):
                mp4.write(np.full((64, 64, 3), 8 * number, np.uint8), number / 20)
        written.append(file.getvalue())
    assert written[0] == written[1]


def test_ok__a_workplace_shows_no_expression(command: Cli, short_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    real = FrameDrawer.draw

    def draw_and_note(self: FrameDrawer, picture: Image, line: Any, points: Any, banners: Any) -> Image:
        texts.extend(captions(line))
        return real(self, picture, line, points, banners)

    monkeypatch.setattr(FrameDrawer, "draw", draw_and_note)
    purpose = "emotion: {safety_purpose: Warn the driver of rage before it is dangerous}\n"
    Path("work.yaml").write_text(f"profile: fleet\n{purpose}")
    for config, shown in (("work.yaml", False), (None, True)):
        texts.clear()
        options = ("--config", config) if config else ()
        assert command("replay", short_clip, "--video", "--out", "results", "--every", "20", *options).code == 0
        assert any("expression" in text for text in texts) == shown


def test_ok__unknown_is_told_with_its_reason() -> None:
    assert captions(EMPTY) == [
        "0.15 s   frame 3   driver: unknown",
        "eyes: unknown (no face)",
        "gaze: unknown (no face)",
        "PERCLOS: unknown (20 % read)   KSS: unknown   mouth: unknown",
        "face: none (covered)   light: dark   degraded: covered",
    ]


def test_ok__a_known_line_is_told_in_numbers() -> None:
    seen = {
        **EMPTY, "attention": "distracted", "face": {"present": True}, "degraded": None,
        "emotion": {"label": "neutral"},
        "eyes": {"state": "open", "openness": 0.8, "left": 0.9, "right": None, "lowered": True},
        "gaze": {"yaw": -34.2, "pitch": 8.0, "zone": "right", "uncertainty_deg": 12.4},
        "perclos": {"value": 0.125}, "drowsiness": {"kss": 7.84}, "mouth": {"yawning": True}, "light": "infrared",
    }  # fmt: skip
    assert captions(seen)[1:] == [
        "eyes: open, lids low, openness 0.80 (left 0.90)",
        "gaze: right, 34 deg right, 8 deg up of straight ahead (+-12)",
        "PERCLOS: 12 %   KSS: 7.8   mouth: yawning",
        "face: found   light: infrared   expression: neutral",
    ]


def test_ok__the_worst_alert_is_first_and_the_level_is_a_word() -> None:
    alerts = ShownAlerts()
    alerts.update(["microsleep"], [alert("microsleep", "warning")])
    banners = alerts.update(["microsleep", "sleep"], [alert("sleep", "critical", t=3.0, message="Asleep")])
    assert [banner.text for banner in banners] == [
        "CRITICAL  sleep since 3.0 s: Asleep",
        "WARNING  microsleep since 1.0 s: Eyes closed",
    ]
    worse = alerts.update(["microsleep"], [alert("microsleep", "critical", "escalated", 5.0)])
    assert worse == [Banner("critical", "CRITICAL  microsleep since 1.0 s: Eyes closed")]
    assert alerts.update([], [alert("microsleep", "critical", "cleared", 6.0)]) == []


def test_ok__what_has_no_row_of_its_own_is_named() -> None:
    banners = [Banner("warning", f"WARNING  rule{number} since 1.0 s: text") for number in range(5)]
    assert fitting(banners[:BANNERS], BANNERS) == banners[:BANNERS]
    assert fitting(banners, 3)[2] == Banner("warning", "and 3 more: rule2, rule3, rule4")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Schläfrig", "Schlafrig"), ("Eyes closed for 1.0 s", "Eyes closed for 1.0 s"), ("نیند", ""), ("眠い 3 s", "")],
)
def test_ok__a_message_is_shown_in_ascii_or_gives_way_to_the_name_of_its_rule(text: str, shown: str) -> None:
    assert ascii_only(text) == shown
    banners = ShownAlerts().update(["nap"], [alert("nap", "info", message=text)])
    assert banners == [Banner("info", f"INFO  nap since 1.0 s{': ' if shown else ''}{shown}")]


@given(st.text())
def test_ok__no_text_is_drawn_that_opencv_cannot_draw(text: str) -> None:
    shown = ascii_only(text)
    assert shown.isascii()
    assert shown.isprintable()


@given(st.integers(32, 5000), st.integers(32, 5000))
def test_ok__every_picture_has_a_place_below_which_the_text_stands(width: int, height: int) -> None:
    layout = layout_of(width, height)
    assert layout.width % 2 == layout.height % 2 == 0
    assert LEAST_WIDTH <= layout.width <= LONGEST_SIDE
    assert layout.height <= LONGEST_SIDE + (LINES + BANNERS) * layout.row + 1
    assert 0 <= layout.left <= layout.width - layout.picture[0]
    assert layout.picture[1] + (LINES + BANNERS) * layout.row <= layout.height
    assert max(layout.picture) <= LONGEST_SIDE
    if min(width, height) >= 320 and max(width, height) <= LONGEST_SIDE and width >= LEAST_WIDTH:
        assert layout.picture == (width, height)  # no pixel is lost


@pytest.mark.parametrize("shape", [(480, 640), (480, 640, 3), (360, 640), (720, 200, 3), (33, 32)])
def test_ok__a_picture_of_another_size_does_not_change_the_video(shape: tuple[int, ...]) -> None:
    drawer = FrameDrawer(640, 480)
    grey = np.full(shape, 200, np.uint8)
    drawn = drawer.draw(grey, EMPTY, None, [])
    assert drawn.shape == (drawer.layout.height, drawer.layout.width, 3)
    assert drawn[240, 320].tolist() == [200, 200, 200]


def test_ok__an_arrow_shows_a_look_to_the_drivers_left_on_the_right() -> None:
    points = np.tile(np.array([[320.0, 200.0]]), (68, 1))
    looks = {**EMPTY, "face": {"present": True, "box": [270.0, 150.0, 100.0, 100.0]},
             "eyes": {"state": "open", "openness": 1.0, "left": 1.0, "right": 1.0}}  # fmt: skip
    drawer, blank = FrameDrawer(640, 480), np.full((480, 640, 3), 128, np.uint8)
    cyan = {}
    for side, yaw in (("left", 30.0), ("right", -30.0), ("unknown", None)):
        gaze = None if yaw is None else {"yaw": yaw, "pitch": 0.0, "zone": "road"}
        drawn = drawer.draw(blank, {**looks, "gaze": gaze}, points, [])
        _, columns = np.nonzero((drawn[:480] == draw.CYAN).all(axis=2))
        cyan[side] = columns
    assert cyan["left"].mean() > 330
    assert cyan["right"].mean() < 310
    assert cyan["unknown"].size == 0
