"""SIGTERM and SIGINT end a real daemon in time, with code 0 and without a traceback, whatever it does then."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from driver_monitor.app.process import stop as stopping
from driver_monitor.app.process.stop import Stop
from driver_monitor.errors import SourceError
from tests.conftest import PROGRAM
from tests.processes import PATIENCE_S, DaemonProcess

IN_TIME_S = 2.0
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def ends(daemon: DaemonProcess, *numbers: int) -> str:
    """Send the signals. The process ends in time with code 0. Returns what it wrote to stderr."""
    sent = time.monotonic()
    code, _, said = daemon.end(*numbers)
    took = time.monotonic() - sent
    assert code == 0, said
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert took < IN_TIME_S
    return said


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("moment", ["python", "numpy", "cv2", "onnxruntime"])
def test_ok__a_signal_during_the_imports_ends_it(tmp_path: Path, moment: str, number: int) -> None:
    with DaemonProcess(tmp_path) as daemon:
        daemon.await_handler() if moment == "python" else daemon.await_import(moment)
        ends(daemon, number)


@pytest.mark.parametrize("after_s", [0.0, 0.03, 0.1, 0.2, 0.4])
def test_ok__a_signal_while_models_and_camera_are_opened_ends_it(tmp_path: Path, after_s: float) -> None:
    with DaemonProcess(tmp_path) as daemon:
        daemon.await_import("_sqlite3")  # of the last libraries
        threading.Event().wait(after_s)
        ends(daemon, signal.SIGTERM)


def test_ok__a_signal_in_each_moment_of_a_reload_ends_it(tmp_path: Path) -> None:
    with DaemonProcess(tmp_path) as daemon:
        daemon.await_notice("READY=1")
        daemon.configure("face: {search_hz: 5}")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.await_notice("RELOADING=1")
        ends(daemon, signal.SIGTERM)


@pytest.mark.parametrize("numbers", [(signal.SIGTERM,) * 3, (signal.SIGINT, signal.SIGTERM), (signal.SIGINT,) * 2])
def test_ok__more_signals_change_nothing(tmp_path: Path, numbers: tuple[int, ...]) -> None:
    with DaemonProcess(tmp_path) as daemon:
        daemon.await_notice("READY=1")
        daemon.process.send_signal(numbers[0])
        daemon.await_notice("STOPPING=1")
        said = ends(daemon, *numbers[1:], signal.SIGHUP)
    assert "stopped: " in said


@contextmanager
def silent_server() -> Iterator[socket.socket]:
    """A network camera that accepts a connection and never says anything."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(PATIENCE_S)
        yield server


@pytest.mark.parametrize("scheme", ["http", "tcp", "rtsp"])
def test_ok__a_network_camera_that_hangs_delays_nothing(tmp_path: Path, scheme: str) -> None:
    with silent_server() as server:
        address = f"{scheme}://127.0.0.1:{server.getsockname()[1]}/a"
        with DaemonProcess(tmp_path, address) as daemon, server.accept()[0]:
            ends(daemon, signal.SIGTERM)


def test_ok__a_camera_that_fails_after_the_signal_is_no_failure(tmp_path: Path) -> None:
    with silent_server() as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a"
        with DaemonProcess(tmp_path, address) as daemon:
            with server.accept()[0]:
                daemon.process.send_signal(signal.SIGTERM)
            ends(daemon, signal.SIGTERM)


HANGING = (
    "import sys, threading, logging\n"
    "from driver_monitor.cli import main\n"
    "from driver_monitor.{module} import {name}\n"
    "def hang(*_, **__):\n"
    "    Notifier().status('hangs')\n"
    "    threading.Event().wait()\n"
    "def late():\n"
    "    {name}.{method} = hang\n"
    "from driver_monitor.app.process.systemd import Notifier\n"
    "told = Notifier.ready\n"
    "def ready(self, status=''):\n"
    "    late()\n"
    "    return told(self, status)\n"
    "Notifier.ready = ready\n"
    "main()\n"
)
"""The daemon, in which one function hangs for ever from the moment when the start is done."""


