"""The daemon as its users meet it: a process, a socket, signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq

from tests.conftest import PROGRAM

PATIENCE_MS = 30_000
"""Longest wait for a message; only a failure takes so long."""

Message = tuple[str, dict[str, Any]]


class Daemon:
    """A running `driver-monitor run`, with a socket that systemd's notifications go to."""

    def __init__(self, folder: Path, source: Path | str, port: int, extra: str = "") -> None:
        self.folder, self.port = folder, port
        self.config = folder / "config.yaml"
        self.configure(extra)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.settimeout(PATIENCE_MS / 1000)
        path = folder / "notify"
        path.unlink(missing_ok=True)
        self.notify.bind(str(path))
        environment = {**os.environ, "XDG_STATE_HOME": str(folder), "NOTIFY_SOCKET": str(path), "COLUMNS": "200"}
        self.process = subprocess.Popen(
            [*PROGRAM, "run", "--config", str(self.config), "--source", str(source)],
            env=environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def configure(self, extra: str) -> None:
        self.config.write_text(f"zmq: {{bind: 'tcp://127.0.0.1:{self.port}'}}\ngpio: {{backend: mock}}\n{extra}")

    def await_notice(self, wanted: str) -> None:
        while wanted not in self.notify.recv(4096).decode():
            pass

    def end(self, number: int | None = None) -> tuple[int, str, str]:
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE_MS / 1000)
        return self.process.returncode, out, err


@contextmanager
def running(folder: Path, source: Path | str, port: int, extra: str = "") -> Iterator[Daemon]:
    daemon = Daemon(folder, source, port, extra)
    try:
        yield daemon
    finally:
        daemon.process.kill()
        daemon.process.communicate()
        daemon.notify.close()


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Subscriber:
    def __init__(self, port: int, topic: str) -> None:
        self.socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.subscribe(topic)
        self.socket.connect(f"tcp://127.0.0.1:{port}")

    def next(self) -> Message:
        if not self.socket.poll(PATIENCE_MS):
            raise TimeoutError("no message came")
        topic, payload = self.socket.recv_multipart()
        return topic.decode(), json.loads(payload)

    def until(self, rule: str, phase: str) -> list[Message]:
        heard = [self.next()]
        while (heard[-1][1].get("rule"), heard[-1][1].get("phase")) != (rule, phase):
            heard.append(self.next())
        return heard

    def __enter__(self) -> Subscriber:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def test_ok__a_nap_reaches_a_subscriber_and_one_who_comes_late_and_the_process_ends_well(
    tmp_path: Path, port: int, short_clip: Path
) -> None:
    with Subscriber(port, "alert/") as first, running(tmp_path, short_clip, port) as daemon:
        heard = first.until("microsleep", "raised")
        with Subscriber(port, "") as late:
            caught_up: dict[str, dict[str, Any]] = {}
            while not {"alert/microsleep/", "status/"} <= set(caught_up):
                topic, message = late.next()
                caught_up.setdefault(topic, message)
            heard += first.until("sleep", "raised")
            code, out, err = daemon.end()
    assert code == 0
    assert [topic for topic, _ in heard] == ["alert/microsleep/", "alert/sleep/"]
    assert caught_up["alert/microsleep/"] == heard[0][1]
    assert "Eyes closed for" in out
    assert "Traceback" not in err
    raised = heard[0][1]
    assert 0 <= raised["t"] <= 6
    assert raised["boot"]


def test_ok__sigterm_ends_it_with_code_0_and_a_restart_counts_its_alerts_on(
    tmp_path: Path, port: int, short_clip: Path
) -> None:
    numbers = []
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
        with Subscriber(port, "alert/") as subscriber, running(tmp_path, short_clip, port) as daemon:
            _, alert = subscriber.until("microsleep", "raised")[-1]
            numbers.append(alert["seq"])
            code, _, err = daemon.end(number)
        assert code == (0 if number == signal.SIGTERM else -signal.SIGKILL), err
        assert "Traceback" not in err
    assert numbers[0] < numbers[1] < numbers[2]


def test_ok__an_alert_that_sigkill_left_active_is_ended_at_the_next_start(
    tmp_path: Path, port: int, short_clip: Path
) -> None:
    with Subscriber(port, "alert/") as early:
        with running(tmp_path, short_clip, port) as daemon:
            _, raised = early.until("microsleep", "raised")[-1]
            kept = tmp_path / "driver-monitor" / "active-alerts.jsonl"
            while raised["episode"] not in kept.read_text():
                assert daemon.process.poll() is None
            daemon.end(signal.SIGKILL)
        with running(tmp_path, short_clip, port) as daemon:
            _, ended = early.until("microsleep", "cleared")[-1]
            with Subscriber(port, "alert/") as late:
                assert late.next()[1]["id"] == ended["id"], "who comes late hears it too"
            code, out, err = daemon.end(signal.SIGTERM)
        assert code == 0, err
    assert (ended["episode"], ended["rule"]) == (raised["episode"], "microsleep")
    assert ended["seq"] > raised["seq"]
    assert ended["trip"] != raised["trip"]
    assert "ended by a restart" in ended["message"]
    assert "ended by a restart" in out, "the journal has it"


def test_ok__systemd_hears_of_start_progress_and_end(tmp_path: Path, port: int, short_clip: Path) -> None:
    with running(tmp_path, short_clip, port) as daemon:
        for notice in ("READY=1", "WATCHDOG=1", "STOPPING=1"):
            daemon.await_notice(notice)


def test_ok__sighup_takes_a_valid_configuration_and_refuses_a_wrong_one(tmp_path: Path, port: int) -> None:
    with Subscriber(port, "status/") as subscriber, running(tmp_path, "demo", port) as daemon:
        daemon.await_notice("READY=1")
        daemon.configure("vehicle: {id: van-12}\nface: {search_hz: 5}")
        daemon.process.send_signal(signal.SIGHUP)
        for notice in ("RELOADING=1", "READY=1"):
            daemon.await_notice(notice)
        while subscriber.next()[1]["vehicle"] != "van-12":
            pass
        daemon.configure("vehicle: {id: van-13}\nface: {search_hz: often}")
        daemon.process.send_signal(signal.SIGHUP)
        for notice in ("RELOADING=1", "READY=1", "WATCHDOG=1"):
            daemon.await_notice(notice)
        assert subscriber.next()[1]["vehicle"] == "van-12"
        code, _, err = daemon.end(signal.SIGTERM)
    assert code == 0
    assert "kept the old configuration" in err
    assert "config.yaml:4: face.search_hz: expected a number, without quotes" in err


SLOW_IMPORTS = {"av", "cv2", "dlib", "numpy", "onnxruntime", "zmq", "driver_monitor.app", "driver_monitor.bench"}


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["run", "--help"], ["score", "--help"]])
def test_ok__help_and_version_import_nothing_that_takes_long(arguments: list[str]) -> None:
    program = (
        "import sys, atexit; from driver_monitor.cli import main; "
        f"atexit.register(lambda: print('imported:', *sorted({SLOW_IMPORTS!r} & set(sys.modules)))); main()"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].split() == ["imported:"]
