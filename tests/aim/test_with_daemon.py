"""`driver-monitor aim` beside a running daemon: two programs, their socket, the journal and the status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.aim.buzzer import ASKED
from driver_monitor.aim.daemon_socket import GONE
from driver_monitor.config.addresses import AIM_SOCKET_NAME
from tests.conftest import PROGRAM
from tests.processes import PATIENCE_S, DaemonProcess, Subscriber, free_port

websockets = pytest.importorskip("websockets.sync.client", reason="websockets is not installed (extra aim)")


class AimProcess:
    """A running `driver-monitor aim`. `folder`: the runtime folder in which a daemon looks for it."""

    def __init__(self, folder: Path, *options: str) -> None:
        environment = {**os.environ, "RUNTIME_DIRECTORY": str(folder)}
        self.process = subprocess.Popen(
            [*PROGRAM, "aim", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdout is not None
        self.greeting = self.process.stdout.readline()
        self.promise = self.process.stdout.readline()

    def __enter__(self) -> AimProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    @contextmanager
    def viewer(self) -> Iterator[Any]:
        """An open page."""
        host, _, token = self.greeting.split("http://")[1].strip().partition("/?token=")
        headers = {"Cookie": f"aim={token}", "Origin": f"http://{host}"}
        with websockets.connect(f"ws://{host}/live", additional_headers=headers) as socket:
            yield socket

    def end(self, number: int) -> tuple[int, str, str]:
        """Send the signal and wait for the end. Returns the exit code and what was written."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, self.greeting + self.promise + out, err


def until(viewer: Any, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the first message for which `wanted` holds."""
    while True:
        text = viewer.recv(timeout=PATIENCE_S)
        if isinstance(text, str) and wanted(message := json.loads(text)):
            return dict(message)


def words(message: dict[str, Any]) -> str:
    return str(message["headline"]["words"])


def test_ok__the_daemon_gives_the_pictures_says_so_and_the_page_outlives_its_restart(tmp_path: Path) -> None:
    port = free_port()
    with Subscriber(port, "status/") as subscriber, AimProcess(tmp_path) as aim:
        with DaemonProcess(tmp_path, "demo", port) as daemon, aim.viewer() as viewer:
            seen = until(viewer, lambda message: message["picture"])
            assert seen["source"] == "demo.mp4"
            assert "face is found" in seen["checks"][1]["words"]
            subscriber.status(lambda status: status["aim"])
            viewer.send("beep")
            assert until(viewer, lambda message: message["told"])["told"] == ASKED
            _, _, err = daemon.end(signal.SIGTERM)
            assert "pictures of the camera are being shown to the installer" in err
            assert words(until(viewer, lambda message: not message["picture"])) == GONE
        with DaemonProcess(tmp_path, "demo", port) as daemon, aim.viewer() as viewer:
            until(viewer, lambda message: message["picture"])
            code, out, err = aim.end(signal.SIGINT)
            subscriber.status(lambda status: not status["aim"])
            _, _, said = daemon.end(signal.SIGTERM)
        assert "no picture is shown any more" in said
    assert code == 0
    assert "Traceback" not in err
    assert "No picture is stored" in out
    assert "Stopped: no picture is shown any more" in out
    assert not (tmp_path / AIM_SOCKET_NAME).exists()


def test_ok__a_daemon_that_starts_later_gets_the_camera(tmp_path: Path, short_clip: Path) -> None:
    config = tmp_path / "own.yaml"
    config.write_text(f"camera: {{source: '{short_clip}'}}\n")
    with AimProcess(tmp_path, "--config", str(config)) as aim, aim.viewer() as viewer:
        until(viewer, lambda message: message["source"] == short_clip.name)
        with DaemonProcess(tmp_path, "demo"):
            until(viewer, lambda message: message["source"] == "demo.mp4")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may see pictures of drivers at work")
def test_ok__at_a_workplace_root_sees_the_face_and_no_expression(tmp_path: Path) -> None:
    fleet = "profile: fleet\nemotion: {safety_purpose: Warn the driver of rage before it is dangerous}"
    with AimProcess(tmp_path) as aim, DaemonProcess(tmp_path, "demo", config=fleet) as daemon, aim.viewer() as viewer:
        message = until(viewer, lambda message: message["picture"])
        _, _, err = daemon.end(signal.SIGTERM)
    assert "being shown to the installer" in err
    text = json.dumps(message)
    assert not [word for word in ("emotion", "expression", "anger", "happiness") if word in text]


def test_ok__sigterm_ends_it_as_other_commands_and_leaves_nothing(tmp_path: Path) -> None:
    with AimProcess(tmp_path) as aim:
        assert (tmp_path / AIM_SOCKET_NAME).is_socket()
        code, _, err = aim.end(signal.SIGTERM)
    assert (code, err) == (143, "")
    assert not (tmp_path / AIM_SOCKET_NAME).exists()


def test_ok__nothing_is_stored_while_pictures_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    with AimProcess(tmp_path, "--source", "demo") as aim, aim.viewer() as viewer:
        for _ in range(5):
            until(viewer, lambda message: message["picture"])
        assert list(tmp_path.rglob("*")) == []
        code, out, err = aim.end(signal.SIGINT)
    assert (code, err, list(tmp_path.rglob("*"))) == (0, "", [])
    assert "token" not in out.replace(aim.greeting, "")


def test_fail__a_second_page_is_refused_in_one_line(tmp_path: Path) -> None:
    with AimProcess(tmp_path):
        second = AimProcess(tmp_path)
        _, err = second.process.communicate(timeout=PATIENCE_S)
    assert second.process.returncode == 1
    assert "another `driver-monitor aim` runs" in err
    assert err.count("\n") == 1


def test_ok__a_killed_page_is_replaced_by_the_next_one(tmp_path: Path) -> None:
    with AimProcess(tmp_path) as first:
        assert first.end(signal.SIGKILL)[0] == -signal.SIGKILL
    with AimProcess(tmp_path) as aim, DaemonProcess(tmp_path, "demo"), aim.viewer() as viewer:
        until(viewer, lambda message: message["picture"])
