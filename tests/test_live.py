"""The daemon as its users meet it: a process, a socket, signals."""

from __future__ import annotations

import itertools
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from driver_monitor.messages.trace_reader import read
from tests.conftest import demo_frames
from tests.processes import PATIENCE_S, DaemonProcess, Subscriber, free_port


@pytest.fixture
def port() -> int:
    return free_port()


def test_ok__a_nap_reaches_a_subscriber_and_one_who_comes_late_and_the_process_ends_well(
    tmp_path: Path, port: int, short_clip: Path
) -> None:
    with Subscriber(port, "alert/") as first, DaemonProcess(tmp_path, short_clip, port) as daemon:
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
        with Subscriber(port, "alert/") as subscriber, DaemonProcess(tmp_path, short_clip, port) as daemon:
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
        with DaemonProcess(tmp_path, short_clip, port) as daemon:
            _, raised = early.until("microsleep", "raised")[-1]
            kept = tmp_path / "driver-monitor" / "active-alerts.jsonl"
            while raised["episode"] not in kept.read_text():
                assert daemon.process.poll() is None
            daemon.end(signal.SIGKILL)
        with DaemonProcess(tmp_path, short_clip, port) as daemon:
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
    with DaemonProcess(tmp_path, short_clip, port) as daemon:
        for notice in ("READY=1", "WATCHDOG=1", "STOPPING=1"):
            daemon.await_notice(notice)


def test_ok__sighup_takes_a_valid_configuration_and_refuses_a_wrong_one(tmp_path: Path, port: int) -> None:
    with Subscriber(port, "status/") as subscriber, DaemonProcess(tmp_path, "demo", port) as daemon:
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


@pytest.mark.parametrize("source", ["/dev/video77", "77", "rtsp://127.0.0.1:1/cabin"])
def test_ok__without_a_camera_the_daemon_starts_reports_it_and_waits(tmp_path: Path, port: int, source: str) -> None:
    with Subscriber(port, "") as subscriber, DaemonProcess(tmp_path, source, port) as daemon:
        daemon.await_notice("READY=1")
        heard = [message for topic, message in subscriber.until("camera_fault", "raised") if topic != "state/"]
        daemon.await_notice("WATCHDOG=1")
        assert daemon.await_notice("STATUS=").partition("STATUS=")[2].startswith("driver: unknown; camera: lost")
        code, _, err = daemon.end(signal.SIGTERM)
    assert heard[-1]["t"] < 5
    assert code == 0
    assert "Traceback" not in err
    assert err.count("; the daemon waits for it") == 1


@contextmanager
def camera_at(port: int) -> Iterator[None]:
    """A camera on the network: many pictures at once, from which FFmpeg learns the format, then 20 a second."""
    pictures = [np.asarray(cv2.imencode(".jpg", image)[1]).tobytes() for image in demo_frames(20, 60)]
    over = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            caller, _ = server.accept()
            with caller:
                caller.sendall(5 * b"".join(pictures))
                for picture in itertools.cycle(pictures):
                    if over.wait(0.05):
                        break
                    caller.sendall(picture)

    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(PATIENCE_S)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def test_ok__a_camera_that_comes_after_the_start_is_taken(tmp_path: Path, port: int) -> None:
    camera = free_port()
    with Subscriber(port, "") as subscriber, DaemonProcess(tmp_path, f"tcp://127.0.0.1:{camera}", port) as daemon:
        subscriber.until("camera_fault", "raised")
        with camera_at(camera):
            subscriber.until("camera_fault", "cleared")
            status = subscriber.status(lambda status: bool(status["face"]))
        code, _, err = daemon.end(signal.SIGTERM)
    assert (status["camera"]["state"], status["camera"]["reopened"]) == ("ok", 0)
    assert code == 0, err
    assert "delivers frames" in err


def test_ok__a_service_with_a_wrong_file_starts_and_says_so_until_a_reload_puts_it_right(
    tmp_path: Path, port: int
) -> None:
    with (
        Subscriber(port, "status/") as subscriber,
        DaemonProcess(tmp_path, "demo", port, "vehicle: {id: van-12}") as daemon,
    ):
        assert subscriber.status(lambda status: bool(status["face"]))["config_fault"] is None
        daemon.end(signal.SIGTERM)
    wrong = "vehicle: {id: my van}"
    with Subscriber(port, "status/") as subscriber, DaemonProcess(tmp_path, "demo", port, wrong) as daemon:
        assert "STATUS=configuration: " in daemon.await_notice("READY=1")
        status = subscriber.status(lambda status: bool(status["face"]))
        assert status["vehicle"] == "van-12"
        assert status["config_fault"].startswith(f"{daemon.config}:3: vehicle.id: use only letters")
        assert status["config_fault"].endswith("; running with the last good configuration")
        while "driver: " not in (line := daemon.await_notice("STATUS=")):
            pass
        assert status["config_fault"] in line
        refused = daemon.reload()
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
        assert f"reload: {daemon.config}:3: vehicle.id: use only letters" in refused.stderr
        assert "; the old configuration stays active" in refused.stderr
        daemon.configure("vehicle: {id: van-13}")
        assert (daemon.reload().returncode, daemon.reload().stderr) == (0, "")
        assert subscriber.status(lambda status: status["vehicle"] == "van-13")["config_fault"] is None
        daemon.configure("models: {folder: /nowhere}")
        assert "/nowhere/landmarks.onnx: cannot read the model" in daemon.reload().stderr
        assert subscriber.status(lambda status: status["config_fault"] is not None)["vehicle"] == "van-13"
        code, _, err = daemon.end(signal.SIGTERM)
    assert code == 0
    assert "started with the last good configuration until a reload puts it right" in err
    assert "Traceback" not in err


def test_ok__a_daemons_trace_belongs_to_the_trip_of_its_alerts(tmp_path: Path, port: int, short_clip: Path) -> None:
    trace = tmp_path / "mine.trace.jsonl.gz"
    with (
        Subscriber(port, "alert/") as subscriber,
        DaemonProcess(tmp_path, short_clip, port, options=("--trace", str(trace))),
    ):
        _, alert = subscriber.until("microsleep", "raised")[-1]
        header, _ = read(trace)
    assert header.trip == alert["trip"]


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
