"""The tools that measure costs: their figures and tables, their pictures, and their inputs."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import yaml

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.capture.open_source import open_camera
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.config.profiles import load_profile
from driver_monitor.config.schema import CameraConfig
from driver_monitor.perception.scene.quality import picture_state
from tests.conftest import SHORT_FPS, demo_frames
from tools.cost import board, daemon, replay, sizes, step
from tools.cost.figures import Figure, show, table
from tools.cost.frames import nobody, of_width, raw_camera, read_frames
from tools.measure import delivery, speed

COUNTS = {"--rounds", "--frames", "--clips", "--repeats", "--alerts"}


def test_ok__the_median_of_the_rounds_is_compared_with_the_aim(capsys: pytest.CaptureFixture[str]) -> None:
    fast = Figure("ratio", (1.0, 1.2, 9.0), 1.3)
    assert fast.met
    assert Figure("times real time", (14.0, 16.0), 15.0, least=True).met
    assert Figure("milliseconds", (3.0,)).met is None
    assert show("title", [fast], as_json=False) == 0
    assert "1.200     1.000     9.000  at most 1.3: met" in capsys.readouterr().out


def test_fail__a_missed_aim_is_shown_and_ends_with_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    figures = [Figure("ratio", (1.31,), 1.3), Figure("times real time", (14.9,), 15.0, least=True)]
    assert [figure.met for figure in figures] == [False, False]
    assert table(figures).count("MISSED") == 2
    assert show("title", figures, as_json=True) == 1
    assert '"met": false' in capsys.readouterr().out


def test_ok__sides_take_turns_and_the_first_round_only_warms_up() -> None:
    calls: list[tuple[str, int]] = []

    def side(name: str, ms: float) -> step.Side:
        def block(first: int, last: int) -> float:
            calls.append((name, first))
            # What comes before the caches are warm must not count.
            return ms if len(calls) > 6 else 1000.0

        return block

    found = step.take_turns({step.STEP: side("step", 1.0), "bare nets": side("nets", 0.5)}, 2 * speed.BLOCK + 10, 2)
    assert found == {step.STEP: [1.0, 1.0], "bare nets": [0.5, 0.5]}
    assert calls[:4] == [("step", 0), ("nets", 0), ("nets", speed.BLOCK), ("step", speed.BLOCK)]
    ratio = step.figures(found)[-1]
    assert (ratio.value, ratio.met) == (2.0, False)


def test_ok__the_step_is_compared_with_the_nets_that_it_ran(
    short_clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(step, "pin", lambda: None)
    monkeypatch.setattr(sys, "argv", ["step", str(short_clip), "--frames", "6", "--rounds", "1"])
    assert step.main() in (0, 1)
    lines = capsys.readouterr().out.splitlines()
    assert "6 frames" in lines[0]
    ratio = next(line for line in lines if line.startswith("step / bare nets"))
    assert float(ratio.split()[4]) > 1.0


@pytest.mark.parametrize("arguments", [("--dsd", "x"), ("--mediapipe", "/nowhere/python")], ids=lambda one: one[0])
def test_fail__other_programs_need_their_environment(
    arguments: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["step", *arguments])
    with pytest.raises(SystemExit) as stop:
        step.main()
    assert stop.value.code == 2
    assert "give" in capsys.readouterr().err.splitlines()[-1]


def refusal(module: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr(sys, "argv", [module.__name__, *arguments])
    with pytest.raises(SystemExit) as stop:
        module.main()
    return stop.value.code


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        (step, ("--rounds", "0")),
        (step, ("--frames", "-1")),
        (sizes, ("--seconds", "0")),
        (daemon, ("--seconds", "nan")),
        (replay, ("--minutes", "inf")),
        (replay, ("--clips", "0")),
        (board, ("Pi", "--repeats", "x")),
        (delivery, ("--alerts", "0")),
    ],
    ids=lambda one: one[-2] if isinstance(one, tuple) else one.__name__,
)
def test_fail__a_number_that_measures_nothing_is_refused(
    module: ModuleType,
    arguments: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert refusal(module, monkeypatch, *arguments) == 2
    assert f"expected a {'whole ' if arguments[-2] in COUNTS else ''}number" in capsys.readouterr().err


def test_fail__what_is_no_recording_cannot_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "notes.avi"
    text.write_text("no clip")
    assert refusal(replay, monkeypatch, str(text)) == f"{text}: no video that can be read; give a recording"


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1280, 720), (1920, 1080)])
def test_ok__pictures_have_the_size_of_a_camera_and_show_the_whole_face(width: int, height: int) -> None:
    image = np.add.outer(np.arange(48), 3 * np.arange(64)).astype(np.uint8)
    shown = of_width(image, width)
    assert shown.shape == (height, width)
    edge = (width - height * 4 // 3) // 2
    again = cv2.resize(shown[:, edge : width - edge], (64, 48), interpolation=cv2.INTER_AREA)
    assert np.abs(again.astype(int) - image).max() <= 2
    assert (shown[:, :edge] == shown[:, edge : edge + 1]).all()


def test_ok__nobody_has_no_face_and_each_picture_is_another() -> None:
    plan = build.load_plan(Request())
    pipeline = build.build_pipeline(plan, build.load_models(plan.config))
    greys = [frame.mean(2).astype(np.uint8) for frame in demo_frames(20, 22)]
    _, faces = sizes.cost(pipeline, sizes.frames_at(greys, 30, 0.2))
    assert faces == 1.0
    pictures = [nobody(grey, number) for number, grey in enumerate(greys)]
    assert (pictures[0] != pictures[1]).mean() > 0.5
    _, faces = sizes.cost(pipeline, sizes.frames_at(pictures, 30, 3.0))
    assert faces < 0.2, "a face that is gone is followed for a moment; nobody is found anew"
    assert not picture_state(pictures[0]).covered, "behind a covered lens nobody is searched"


def test_ok__the_table_of_sizes_shows_what_grows() -> None:
    rows = sizes.rows(
        {("face", 640, 30): [(2.0, 1.0)], ("face", 640, 60): [(1.5, 1.0)], ("face", 1920, 30): [(3.0, 1.0)]}
    )
    assert [row.ms_a_second for row in rows] == [60.0, 90.0, 90.0]
    assert rows[1].over_30_fps == 1.5
    assert rows[2].over_640_px == 1.5


def test_ok__a_camera_program_shows_the_same_pictures_again_and_again(tmp_path: Path) -> None:
    greys = [np.full((48, 64), level, np.uint8) for level in (10, 200)]
    with open_camera(CameraConfig(), raw_camera(greys, tmp_path, 60.0), real_time=True) as camera:
        frames = [camera.read() for _ in range(5)]
    levels = [int(frame.grey[0, 0]) for frame in frames if frame is not None]
    # The camera holds the first pictures back until their length is known, and gives the newest one.
    assert levels in ([10, 200, 10, 200, 10], [200, 10, 200, 10, 200])


def test_ok__a_clip_is_repeated_without_a_new_encoding(short_clip: Path, tmp_path: Path) -> None:
    once = [frame.grey for frame in read_frames(short_clip, 1000)]
    seconds = replay.make_long(short_clip, tmp_path / "long.mp4", 2 * len(once) / SHORT_FPS)
    assert seconds == pytest.approx(2 * len(once) / SHORT_FPS)
    with ClipCamera(tmp_path / "long.mp4") as camera:
        frames = list(iter(camera.read, None))
    assert len(frames) == 2 * len(once)
    assert {round(b.t - a.t, 6) for a, b in pairwise(frames)} == {round(1 / SHORT_FPS, 6)}
    assert all(np.array_equal(frame.grey, grey) for frame, grey in zip(frames, once + once, strict=True))


def test_ok__a_replay_is_compared_with_real_time_and_two_jobs_with_one() -> None:
    one, two = replay.Batch(50.0, 40.0, 120.0), replay.Batch(25.0, 44.0, 100.0)
    found = {figure.name: figure for figure in replay.figures(600.0, [(one, two)])}
    assert found["times real time, one job, CPU time"].value == 15.0
    assert found["two jobs / one, by the clock"].value == 2.0
    assert all(figure.met is not False for figure in found.values())


def test_ok__the_daemon_is_compared_with_the_step() -> None:
    run = daemon.Run(1.0, 3.3, 4.5, 110.0, 30.0)
    found = {figure.name: figure for figure in daemon.figures([run, run], [3.0, 3.0])}
    assert found["daemon / pipeline.step"].value == 1.5
    assert all(figure.met is not False for figure in found.values())


def test_fail__a_daemon_that_drops_frames_says_nothing_about_a_frame() -> None:
    found = daemon.figures([daemon.Run(1.0, 3.3, 4.5, 110.0, 4.0)], [3.0])
    assert [figure.name for figure in found if figure.met is False] == ["frames a second"]


def test_ok__the_profile_of_delays_is_one(tmp_path: Path) -> None:
    path = tmp_path / "often.yaml"
    path.write_text(delivery.profile())
    assert len(load_profile(str(path))[0].rules) == len(yaml.safe_load(delivery.profile())["rules"]) == 31


def test_ok__the_row_of_a_computer_is_filled_or_added() -> None:
    page = board.PAGE.read_text(encoding="utf-8")
    filled = board.with_row(page, "Raspberry Pi 4", ["9.00", "3.00"])
    changed = [new for old, new in zip(page.splitlines(), filled.splitlines(), strict=True) if old != new]
    assert changed == ["| Raspberry Pi 4 | 9.00 | 3.00 |"]
    added = board.with_row(page, "Radxa Zero 3", ["9.00"])
    lines = added.splitlines()
    assert len(lines) == len(page.splitlines()) + 1
    assert lines[lines.index("| Radxa Zero 3 | 9.00 |") - 1].startswith("| Jetson Orin |")


def test_ok__the_page_has_the_place_of_the_example() -> None:
    page = board.PAGE.read_text(encoding="utf-8")
    assert len(board.EXAMPLE.findall(page)) == 1
