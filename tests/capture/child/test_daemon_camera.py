"""Real daemons on a camera program: the driver is told, the status says why, and no message shows a secret."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.capture.child.conftest import Board
from tests.processes import DaemonProcess, Subscriber, free_port


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_ok__a_camera_that_comes_late_is_a_fault_with_a_reason_and_then_none(board: Board, tmp_path: Path) -> None:
    board.faults(starts=3, die_at=0, code=255, say="ERROR: *** no cameras available ***")
    port = free_port()
    with Subscriber(port) as subscriber, DaemonProcess(tmp_path, "rpicam", port) as daemon:
        heard = subscriber.until("camera_fault", "raised")
        during = subscriber.status(lambda status: status["camera"]["fault"] is not None)
        after = subscriber.status(lambda status: status["camera"]["captured"] > 0)
        code, _, err = daemon.end(signal.SIGTERM)
    assert heard
    assert during["camera"]["state"] == "lost"
    assert "rpicam-vid ended with exit code 255: ERROR: *** no cameras available ***" in during["camera"]["fault"]
    assert (after["camera"]["fault"], after["camera"]["source"]) == (None, "rpicam")
    assert code == 0
    assert err.count("no cameras available") == 1, "logged once"
    assert "watching rpicam; " in err
    assert "delivers frames" in err
    assert all(gone(pid) for pid in board.pids), "the last one ends with the daemon"


def test_ok__the_arguments_of_a_command_are_in_no_message_of_the_daemon(tmp_path: Path) -> None:
    port = free_port()
    script = "while :; do echo rtsp://me:geheim1@host/ >&2; sleep 0.05; exit 3; done"
    source = f"pipe:sh -c '{script}' --password geheim2 geheim3"
    with Subscriber(port) as subscriber, DaemonProcess(tmp_path, source, port) as daemon:
        status = subscriber.status(lambda status: status["camera"]["fault"] is not None)
        code, out, err = daemon.end(signal.SIGTERM)
    assert code == 0
    assert status["camera"]["source"] == "pipe:sh"
    assert status["camera"]["fault"].startswith("pipe:sh: sh ended with exit code 3: rtsp://***@host/; ")
    assert "geheim" not in f"{status}{out}{err}"


def test_fail__a_program_that_is_not_installed_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    with DaemonProcess(tmp_path, "pipe:no-such-camera --token geheim") as daemon:
        code, _, err = daemon.end()
    assert code == 1
    assert err.splitlines() == [
        "pipe:no-such-camera: there is no such program; install it, or give its full path",
    ]
