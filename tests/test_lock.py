"""The lock of the system-wide configuration, with real daemons: no file, option or variable gets around it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from driver_monitor.app import build
from driver_monitor.app import lock as app_lock
from driver_monitor.app.build import Plan, Request
from driver_monitor.app.part_table import Setup
from driver_monitor.app.start import open_daemon
from driver_monitor.config import last_good, lock
from driver_monitor.config.last_good import LastGood
from driver_monitor.errors import ConfigError, OutputError
from tests.processes import DaemonProcess, Subscriber, free_port

PROGRAM = """
import sys
from pathlib import Path
from driver_monitor.config import lock

lock.FILE = Path({file!r})
from driver_monitor.cli import main

main()
"""
"""The program on a computer whose system-wide configuration is `file`: the place itself is no setting."""


def program(file: Path) -> tuple[str, ...]:
    return (sys.executable, "-c", PROGRAM.format(file=str(file)))


def run(file: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {**os.environ, "XDG_STATE_HOME": str(file.parent), "COLUMNS": "200", **environment}
    command = [*program(file), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=own, check=False, timeout=60)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the system-wide configuration."""
    monkeypatch.setenv("PATH", os.environ["PATH"])  # a locked daemon changes it
    folder = tmp_path / "etc"
    folder.mkdir()
    return folder


