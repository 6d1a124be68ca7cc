"""What a person at a terminal reads first and last."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from driver_monitor import __version__
from driver_monitor.app.build import Plan, Request, load_plan
from driver_monitor.app.first_lines import first_line, next_step, program
from driver_monitor.outputs import journal
from tests.conftest import PROGRAM, Cli, demo_frames, write_clip

MODULE = [sys.executable, "-m", "driver_monitor"]
LOG_LINE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (INFO|WARNING|ERROR|CRITICAL) \S.*"
"""The one format of log lines, in the daemon and in every other command."""


def plan(folder: Path, text: str = "", source: str | None = None) -> Plan:
    path = folder / "my.yaml"
    path.write_text(text)
    return load_plan(Request(path, source))


def test_ok__the_first_line_says_what_is_watched_where_it_is_published_and_how_to_stop(tmp_path: Path) -> None:
    line = first_line(plan(tmp_path, source="0"), service=False)
    assert line.startswith("watching camera 0; published on tcp://127.0.0.1:5556 (")
    assert line.endswith(" watch); stop with Ctrl-C")
    assert first_line(plan(tmp_path, source="0"), service=True).endswith("; stop with systemctl stop driver-monitor")


def test_ok__an_address_of_ones_own_stands_in_the_command_to_watch(tmp_path: Path) -> None:
    own = plan(tmp_path, "zmq: {bind: 'ipc:///tmp/alerts.sock'}", "0")
    assert "watch --connect ipc:///tmp/alerts.sock)" in first_line(own, service=False)
    assert "nothing is published" in first_line(plan(tmp_path, "zmq: {enabled: false}", "0"), service=False)


def test_ok__an_address_for_other_computers_is_named_beside_the_local_one(tmp_path: Path) -> None:
    line = first_line(plan(tmp_path, "zmq: {bind: 'tcp://[::]:5600', keys: /etc/k}", "0"), service=False)
    assert " watch) and, for clients with keys, on tcp://[::]:5600; stop with" in line
    assert "published on tcp://127.0.0.1:5556 (" in line


def test_ok__an_operator_stands_in_the_first_line(tmp_path: Path) -> None:
    fleet = "uplink: {brokers: ['mqtts://broker.example', 'mqtts://other.example']}"
    line = first_line(plan(tmp_path, fleet, "0"), service=True)
    assert "; alerts are sent to mqtts://broker.example:8883 (and 1 more); stop" in line


@pytest.mark.parametrize("source", ["rtsp://me:secret@10.0.0.7/live?key=secret", "rtsp://me:secret@[/live"])
def test_ok__no_password_is_shown(tmp_path: Path, source: str) -> None:
    watched = plan(tmp_path, source=source)
    assert "secret" not in first_line(watched, service=False) + next_step(watched)


def test_ok__a_camera_that_is_not_there_yet_is_watched_all_the_same(tmp_path: Path) -> None:
    line = first_line(plan(tmp_path, source="/dev/v4l/by-id/not-plugged-in"), service=True)
    assert "not-plugged-in" in line


@pytest.mark.parametrize("called", ["/usr/lib/python3/driver_monitor/__main__.py", "-c", ""])
def test_ok__without_a_script_the_module_is_named(called: str) -> None:
    assert program(called) == "python -m driver_monitor"


def test_ok__the_name_is_enough_where_the_path_finds_the_same_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "driver-monitor"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program(str(script)) == "driver-monitor"
    assert program(".venv/bin/driver-monitor") == ".venv/bin/driver-monitor", "the PATH finds another one"
    monkeypatch.setenv("PATH", "")
    assert program(".venv/bin/driver-monitor") == ".venv/bin/driver-monitor", "the PATH finds none"


def test_ok__python_m_is_the_same_program(tmp_path: Path) -> None:
    for arguments in (["--version"], ["--help"], ["run", "--help"], ["nonsense"]):
        one, other = (
            subprocess.run([*start, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
            for start in (MODULE, PROGRAM)
        )
        assert (one.returncode, one.stdout, one.stderr) == (other.returncode, other.stdout, other.stderr)
    assert __version__ in subprocess.run([*MODULE, "--version"], capture_output=True, text=True, check=True).stdout


def test_ok__a_run_begins_and_ends_with_these_lines_in_one_format(tmp_path: Path) -> None:
    clip = tmp_path / "trip.mp4"
    write_clip(clip, demo_frames(0, 20))
    config = tmp_path / "my.yaml"
    config.write_text("zmq: {bind: 'tcp://127.0.0.1:*'}\n")
    done = subprocess.run(
        [*MODULE, "run", "--source", str(clip), "--config", str(config)],
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stderr.splitlines()
    assert all(re.fullmatch(LOG_LINE, line) for line in lines), done.stderr
    assert "watching trip.mp4; published on" in lines[0]
    assert f"next: python -m driver_monitor replay {clip} --out results, then" in lines[-1]
    assert not [line for line in lines if " WARNING " in line], "a computer without pins is nothing to warn of"


def test_ok__a_replay_says_how_to_see_why(command: Cli, tmp_path: Path) -> None:
    write_clip(tmp_path / "trip.mp4", demo_frames(0, 20))
    said = command("replay", "trip.mp4", "--out", "results").out.splitlines()
    program_name, verb, events = said[-1].removeprefix("next: ").split()
    assert (program_name, verb) == ("driver-monitor", "explain")
    assert command(verb, events).code == 0


@pytest.mark.parametrize("jobs", [1, 2])
def test_ok__a_warning_of_a_replay_has_the_format_of_the_daemon_in_every_process(tmp_path: Path, jobs: int) -> None:
    models = tmp_path / "models"
    shutil.copytree(Path(__file__).parents[1] / "models", models)
    (models / "detector.onnx").unlink()  # HOG takes its place, with a warning
    (tmp_path / "my.yaml").write_text(f"models: {{folder: {models}}}\n")
    for name in ("one.mp4", "two.mp4"):
        write_clip(tmp_path / name, demo_frames(0, 3))
    words = ["replay", "one.mp4", "two.mp4", "--jobs", str(jobs), "--config", "my.yaml"]
    done = subprocess.run([*MODULE, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert lines
    assert all(re.fullmatch(LOG_LINE, line) for line in lines), done.stderr


def test_ok__warnings_of_all_commands_have_the_format_of_the_daemon() -> None:
    record = logging.LogRecord("x", logging.WARNING, "x.py", 1, "a model is missing", None, None)
    assert re.fullmatch(LOG_LINE, journal.formatter(sys.stderr).format(record))
