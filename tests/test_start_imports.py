"""What the daemon imports before it is ready: a car that starts waits for each library to come from an SD card."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from driver_monitor.cli import commands
from tests.processes import DaemonProcess, free_port

NOT_NEEDED = {
    "av": "FFmpeg: only clips, streams and cameras that give JPEG",
    "zmq": "libzmq: only the vehicle input on ZeroMQ; the publisher speaks ZMTP itself",
    "asyncio": "came with zmq",
    "ssl": "came with asyncio",
    "paho": "only an uplink",
    "can": "only a CAN bus",
    "gpiozero": "only a board with pins",
    "torch": "only trainings",
    "multiprocessing": "only replays",
    "unittest": "only tests",
}


def test_ok__the_daemon_imports_no_library_that_only_some_configurations_need() -> None:
    program = "import driver_monitor.cli.commands, driver_monitor.app.run, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & set(NOT_NEEDED)


@pytest.mark.parametrize("library", ["/av.libs/", "/av/", "/zmq/", "libzmq"])
def test_ok__a_daemon_with_a_camera_and_a_publisher_is_ready_without(library: str, ready_maps: str) -> None:
    assert library not in ready_maps


@pytest.fixture(scope="module")
def ready_maps(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The files that a daemon with an absent camera has loaded when it is ready."""
    folder = tmp_path_factory.mktemp("start")

    with DaemonProcess(folder, "/dev/video97", free_port()) as daemon:
        daemon.await_notice("READY=1")
        maps = Path(f"/proc/{daemon.process.pid}/maps").read_text()
        assert "onnxruntime" in maps, "the models are loaded"
        return maps


def test_ok__after_the_imports_garbage_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_for: list[bool] = []
    monkeypatch.setattr("driver_monitor.app.run.run", lambda *_: looked_for.append(gc.isenabled()))
    commands.run()
    assert looked_for == [True]
