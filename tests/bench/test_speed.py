"""`bench` measures what a replay does, stage by stage, and says whether the computer is fast enough."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.replay import replay
from driver_monitor.bench.speed import result as results
from driver_monitor.bench.speed.bench import bench
from driver_monitor.bench.speed.computer import board_name, cpu_facts, is_busy, rss_mb, warnings
from driver_monitor.bench.speed.nets import bare_nets, precision_of, recording
from driver_monitor.bench.speed.passes import StageTimes, Subject, measure
from driver_monitor.bench.speed.stopwatch import STAGES, StageWatch, cost_of_change
from driver_monitor.bench.speed.text import sentences, verdict
from driver_monitor.board.reading import BoardReading
from driver_monitor.config import resources
from driver_monitor.perception.expression.net import ExpressionNet
from driver_monitor.perception.objects.reader import LOOKS_HZ
from tests.conftest import Cli, write_clip

PAGE = Path(__file__).parents[2] / "docs" / "speed.md"
FP32 = Path(__file__).parents[1] / "data" / "emotion_fp32.onnx"


@pytest.fixture(scope="module")
def measured(short_clip: Path) -> tuple[Subject, StageTimes]:
    """A measurement of half of the clip, with the expression net in both precisions."""
    plan = build.load_plan(Request())
    models = build.load_models(plan.config)
    nets = bare_nets(plan.config, models)
    nets["expression"] = dataclasses.replace(nets["expression"], twin=ExpressionNet(FP32).model)
    subject = Subject(ReplayJob(short_clip, Path("none")), plan, models, nets, "0" * 64, 40, 2)
    return subject, measure(subject)


@pytest.fixture(scope="module")
def shown(measured: tuple[Subject, StageTimes]) -> dict[str, Any]:
    return results.result(*measured, None)


@pytest.fixture(scope="module")
def whole(short_clip: Path) -> dict[str, Any]:
    """What `bench --json` prints."""
    found: dict[str, Any] = json.loads(json.dumps(bench(short_clip, Request(), 30, 1, 30.0), allow_nan=False))
    return found


def spin(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class Inner:
    field = "eyes"

    def read(self) -> str:
        spin(0.02)
        return "seen"


class Outer:
    def __init__(self, inner: Inner) -> None:
        self.inner = inner

    def observe(self) -> str:
        spin(0.01)
        return self.inner.read()


def test_ok__time_of_a_part_in_a_part_belongs_to_the_inner_one() -> None:
    watch = StageWatch()
    inner = watch.around("eyes", Inner())
    outer = watch.around("perception", Outer(inner))
    watch.begin("messages")
    assert (outer.observe(), inner.field) == ("seen", "eyes")
    spent = watch.end()
    assert list(spent) == list(STAGES)
    cpu = {name: seconds[1] for name, seconds in spent.items() if seconds[1] > 0.005}
    assert set(cpu) == {"scene", "eyes"}
    # Processor time does not depend on other programs.
    assert cpu["scene"] == pytest.approx(0.01, abs=0.004)
    assert cpu["eyes"] == pytest.approx(0.02, abs=0.004)


def test_ok__a_part_that_fails_gives_the_stage_back() -> None:
    watch = StageWatch()
    watch.begin("messages")
    with pytest.raises(ZeroDivisionError):
        watch.around("eyes", Failing()).read()
    assert watch.change("writing") == "messages"


class Failing:
    def read(self) -> float:
        return 1 / 0


def test_ok__a_part_without_a_stage_of_its_own_is_in_the_scene() -> None:
    """A new reader is measured before anybody has thought of this table."""
    watch = StageWatch()
    watch.begin("messages")
    assert watch.around("telephone", Inner()).read() == "seen"
    assert watch.end()["scene"][1] > 0.01


def test_ok__a_change_of_the_stage_costs_microseconds() -> None:
    assert 0 < cost_of_change() < 50e-6


def test_ok__the_stages_make_up_the_frame(measured: tuple[Subject, StageTimes], shown: dict[str, Any]) -> None:
    _, times = measured
    assert times.stages.shape == (2, 40, len(STAGES), 2)
    assert [stage["name"] for stage in shown["stages"]] == list(STAGES)
    assert sum(stage["share"] for stage in shown["stages"]) == pytest.approx(1, abs=0.01)
    costly = {stage["name"] for stage in shown["stages"] if stage["cpu_ms"] > 0.02}
    assert costly >= {"decode", "landmarks", "face", "eyes", "scene", "state", "messages"}
    total = sum(stage["cpu_ms"] for stage in shown["stages"])
    # Two passes over the same frames; a busy machine may halve the speed of one of them.
    assert shown["loop"]["cpu_ms"] / 2.5 < total < shown["loop"]["cpu_ms"] * 2.5


def test_ok__a_measured_replay_sees_what_a_replay_sees(
    measured: tuple[Subject, StageTimes], short_clip: Path, tmp_path: Path
) -> None:
    """Stopwatches change nothing: the same lines come out."""
    subject, _ = measured
    replay(ReplayJob(short_clip, tmp_path / "run"), subject.plan)
    wanted = [json.loads(line) for line in (tmp_path / "run/signals.jsonl").read_text().splitlines()]
    watch = StageWatch()
    seen: list[Mapping[str, Any]] = []
    with subject.replaying(watch) as watched:
        watched._writers.append(Lines(seen))
        assert len(watched.watched_block(1000, watch)) == len(wanted)
    assert json.loads(json.dumps(seen)) == wanted


class Lines:
    def __init__(self, lines: list[Mapping[str, Any]]) -> None:
        self._lines = lines

    def write(self, frame: Any) -> None:
        self._lines.append(frame.line)


def test_ok__the_ratio_is_that_of_the_step_to_the_bare_nets(
    measured: tuple[Subject, StageTimes], shown: dict[str, Any]
) -> None:
    nets = shown["nets"]
    assert 1 < nets["low"] <= nets["ratio"] <= nets["high"] < 20
    runs = {net["name"]: net["runs"] for net in shown["models"]}
    assert (runs["landmarks"] >= 1, runs["eyes"] >= 0.9, 0 < runs["expression"] < 1) == (True, True, True)
    assert runs["objects"] == pytest.approx(LOOKS_HZ / 20, abs=0.05)
    _, times = measured
    assert times.step_cpu().shape == times.nets.shape == (2, 3)
    assert times.step_cpu().sum() == pytest.approx(times.stages[:, :, 1:11, 1].sum())


def test_ok__int8_stands_beside_fp32_where_both_are_there(shown: dict[str, Any]) -> None:
    nets = {net["name"]: net for net in shown["models"]}
    assert {name: net["precision"] for name, net in nets.items()} == {
        "detector": "fp32", "landmarks": "fp32", "eyes": "fp32", "expression": "int8",
        "objects": precision_of(resources.path("models/objects.onnx")),
    }  # fmt: skip
    assert nets["expression"]["twin_ms"] > 0
    assert {net["twin_ms"] for name, net in nets.items() if name != "expression"} == {None}


def test_ok__a_net_in_the_other_precision_is_found_beside_the_first(tmp_path: Path) -> None:
    shutil.copytree(resources.path("models"), tmp_path / "models")
    shutil.copy(FP32, tmp_path / "models/emotion.fp32.onnx")
    (tmp_path / "config.yaml").write_text(f"models: {{folder: {tmp_path}/models}}")
    config = build.load_plan(Request(tmp_path / "config.yaml")).config
    nets = bare_nets(config, build.load_models(config))
    assert [name for name, net in nets.items() if net.twin is not None] == ["expression"]
    assert precision_of(FP32) == "fp32"


def test_ok__after_the_recording_of_inputs_the_nets_are_as_before(measured: tuple[Subject, StageTimes]) -> None:
    subject, _ = measured
    net = subject.nets["eyes"]
    feeds = {"eye": np.zeros((2, 1, 32, 48), np.float32), "band": np.zeros((2, 1, 32, 64), np.float32)}
    with recording(subject.nets) as calls:
        net.model.run(feeds)
    net.model.run(feeds)
    assert [name for name, _ in calls] == ["eyes"]


def test_ok__the_time_of_a_frame_is_the_median_of_its_repeats() -> None:
    disturbed = np.array([[0.010, 0.020], [0.010, 0.020], [9.0, 0.020]])
    assert results.spread(disturbed) == {"mean": 15, "p50": 15, "p90": 19, "p99": 19.9, "max": 20}


def test_ok__the_object_has_the_documented_fields_and_no_others(whole: dict[str, Any]) -> None:
    (section,) = re.findall(r"(?ms)^## The object of .*?\n(.*)\Z", PAGE.read_text())
    rows = re.findall(r"(?m)^\| (`.*?) \| (.*) \|$", section)
    documented = {name: meaning for names, meaning in rows for name in re.findall(r"`(\w+)`", names)}
    assert set(documented) == set(whole)
    for name in ("board", "cpu", "versions", "clip", "start_s", "fps"):
        assert set(whole[name]) <= set(re.findall(r"`(\w+)`", documented[name])), name
    for name in ("stages", "models"):
        assert all(set(one) <= set(re.findall(r"`(\w+)`", documented[name])) for one in whole[name]), name
    assert (whole["kind"], whole["schema"], whole["frames"]) == ("driver-monitor bench", 1, 30)
    assert (whole["clip"]["width"], whole["clip"]["height"], whole["clip"]["frame_rate"]) == (640, 480, 20)
    assert whole["fps"]["wanted"] == 30


def test_ok__start_and_memory_grow_step_by_step(whole: dict[str, Any]) -> None:
    start, rss = whole["start_s"], whole["memory"]["rss_mb"]
    assert start["total"] == pytest.approx(start["imports"] + start["models"] + start["first_frame"], abs=0.01)
    assert 0 < rss["start"] < rss["imports"] < rss["models"] < rss["peak"]
    added = [net["name"] for net in whole["memory"]["models"]]
    assert added == ["landmarks", "eyes", "expression", "objects", "detector"]
    assert rss_mb() is not None


def test_ok__the_stages_are_documented() -> None:
    named = re.findall(r"(?m)^\| ((?:`\w+`(?:, )?)+) \|", PAGE.read_text().split("## How it is measured")[0])
    assert [name for names in named for name in re.findall(r"`(\w+)`", names)] == list(STAGES)


def test_ok__the_text_has_a_table_and_one_sentence(shown: dict[str, Any], whole: dict[str, Any]) -> None:
    text = sentences({**whole, **shown, "warnings": ["the computer is busy: measure again"]})
    lines = text.splitlines()
    assert max(map(len, lines)) < 200
    assert "warning: the computer is busy: measure again" in lines
    assert [line.split()[0] for line in lines if line.endswith("%")][: len(STAGES)] == list(STAGES)
    assert "fp32:" in text
    assert "fp32 only" in text
    assert lines[-1].startswith(("Fast enough", "Too slow", "Not known"))


def fps(possible: float, wanted: float | None = 30, waited: float = 0.0, by_cpu: float = 0.0) -> dict[str, Any]:
    rates = {"possible": possible, "wanted": wanted, "by_cpu": by_cpu or possible}
    factor = None if wanted is None else possible / wanted
    cpu = {"waited": waited, "load": 0.1, "cores": 2}
    return {"fps": rates, "real_time_factor": factor, "core_share": 0.2, "late": 0.0, "cpu": cpu}


@pytest.mark.parametrize(
    ("measured_fps", "said"),
    [
        (fps(150), "Fast enough: this computer processes 150 frames a second, 5.0 times the 30 that are wanted, and"),
        (fps(150), "and needs 20% of one core."),
        ({**fps(40), "late": 0.05}, "of one core; 5.0% of the frames take longer than 1/30 s."),
        (fps(32), "Too slow for 30: this computer processes 32 frames a second"),
        (fps(32), "set camera.fps to 28, which is enough for every alert."),
        (fps(12), "Too slow: this computer processes 12 frames a second, 0.4 times the 30 that are wanted"),
        (fps(12), "every alert needs 15; use a faster computer"),
        (fps(20, waited=0.5, by_cpu=100), "Not known: this computer"),
        (fps(20, waited=0.5, by_cpu=100), "by its processor time alone it would be 100"),
        (fps(20, waited=0.5, by_cpu=21), "Too slow for 30"),
        (fps(50, wanted=None), "give the rate of the camera with --fps"),
    ],
)  # fmt: skip
def test_ok__the_verdict(measured_fps: dict[str, Any], said: str) -> None:
    assert said in verdict(measured_fps)


@pytest.mark.parametrize(
    ("cpu", "busy"),
    [
        ({"waited": 0.2, "load": 0.0, "cores": 4}, True),
        ({"waited": 0.01, "load": 9.0, "cores": 4}, False),
        ({"waited": None, "load": 9.0, "cores": 4}, True),
        ({"waited": None, "load": 0.5, "cores": 4}, False),
    ],
)
def test_ok__a_busy_computer_is_told(cpu: dict[str, Any], busy: bool) -> None:
    quiet = {"throttled": None, "under_voltage": None}
    assert is_busy(cpu) == busy
    assert len(warnings(quiet, BoardReading(), cpu)) == busy


def test_ok__a_hot_board_and_a_weak_supply_are_told() -> None:
    cpu = {"waited": 0.0, "load": 0.0, "cores": 4}
    told = warnings({"throttled": True, "under_voltage": True}, BoardReading(83.0, supply="5 V and 3 A"), cpu)
    assert told == [
        "the board has lowered its clock at 83 °C: give it air, a heat sink or a fan, and measure again",
        "the supply of the board is too weak: use 5 V and 3 A, and measure again",
    ]


def test_ok__the_names_of_board_and_processor(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("Raspberry Pi 4 Model B Rev 1.5\0")
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nBogoMIPS\t: 108.00\n\nHardware\t: BCM2835\n")
    assert board_name(tmp_path / "model") == "Raspberry Pi 4 Model B Rev 1.5"
    assert cpu_facts(tmp_path / "cpuinfo")["name"] == "BCM2835"
    assert (board_name(tmp_path / "none"), cpu_facts(tmp_path / "none")["name"]) == (None, None)


def test_ok__a_clip_without_a_picture_of_anybody_has_times_too(command: Cli, tmp_path: Path) -> None:
    write_clip(tmp_path / "black.mp4", [np.zeros((120, 160, 3), np.uint8)] * 20)
    done = command("bench", "black.mp4", "--frames", "15", "--repeats", "1", "--json")
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert {net["name"]: net["ms"] for net in found["models"]}["landmarks"] is None
    assert "landmarks   did not run" in sentences(found)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("none.mp4",), 1, "none.mp4: no such file"),
        (("torn.mp4",), 1, "torn.mp4: cannot be opened as a video"),
        (("x.trace.jsonl.gz",), 2, "a trace has no pictures"),
        (("pictures",), 2, "give one with --fps"),
        (("demo", "--frames", "0"), 2, "a whole number from 15 to 100000"),
        (("demo", "--config", "none.yaml"), 2, "none.yaml"),
    ],
)
def test_fail__what_cannot_be_measured_is_one_line(command: Cli, words: tuple[str, ...], code: int, said: str) -> None:
    Path("torn.mp4").write_bytes(b"no clip")
    Path("x.trace.jsonl.gz").touch()
    Path("pictures").mkdir()
    done = command("bench", *words)
    assert (done.code, len(done.lines)) == (code, 1)
    assert said in done.err
