"""The capture thread and a camera program that fails: told within a second, started again, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from driver_monitor.capture.camera import Camera
from driver_monitor.capture.child.pipe_camera import PipeCamera
from driver_monitor.capture.grabber import CLOSE_S, Grabber
from driver_monitor.capture.open_source import open_camera
from driver_monitor.config.schema import CameraConfig
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Frame
from driver_monitor.threads.tied_child import tied_to_parent
from tests.capture.child.conftest import Board

LONG_S = 20.0
"""Longer than any step of these tests takes."""
TOLD_S = 1.0
"""Each fault is told within this time."""


@contextmanager
def grabber(source: str, lost_after_s: float = 0.4, **config: object) -> Iterator[Grabber]:
    settings = CameraConfig.model_validate({"lost_after_s": lost_after_s, **config})

    def opened() -> Camera:
        return open_camera(settings, source, real_time=True)

    with closing(Grabber(opened, lost_after_s, wait=lambda _: None, eager=False)) as one:
        yield one


def until(what: Callable[[], object]) -> float:
    """Wait until `what` is true, and return for how many seconds."""
    begin, nothing = time.monotonic(), threading.Event()
    while not what():
        assert time.monotonic() - begin < LONG_S
        nothing.wait(0.002)
    return time.monotonic() - begin


def frame_of(one: Grabber) -> Frame:
    frame = one.latest(LONG_S)
    assert frame is not None
    return frame


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ({"stall_at": 8, "deaf": True}, "gave no picture for 0.4 s"),
        ({"die_at": 8, "code": 1, "say": "sensor gone"}, "exit code 1: sensor gone"),
        ({"half_at": 8, "code": 1}, "of the 460800 bytes"),
        ({"die_at": 8, "code": -11}, "signal 11"),
    ],
)
def test_ok__a_camera_that_fails_is_told_within_a_second_and_comes_back(
    board: Board, faults: dict[str, object], told: str
) -> None:
    board.faults(starts=1, **faults)
    faulty: list[tuple[str, float]] = []
    with grabber("rpicam") as one:
        last = frame_of(one)
        while one.fault is None:
            last = one.latest(0.005) or last
        assert last.t_mono is not None
        faulty.append((one.fault, time.monotonic() - last.t_mono))
        again = frame_of(one)
        assert again.sequence > last.sequence
        assert again.t > last.t
        assert (one.reopened, one.state) == (1, "ok")
        assert one.fault is None
    assert told in faulty[0][0]
    assert faulty[0][1] < TOLD_S
    assert len(board.starts) == 2


@pytest.mark.parametrize("size", [(320, 240), (1280, 720)])
def test_fail__a_wrong_size_is_told_within_a_second_and_gives_no_picture(board: Board, size: tuple[int, int]) -> None:
    board.faults(size=size, silent=True, starts=1)
    with grabber("rpicam") as one:
        until(lambda: one.fault)
        assert time.monotonic() - float(board.first.read_text()) < TOLD_S
        assert one.captured == 0
        frame = frame_of(one)
        assert any(np.array_equal(frame.grey, board.grey(number)) for number in range(12)), "and then the right ones"


def children() -> set[int]:
    """The processes that this one has started and not reaped, zombies too."""
    own = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    tasks = [Path(f"/proc/self/task/{task.name}/children") for task in own.parent.parent.iterdir()]
    return {int(pid) for task in tasks if task.exists() for pid in task.read_text().split()}


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_ok__two_hundred_kills_leave_no_zombie_and_no_descriptor(tmp_path: Path) -> None:
    picture = tmp_path / "picture"
    picture.write_bytes(bytes(64 * 64))
    # A picture each 10 ms, by a shell that has children of its own.
    source = f"pipe:raw:64x64:gray8:sh -c 'while :; do cat {picture}; sleep 0.01; done'"
    before = children(), descriptors()
    pids: list[int] = []
    started = threading.Semaphore(0)

    def opened() -> Camera:
        camera = open_camera(CameraConfig(), source, real_time=True)
        assert isinstance(camera, PipeCamera)
        pids.append(camera.pid)
        started.release()
        return camera

    with closing(Grabber(opened, 0.5, wait=lambda _: None, eager=False)) as one:
        for kill in range(200):
            assert started.acquire(timeout=LONG_S)
            if kill % 2:
                assert one.latest(LONG_S) is not None
            os.kill(pids[kill], signal.SIGKILL)
        assert started.acquire(timeout=LONG_S)
        assert one.latest(LONG_S) is not None
        assert len(children() - before[0]) == 1
        assert one.reopened == 200
    assert children() <= before[0]
    assert descriptors() <= before[1]
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize("state", ["reads", "hangs"])
def test_ok__the_camera_is_closed_in_time_also_if_the_program_ignores_signals(board: Board, state: str) -> None:
    board.faults(deaf=True, **({"stall_at": 0} if state == "hangs" else {}))
    with grabber("rpicam", lost_after_s=5.0) as one:
        until(lambda: board.log.exists() if state == "hangs" else one.captured)
        begin = time.monotonic()
        one.close()
        took = time.monotonic() - begin
    assert took < CLOSE_S + 0.1
    until(lambda: not Path(f"/proc/{board.pids[0]}").exists())


DAEMON = """
import sys
from driver_monitor.capture.open_source import open_camera
from driver_monitor.config.schema import CameraConfig