def test_ok__a_user_can_lower_nothing_in_a_locked_vehicle_and_each_attempt_is_told(
    system: Path, tmp_path: Path, short_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    file = system / "config.yaml"
    file.write_text(
        f"locked: true\nprofile: eu_addw\ncamera: {{source: '{short_clip}'}}\n"
        f"zmq: {{bind: 'tcp://127.0.0.1:{port}'}}\ngpio: {{backend: mock}}"
    )
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    options = ("--profile", "quiet", "--track", "2")
    with (
        Subscriber(port) as subscriber,
        DaemonProcess(tmp_path, "demo", free_port(), "profile: quiet", options, program(file)) as daemon,
    ):
        status = subscriber.status(lambda status: status["camera"]["captured"] > 0)
        assert daemon.reload().returncode == 0
        after = subscriber.status(lambda status: status["uptime_s"] > 1)
        code, _, err = daemon.end(signal.SIGTERM)
    assert code == 0
    ignored = [
        f"--config {daemon.config}",
        "--profile quiet",
        "--source demo",
        "--track 2",
        "GPIOZERO_PIN_FACTORY=mock",
    ]
    assert status["versions"]["profile"] == after["versions"]["profile"] == "eu_addw"
    assert (status["locked"], status["ignored"]) == (True, ignored)
    assert status["camera"]["source"] == short_clip.name or str(short_clip) in status["camera"]["source"]
    for one in ignored:
        (line, *again) = [line for line in err.splitlines() if f"locked: {one} is ignored" in line]
        assert "locks the settings; ask who looks after this vehicle" in line
        assert len(again) == (0 if "FACTORY" in one else 1), "once at the start and once at the reload"


def test_fail__a_camera_program_of_the_user_is_not_taken_for_that_of_the_system(system: Path, tmp_path: Path) -> None:
    file, program = system / "config.yaml", tmp_path / "rpicam-vid"
    file.write_text("locked: true\ncamera: {source: rpicam}\nzmq: {enabled: false}")
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    program.chmod(0o755)
    result = run(file, "run", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (result.returncode, (tmp_path / "started").exists()) == (1, False)
    assert "neither rpicam-vid nor libcamera-vid is installed" in result.stderr


def test_fail__a_command_of_the_user_is_ignored_and_its_arguments_are_not_told(
    system: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = system / "config.yaml"
    file.write_text("locked: true\ncamera: {source: 'pipe:/opt/cam --key abc'}")
    monkeypatch.setattr(lock, "FILE", file)
    plan = app_lock.load_plan(Request(source=f"pipe:touch {tmp_path}/made --password geheim"))
    assert plan.config.camera.source == "pipe:/opt/cam --key abc"
    assert plan.ignored == ("--source pipe:touch",)


def test_ok__a_locked_vehicle_is_watched_without_any_option(system: Path, tmp_path: Path) -> None:
    port = free_port()
    file = system / "config.yaml"
    file.write_text(f"locked: true\nprofile: fleet\ncamera: {{source: demo}}\nzmq: {{bind: 'tcp://127.0.0.1:{port}'}}")
    with (
        Subscriber(port, "status/") as subscriber,
        subprocess.Popen([*program(file), "run"], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process,
    ):
        status = subscriber.status(lambda _: True)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert (status["versions"]["profile"], status["locked"], status["ignored"]) == ("fleet", True, [])
    assert "is ignored" not in err


def link_to_nothing(file: Path) -> None:
    file.symlink_to(file.parent / "nothing")


RUBBISH: dict[str, Callable[[Path], object]] = {
    "bytes": lambda file: file.write_bytes(b"locked: true\n\xff\xfe"),
    "yaml": lambda file: file.write_text("locked: true\n  profile: [fleet"),
    "a wrong key": lambda file: file.write_text("locked: true\nprofil: fleet"),
    "a word": lambda file: file.write_text("locked: yes"),
    "a number": lambda file: file.write_text("locked: 1"),
    "twice": lambda file: file.write_text("locked: false\nlocked: true"),
    "in one line": lambda file: file.write_text("{locked: true, profile: }"),
    "below": lambda file: file.write_text("locked:\n  - true\nprofil: fleet"),
    "a folder": lambda file: file.mkdir(),
    "a pipe": os.mkfifo,
    "a link to nothing": link_to_nothing,
    "a word with a capital letter": lambda file: file.write_text("Locked: true"),
    "a word with a wrong letter": lambda file: file.write_text("lock: true"),
    "after a number sign": lambda file: file.write_text('{profile: "a#b", locked: true, profil: fleet}'),
    "after a comment and an old line break": lambda file: file.write_bytes(b"# mine\rlocked: true\rprofil: fleet"),
    "large": lambda file: file.write_text("locked: true\n" + "#" * 70_000),
    "a profile that is missing": lambda file: file.write_text("locked: true\nprofile: /nowhere/mine.yaml"),
    "a profile of the user": lambda file: file.write_text("locked: true\nprofile: mine.yaml"),
    "models of the user": lambda file: file.write_text("locked: true\nmodels: {folder: models}"),
    "a command of the user": lambda file: file.write_text("locked: true\ncamera: {source: 'pipe:./cam x'}"),
    "a program on the user's PATH": lambda file: file.write_text("locked: true\ncamera: {source: 'pipe:cam /x'}"),
    "a detector of the user": lambda file: file.write_text("locked: true\nface: {detector: mine.onnx}"),
}


@pytest.mark.parametrize("kind", RUBBISH)
def test_fail__a_file_that_is_damaged_unlocks_nothing(
    system: Path, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = system / "config.yaml"
    RUBBISH[kind](file)
    monkeypatch.setattr(lock, "FILE", file)
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    mine = tmp_path / "mine.yaml"
    mine.write_text("profile: quiet")
    with pytest.raises(ConfigError):
        app_lock.load_plan(Request(mine))
    assert "GPIOZERO_PIN_FACTORY" not in os.environ, "the buzzer of a service that goes on must sound"


@pytest.mark.parametrize("kind", ["yaml", "a folder", "a profile of the user"])
def test_fail__a_daemon_does_not_start_with_a_users_file_beside_a_damaged_lock(
    system: Path, kind: str, tmp_path: Path
) -> None:
    file = system / "config.yaml"
    RUBBISH[kind](file)
    mine = tmp_path / "mine.yaml"
    mine.write_text("profile: quiet")
    result = run(file, "run", "--config", str(mine), "--source", "demo")
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{file}:")


def test_fail__a_service_with_a_damaged_lock_watches_without_the_options_of_the_user(
    system: Path, tmp_path: Path
) -> None:
    file = system / "config.yaml"
    RUBBISH["yaml"](file)
    address = f"ipc://{tmp_path}/alerts.sock"
    with DaemonProcess(tmp_path, "demo", free_port(), "", ("--profile", "quiet"), program(file)) as daemon:
        notice = daemon.await_notice("STATUS=")
        with Subscriber(address, "status/") as subscriber:
            assert subscriber.status(lambda _: True)["versions"]["profile"] == "default"
        code, _, err = daemon.end(signal.SIGTERM)
    assert code == 0
    assert "running with the default configuration" in notice
    assert "watching demo" not in err


@pytest.mark.parametrize(("text", "tried"), [("", ["default"]), ("locked: true\n", ["quiet", "default"])])
def test_fail__what_worked_before_the_lock_does_not_come_back_when_an_output_is_taken(
    system: Path, text: str, tried: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, before = system / "config.yaml", tmp_path / "before.yaml"
    before.write_text(f"{text}profile: quiet")
    plan = build.load_plan(Request(before))
    last_good.save(tmp_path, LastGood(plan.config, plan.own_text))
    file.write_text("locked: true\nprofile: eu_addw")
    monkeypatch.setattr(lock, "FILE", file)
    names = []

    def taken(plan: Plan) -> Setup:
        names.append(plan.profile.name)
        raise OutputError("the address is taken")

    with ExitStack() as opened, pytest.raises(OutputError):
        open_daemon(Request(file), taken, opened, tmp_path)
    assert names == ["eu_addw", *tried]


NOT_LOCKED: dict[str, Callable[[Path], object]] = {
    "no file": lambda file: None,
    "no folder": lambda file: file.parent.rmdir(),
    "false": lambda file: file.write_text("locked: false\nprofile: fleet"),
    "nothing of it": lambda file: file.write_text("profile: fleet"),
    "a fault elsewhere": lambda file: file.write_text("profil: fleet"),
    "a fault elsewhere, and false": lambda file: file.write_text(
        "# locked: true\nlocked: false  # open\nprofil: fleet"
    ),
}


@pytest.mark.parametrize("kind", NOT_LOCKED)
def test_ok__without_a_lock_the_user_chooses(
    system: Path, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = system / "config.yaml"
    NOT_LOCKED[kind](file)
    monkeypatch.setattr(lock, "FILE", file)
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    mine = tmp_path / "mine.yaml"
    mine.write_text("profile: quiet")
    assert app_lock.load_plan(Request(mine)).profile.name == "quiet"
    plan = app_lock.load_plan(Request(mine, "demo", "eu_addw"))
    assert (plan.profile.name, plan.config.camera.source, plan.ignored) == ("eu_addw", "demo", ())
    assert os.environ["GPIOZERO_PIN_FACTORY"] == "mock"


def test_ok__the_same_file_by_another_name_and_the_same_values_are_no_attempt(
    system: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = system / "config.yaml"
    file.write_text("locked: true\nprofile: fleet\ncamera: {source: demo, track: 1}")
    (tmp_path / "link.yaml").symlink_to(file)
    monkeypatch.setattr(lock, "FILE", file)
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    for path in (None, file, tmp_path / "link.yaml", tmp_path / "etc" / ".." / "etc" / "config.yaml"):
        plan = app_lock.load_plan(Request(path, "demo", "fleet", 1))
        assert (plan.profile.name, plan.ignored) == ("fleet", ())


def test_fail__a_password_in_an_address_is_not_logged(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = system / "config.yaml"
    file.write_text("locked: true")
    monkeypatch.setattr(lock, "FILE", file)
    plan = app_lock.load_plan(Request(None, "rtsp://me:secret@10.0.0.9/1"))
    assert "secret" not in plan.ignored[0]
    assert "10.0.0.9" in plan.ignored[0]


@pytest.mark.parametrize("text", ["a\nlocked: false", "\x1b[2J", "x" * 100_000, "\udcff", ""])
def test_fail__an_attempt_stays_one_short_line(system: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = system / "config.yaml"
    file.write_text("locked: true")
    monkeypatch.setattr(lock, "FILE", file)
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    (told,) = app_lock.load_plan(Request(None, None, text)).ignored
    assert told.startswith("--profile")
    assert told.isprintable()
    assert len(told) <= app_lock.LONGEST


def test_fail__a_lock_in_a_file_of_the_user_is_refused(system: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("locked: true")
    result = run(system / "config.yaml", "run", "--config", str(mine))
    assert result.returncode == 2
    assert result.stderr == f"{mine}: locked: only {system / 'config.yaml'} can lock the settings; remove this key\n"


def test_ok__config_check_shows_the_lock(system: Path, tmp_path: Path) -> None:
    file, mine = system / "config.yaml", tmp_path / "mine.yaml"
    file.write_text("locked: true\nprofile: fleet")
    mine.write_text("profile: quiet")
    assert "locked: the daemon uses this file alone" in run(file, "config", "check", str(file)).stdout
    told = run(file, "config", "check", str(mine)).stdout
    assert f"locked: the daemon uses {file} alone (profile fleet), not this configuration" in told
    file.write_text("locked: true\nprofile: mine.yaml")
    refused = run(file, "config", "check", str(mine))
    assert refused.returncode == 2
    assert "profile: locked: true needs a path that begins with /, found 'mine.yaml'" in refused.stderr


def test_ok__config_check_shows_a_lock_without_effect(system: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("locked: true")
    result = run(system / "config.yaml", "config", "check", str(mine))
    assert f"locked: no effect; only {system / 'config.yaml'} can lock the settings" in result.stdout
    assert "locked" not in run(system / "config.yaml", "config", "check").stdout
