"""The command `driver-monitor aim`: its refusals, each in one line with what to do."""

from __future__ import annotations

import importlib.util
import os
import time
from contextlib import closing
from pathlib import Path

import pytest

from driver_monitor.aim import run as aim_run
from driver_monitor.aim.daemon_socket import DaemonSocket
from driver_monitor.aim.live import Live
from driver_monitor.app.build import Request, load_plan
from driver_monitor.errors import UsageError
from tests.aim.test_link import until
from tests.conftest import Cli

pytest.importorskip("uvicorn", reason="uvicorn is not installed (extra aim)")


@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "websockets"])
def test_fail__without_its_packages_it_names_the_command_that_installs_them(
    command: Cli, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == missing else found(name))
    outcome = command("aim", "--source", "demo")
    assert outcome.code == 2
    (line,) = outcome.lines
    assert f"needs {missing}; install with: " in line
    assert "-m pip install starlette uvicorn websockets" in line


@pytest.mark.parametrize("bind", ["0.0.0.0", "eth0", "192.0.2.7"])
def test_fail__an_address_that_is_not_this_machines_is_refused(command: Cli, bind: str) -> None:
    outcome = command("aim", "--source", "demo", "--bind", bind)
    assert outcome.code in (1, 2)
    (line,) = outcome.lines
    assert "ip -brief address" in line


def test_fail__a_clip_that_is_not_there_is_refused(command: Cli) -> None:
    outcome = command("aim", "--source", "missing.mp4")
    assert outcome.code == 1
    assert len(outcome.lines) == 1


@pytest.mark.parametrize(("text", "reason"), [("locked: true", "locked"), ("profile: fleet", "at work")])
def test_fail__where_settings_are_locked_or_drivers_work_only_root_sees_pictures(
    tmp_path: Path, text: str, reason: str
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"{text}\n")
    plan = load_plan(Request(config))
    aim_run._check_user(plan, 0)
    with pytest.raises(UsageError, match=f"{reason}.*sudo"):
        aim_run._check_user(plan, 1000)


def test_ok__elsewhere_every_user_who_may_open_the_camera_sees_pictures() -> None:
    aim_run._check_user(load_plan(Request(None)), 1000)


def test_ok__the_log_of_the_system_says_when_a_camera_of_our_own_is_shown(tmp_path: Path, short_clip: Path) -> None:
    said: list[str] = []
    live = Live(time.monotonic)
    with closing(DaemonSocket(live, [])) as daemon:
        pictures = aim_run.Pictures(load_plan(Request(None, str(short_clip))), live, daemon, 0.0, said.append)
        pictures.check()
        pictures.check()
        assert pictures._own is not None
        assert pictures._own._models.expression is None, "no expression is read for an installer"
        assert said == [f"aim: pictures of the camera are being shown to the installer (user id {os.geteuid()})"]
        until(lambda: live.newest()[1])
        pictures.close()
        pictures.close()
    assert said[1:] == ["aim: no picture is shown any more"]


def test_fail__the_folder_of_a_running_service_asks_for_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aim_run, "SERVICE_FOLDER", tmp_path)
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert aim_run._folders() == [tmp_path]
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(UsageError, match="use sudo driver-monitor aim"):
        aim_run._folders()


def test_ok__a_user_without_a_service_gets_a_folder_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aim_run, "SERVICE_FOLDER", tmp_path / "none")
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert aim_run._folders() == [tmp_path / "driver-monitor", tmp_path / "none"]
    assert (tmp_path / "driver-monitor").stat().st_mode & 0o777 == 0o700