camera = open_camera(CameraConfig(lost_after_s=5), sys.argv[1], real_time=True)
camera.read()
print(camera.pid, flush=True)
camera.read() if sys.argv[2] == "reads" else input()
"""


@pytest.mark.parametrize("state", ["runs", "hangs"])
def test_ok__the_program_dies_with_a_daemon_that_is_killed(board: Board, state: str) -> None:
    """One that hangs would get no SIGPIPE: the kernel kills it with its parent."""
    board.faults(deaf=True)
    command = [sys.executable, "-c", DAEMON, "rpicam", "waits"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        pid = int(daemon.stdout.readline())
        if state == "hangs":
            os.kill(pid, signal.SIGSTOP)
        daemon.kill()
    assert until(lambda: not Path(f"/proc/{pid}").exists() or state_of(pid) == "Z") < 1.0


@pytest.mark.parametrize("code", [127, None], ids=["setpriv fails", "no setpriv"])
def test_ok__where_the_system_forbids_setpriv_the_camera_works_without_it(
    board: Board, code: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the service: its unit forbids capset(2), which setpriv calls."""
    program = board.programs / "setpriv"
    if code is None:
        monkeypatch.setattr("shutil.which", lambda name: None if name == "setpriv" else f"/usr/bin/{name}")
    else:
        program.write_text(f"#!/bin/sh\necho activate capabilities: Operation not permitted >&2; exit {code}\n")
        program.chmod(0o755)
    assert tied_to_parent() == ()
    with board.camera() as camera:
        assert camera.read() is not None


def state_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"


def test_ok__a_program_that_has_started_others_takes_them_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    source = f"pipe:sh -c 'sleep 600 & echo $! > {note}; echo YUV4MPEG2 W64 H64 F9:1 Cmono; exec sleep 600'"
    with open_camera(CameraConfig(), source, real_time=True) as camera:
        reading = threading.Thread(target=camera.read)
        reading.start()
        until(lambda: note.exists() and note.read_text())
        camera.close()
        reading.join(LONG_S)
    until(lambda: state_of(int(note.read_text())) == "Z")


def test_ok__a_program_that_disappears_while_the_daemon_runs_is_waited_for(board: Board) -> None:
    board.faults(die_at=10)
    with grabber("rpicam") as one:
        frame_of(one)
        program = board.programs / "rpicam-vid"
        away = program.rename(board.folder / "away")
        until(lambda: one.fault is not None and "is installed; on a Raspberry Pi" in one.fault)
        away.rename(program)
        until(lambda: one.fault is None)


def test_fail__a_program_that_may_not_be_executed(board: Board, tmp_path: Path) -> None:
    program = tmp_path / "camera"
    program.write_bytes(b"\x7fELF nothing")
    program.chmod(0o755)
    with open_camera(CameraConfig(), f"pipe:{program}", real_time=True) as camera, pytest.raises(SourceError) as error:
        camera.read()
    assert "camera ended with exit code" in str(error.value)