@pytest.mark.parametrize(
    ("module", "name", "method"),
    [
        ("outputs.sequence", "AlertSequence", "_return_unused"),
        ("outputs.journal", "QueuedHandler", "flush"),
        ("outputs.journal", "Journal", "close"),
        ("outputs.gpio_output", "GpioOutput", "close"),
        ("capture.grabber", "Grabber", "close"),
        ("app.daemon", "Daemon", "_step"),
    ],
)
def test_ok__a_part_that_hangs_for_ever_does_not_hold_the_process(
    tmp_path: Path, module: str, name: str, method: str
) -> None:
    program = [sys.executable, "-c", HANGING.format(module=module, name=name, method=method)]
    with DaemonProcess(tmp_path, program=program) as daemon:
        daemon.await_notice("hangs" if name == "Daemon" else "READY=1")
        said = ends(daemon, signal.SIGTERM)
    assert name == "AlertSequence" or "did not stop within" in said, "the thread of the numbers is left running"


def test_ok__output_that_nobody_reads_does_not_hold_the_process(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    with suppress(BlockingIOError):
        while True:
            os.write(write, b"full" * 1024)
    os.set_blocking(write, True)
    with DaemonProcess(tmp_path, output=write) as daemon:
        daemon.await_notice("READY=1")
        ends(daemon, signal.SIGTERM)
    os.close(read)
    os.close(write)


CLOSED = ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"]


@pytest.mark.parametrize("closed", CLOSED)
def test_ok__a_daemon_without_standard_streams_ends_as_well(tmp_path: Path, closed: str) -> None:
    with DaemonProcess(tmp_path, program=["sh", "-c", f'exec "$@" {closed}', "sh", *PROGRAM]) as daemon:
        daemon.await_notice("WATCHDOG=1")
        opened = [Path(f"/proc/{daemon.process.pid}/fd/{number}").readlink() for number in range(3)]
        assert not [path for path in opened if path.is_relative_to(tmp_path)], "libraries print into these"
        ends(daemon, signal.SIGTERM)


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("closed", CLOSED)
def test_ok__a_replay_without_standard_streams_writes_its_results(
    tmp_path: Path, short_clip: Path, closed: str, jobs: str
) -> None:
    command = [*PROGRAM, "replay", str(short_clip), "--every", "20", "--jobs", jobs, "--out", str(tmp_path)]
    done = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", *command], capture_output=True, check=False)
    assert done.returncode == 0
    assert b"Traceback" not in done.stdout + done.stderr
    assert (tmp_path / short_clip.stem / "run.json").exists()


@pytest.mark.parametrize("verb", [["replay", "demo"], ["score", "clips", ".", "--labels", "."]])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_ok__other_verbs_keep_their_exit_codes(tmp_path: Path, verb: list[str], number: int, code: int) -> None:
    program = (
        "import os; from driver_monitor.cli import main; from driver_monitor.app import build\n"
        f"build.load_plan = lambda *_: os.kill(os.getpid(), {int(number)})\n"
        "main()\n"
    )
    command = [sys.executable, "-c", program, *verb]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_ok__pins_are_low_before_an_end_by_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "LIMIT_S", 0.0)
    steps: list[object] = []
    ended = threading.Event()

    def end(code: int) -> None:
        steps.append(code)
        ended.set()

    with Stop(end) as stop:
        stop.silence = lambda: steps.append("silence")
        os.kill(os.getpid(), signal.SIGTERM)
        assert ended.wait(PATIENCE_S)
        assert stop.requested
        with pytest.raises(SystemExit, match="0"):
            stop.check()
    assert steps == ["silence", 0]


def test_fail__pins_that_cannot_be_switched_off_do_not_hold_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "LIMIT_S", 0.0)
    ended = threading.Event()

    def broken() -> None:
        raise OSError("bus error")

    with Stop(lambda code: ended.set()) as stop:
        stop.silence = broken
        os.kill(os.getpid(), signal.SIGINT)
        assert ended.wait(PATIENCE_S)


@pytest.mark.parametrize("signalled", [True, False])
def test_ok__a_fault_counts_only_without_a_signal(signalled: bool) -> None:
    def fail() -> None:
        with Stop(lambda code: None) as stop:
            if signalled:
                stop._handle(signal.SIGTERM, None)
            raise SourceError("camera: gone")

    ended: type[BaseException] = SystemExit if signalled else SourceError
    with pytest.raises(ended):
        fail()


def test_ok__without_a_signal_nothing_is_left() -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    with Stop(lambda code: pytest.fail("no signal came")) as stop:
        stop.check()
    stop._worker.thread.join(PATIENCE_S)
    assert not stop._worker.thread.is_alive()
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


def test_ok__a_signal_before_the_loop_stops_the_loop() -> None:
    called: list[str] = []
    with Stop(lambda code: None) as stop:
        stop._handle(signal.SIGTERM, None)
        stop.calls(lambda: called.append("stop"))
    assert called == ["stop"]
