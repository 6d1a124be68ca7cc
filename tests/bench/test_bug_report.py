"""`report-bug`: what is in the archive gives the same alerts at the receiver, and names nobody."""

from __future__ import annotations

import gzip
import json
import re
import shlex
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from driver_monitor.app.build import Request, load_plan
from driver_monitor.bench.bug_report.readme import CONTENTS
from driver_monitor.bench.bug_report.versions import PACKAGES
from driver_monitor.bench.bug_report.without_names import HIDDEN, plain_config, plain_profile, plain_run
from driver_monitor.bench.bug_report.write import write_bug_report
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.config.profiles import known
from driver_monitor.config.schema import Config
from driver_monitor.errors import RunError
from driver_monitor.messages import trace, trace_reader
from tests.conftest import Cli

NAMES = ("ali", "khan", "secret", "depot.example", "plug-7")
"""What must not be in an archive."""
CONFIG = """
profile: ali.yaml
vehicle: {id: ali-van, steering_wheel: right}
camera: {source: 'rtsp://khan:secret@plug-7/', width: 1280}
service: {state_dir: /home/ali/state, log_level: debug}
uplink: {brokers: ['mqtts://depot.example'], ca: /home/ali/ca.pem}
emotion: {safety_purpose: Protect Ali Khan from road rage}
"""
PROFILE = """
# written by khan
name: strict
description: The rules of Ali Khan
extends: default
rules:
- id: long_blink
  when: {signal: eyes.closed_s, at_least: 0.8}
  clear: {signal: eyes.closed_s, below: 0.1}
  level: info
  message: "Eyes closed for {eyes.closed_s:.1f} s"
  clause: ours
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, short_clip: Path) -> Path:
    """A folder with the run of a clip and a configuration that name a person everywhere."""
    folder = tmp_path_factory.mktemp("of ali khan")
    shutil.copy(short_clip, folder / "ali khan.mp4")
    (folder / "my.yaml").write_text(CONFIG)
    (folder / "ali.yaml").write_text(PROFILE)
    return folder


@pytest.fixture
def desk(recorded: Path, command: Cli) -> Path:
    """The same folder in the working folder of `command`, with the finished run."""
    if not (recorded / "results").exists():
        options = ("--trace", "--config", "my.yaml", "--out", "results")
        for name in ("ali khan.mp4", "my.yaml", "ali.yaml"):
            shutil.copy(recorded / name, name)
        assert command("replay", "ali khan.mp4", *options).code == 0
        shutil.copytree("results", recorded / "results")
    shutil.copytree(recorded, Path.cwd(), dirs_exist_ok=True)
    return Path.cwd()


def report(command: Cli, *options: object) -> Any:
    return command("report-bug", "results/ali khan", "--config", "my.yaml", *options)


def unpacked(archive: Path, folder: str = "receiver") -> Path:
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    return Path(folder) / "bug-report"


def test_ok__the_receiver_gets_the_same_alerts_as_the_sender(command: Cli, desk: Path, monkeypatch: Any) -> None:
    outcome = report(command, "--from", "2", "--to", "4.5")
    assert (outcome.code, outcome.lines) == (0, [])
    assert "a replay of the report gives the same alerts, " in outcome.out
    assert "Nothing was sent to anybody." in outcome.out
    assert "left out of the configuration: camera.source, emotion.safety_purpose, " in outcome.out
    folder = unpacked(desk / "bug-report.zip")
    assert sorted(path.name for path in folder.iterdir()) == sorted(CONTENTS)
    (code,) = re.findall(r"(?m)^    driver-monitor (.*)$", (folder / "README.txt").read_text())
    monkeypatch.chdir(folder)
    again = command(*shlex.split(code))
    assert (again.code, again.lines) == (0, [])
    sent = Path("events.jsonl").read_bytes()
    assert Path("again/bug-report/events.jsonl").read_bytes() == sent
    alerts = [json.loads(line) for line in sent.splitlines()]
    own = [json.loads(line) for line in (desk / "results/ali khan/events.jsonl").read_text().splitlines()]
    kept = [alert for alert in own if alert["t"] <= 4.5]
    assert [alert["id"] for alert in alerts] == [alert["id"] for alert in kept]
    assert 0 < len(alerts) < len(own)
    assert {"long_blink", "microsleep"} <= {alert["rule"] for alert in alerts}


def test_ok__the_report_holds_what_was_asked_for(command: Cli, desk: Path) -> None:
    assert report(command, "--from", "2", "--to", "4.5").code == 0
    folder = unpacked(desk / "bug-report.zip")
    lines = [json.loads(line) for line in (folder / "signals.jsonl").read_text().splitlines()]
    assert (lines[0]["t"], lines[-1]["t"]) == (2.0, 4.5)
    _, frames = trace_reader.read(folder / trace.NAME)
    times = [seen.t for _, seen in frames]
    assert (times[0], round(times[-1], 3), len(times)) == (0.0, 4.5, 91)
    assert "microsleep (warning): raised at 0:00:0" in (folder / "explanation.txt").read_text()
    versions = json.loads((folder / "versions.json").read_text())
    assert versions["python"] == sys.version.split()[0]
    assert versions["packages"]["numpy"]
    quiet = command("report-bug", "results/ali khan", "--config", "my.yaml", "--to", "0.5", "--out", "quiet.zip")
    assert quiet.code == 0
    assert "No alert" in (unpacked(desk / "quiet.zip", "quiet") / "explanation.txt").read_text()


def test_ok__the_report_names_nobody(command: Cli, desk: Path) -> None:
    assert report(command).code == 0
    folder = unpacked(desk / "bug-report.zip")
    for path in folder.iterdir():
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        words = set(re.findall(r"[\w.-]+", data.decode().lower()))
        assert not {word for word in words if any(name in word.split("-") or name == word for name in NAMES)}, path
        assert str(desk).encode() not in data
        assert b"/home" not in data
    assert not any(path.suffix in (".mp4", ".jpg", ".png", ".html") for path in folder.iterdir())
    assert "width: 1280" in (folder / "config.yaml").read_text()


def test_ok__two_reports_are_the_same_bytes(command: Cli, desk: Path) -> None:
    assert report(command, "--out", "one.zip").code == report(command, "--out", "two.zip").code == 0
    assert Path("one.zip").read_bytes() == Path("two.zip").read_bytes()
    assert [path.name for path in desk.iterdir() if path.name.startswith(".")] == []


def test_ok__a_report_tells_when_its_replay_gives_other_alerts(command: Cli, desk: Path) -> None:
    events = desk / "results/ali khan/events.jsonl"
    lines = events.read_text().splitlines(keepends=True)
    events.write_text("".join(lines[1:]))
    outcome = report(command)
    assert outcome.code == 0
    assert f"other alerts: new: {json.loads(lines[0])['t']:.2f} s " in outcome.out
    text = (unpacked(desk / "bug-report.zip") / "README.txt").read_text()
    assert "this gave other alerts than events.jsonl:" in text


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (("results/ali khan", "--from", "70"), 2, "--from 70: this run ends at 5.95 s; give an earlier time"),
        (("results/ali khan", "--from", "3", "--to", "2"), 2, "--to 2 is before --from 3; exchange the two"),
        (("results/ali khan", "--to", "soon"), 2, "expected a number from 0 to 1e+07, found 'soon'"),
        (("results/ali khan", "--profile", "quiet"), 2, "made with another configuration or profile (strict)"),
        (("results/ali khan", "--out", "my.yaml"), 1, "my.yaml: exists; choose another file with --out"),
        (("results/ali khan", "--out", "no/b.zip"), 1, "no/b.zip: cannot write: No such file or directory"),
        (("results",), 1, "results: holds no run"),
    ],
)
def test_fail__one_line_says_what_is_wrong(
    options: tuple[str, ...], code: int, reason: str, command: Cli, desk: Path
) -> None:
    before = {path: path.read_bytes() for path in desk.rglob("*") if path.is_file()}
    outcome = command("report-bug", "--config", "my.yaml", *options)
    assert outcome.code == code
    (line,) = outcome.lines
    assert reason in line
    assert {path: path.read_bytes() for path in desk.rglob("*") if path.is_file()} == before


def test_fail__a_run_without_a_trace_names_the_command_that_makes_one(command: Cli, desk: Path) -> None:
    (desk / "results/ali khan" / trace.NAME).unlink()
    (line,) = report(command).lines
    where, _, rest = line.partition("this run has no trace; replay the clip again: ")
    assert where == "results/ali khan: "
    assert shlex.split(rest) == ["driver-monitor", "replay", "ali khan.mp4", "--trace", "--out", "results"]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (trace.NAME, lambda data: data[: len(data) // 2] + b"?" * 40),
        (trace.NAME, lambda _: gzip.compress(b'{"kind": "something else"}\n')),
        ("events.jsonl", lambda _: b'{"rule": "sleep"}\n'),
        ("signals.jsonl", lambda _: b"[]\n"),
        ("run.json", lambda data: data.replace(b'"seconds": 5.95', b'"seconds": "long"')),
    ],
    ids=["damaged trace", "another file", "no alerts", "no signals", "no length"],
)
def test_fail__a_damaged_run_gives_one_line_and_no_archive(name: str, change: Any, command: Cli, desk: Path) -> None:
    path = desk / "results/ali khan" / name
    path.write_bytes(change(path.read_bytes()))
    outcome = report(command)
    assert outcome.code == 1
    (line,) = outcome.lines
    assert line.startswith("results/ali khan")
    assert not (desk / "bug-report.zip").exists()
    assert [path.name for path in desk.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("name", known())
def test_ok__a_profile_comes_through_whole(name: str, tmp_path: Path) -> None:
    profile = load_plan(Request(profile=name)).profile
    path = tmp_path / "profile.yaml"
    path.write_text(yaml.safe_dump(plain_profile(profile)))
    read = load_plan(Request(profile=str(path))).profile
    assert read == profile.model_copy(update={"description": "", "extends": None})


TEXTS: dict[str, dict[str, Any]] = {
    "camera": {"source": "/dev/video-khan"},
    "face": {"detector": "/home/ali/yunet.onnx"},
    "emotion": {"safety_purpose": "Protect Ali Khan from himself"},
    "models": {"folder": "/home/ali/models"},
    "vehicle": {"id": "ali", "input": "ipc:///run/ali"},
    "zmq": {"bind": "ipc:///home/ali/socket"},
    "gpio": {"backend": "gpiod", "chip": "khan", "buzzer_pin": "ALI.1", "led_pin": 3},
    "outputs": {"sound": "plughw:ali"},
    "service": {"state_dir": "/home/ali"},
}


@pytest.mark.parametrize("section", sorted(TEXTS))
def test_ok__texts_of_a_configuration_give_way_to_the_defaults(section: str) -> None:
    values, left_out = plain_config(Config.model_validate({section: TEXTS[section]}))
    assert not re.search("ali|khan", json.dumps(values).lower())
    assert {f"{section}.{key}" for key in TEXTS[section]} - {"gpio.backend", "gpio.led_pin"} <= {*left_out, section}
    Config.model_validate(values)


def test_ok__a_warning_that_names_a_path_is_left_out() -> None:
    info = {"clip": "ali.mp4", "clip_id": "12345678", "warnings": ["ali.mp4: 3 damaged", "/home/x: is odd"]}
    assert plain_run(info) == {"clip": "clip.mp4", "warnings": ["clip: 3 damaged", HIDDEN]}


def test_ok__the_versions_of_all_packages_are_told() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    listed = re.search(r"(?s)^dependencies = \[(.*?)\]", text, re.MULTILINE)
    assert listed is not None
    assert sorted(PACKAGES) == sorted(re.findall(r'"([\w-]+)', listed[1]))


@pytest.mark.parametrize("seconds", [10**400, float("inf"), float("nan")], ids=["huge", "inf", "nan"])
def test_fail__a_length_that_is_no_finite_number(tmp_path: Path, seconds: float) -> None:
    run = Run(tmp_path, {"seconds": seconds}, "trip")
    with pytest.raises(RunError, match="its files were changed after the replay"):
        write_bug_report(run, load_plan(Request()), None, None, tmp_path / "bug.zip")
