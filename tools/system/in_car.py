"""The story of a car, told inside the container that `tools.system.story` boots. It runs as root at boot.

`install` runs the commands of systemd/README.md as they are printed there. `drive` is the next boot: it changes the
camera, the configuration and the process, and measures how long the daemon takes to say so. Each step becomes a row
of `ROWS`. It runs in the daemon's own environment, so that it needs nothing else.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

UNIT = "driver-monitor"
CONFIG = Path("/etc/driver-monitor/config.yaml")
CLONE = Path("/root/driver-monitor")
ROWS = Path("/root/story.jsonl")
PORT = 18140
ENDPOINT = "tcp://127.0.0.1:5556"
GOOD = f"""camera: {{source: "http://127.0.0.1:{PORT}/"}}
zmq: {{bind: "{ENDPOINT}"}}
gpio: {{backend: mock}}
"""
"""The configuration of the drive. Its own endpoint, so that the story does not depend on the default."""
BAD = GOOD + "camera_fps: fast\n"
PATIENCE_S = 25.0
"""Longest wait for what should happen. Only a failure takes so long."""


@dataclass(frozen=True, slots=True)
class Row:
    """One step. `seconds`: until what was waited for; None if it did not come within `PATIENCE_S`."""

    step: str
    waited_for: str
    seconds: float | None
    detail: str = ""


def note(step: str, waited_for: str, seconds: float | None, detail: str = "") -> None:
    """Write a row."""
    row = Row(step, waited_for, None if seconds is None else round(seconds, 2), " ".join(detail.split()))
    with ROWS.open("a") as file:
        file.write(json.dumps(asdict(row)) + "\n")


def sh(command: str) -> tuple[int, str, float]:
    """Run a shell command. Return its exit code, what it printed, and its seconds."""
    started = time.monotonic()
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=CLONE, check=False)
    return done.returncode, done.stdout + done.stderr, time.monotonic() - started


def shown(name: str) -> str:
    """Return a property of the unit."""
    return sh(f"systemctl show -P {name} {UNIT}")[1].strip()


def state() -> str:
    """Return what `systemctl status` would tell, in one line."""
    return f"{shown('ActiveState')}, restarts {shown('NRestarts')}, '{shown('StatusText')}'"


def install() -> None:
    """Run the commands of systemd/README.md, then tell in which state the service is without any camera."""
    text = (CLONE / "systemd/README.md").read_text()
    for block in re.findall(r"(?ms)^```sh\n(.*?)^```$", text)[:2]:
        for command in block.splitlines():
            code, output, seconds = sh(command)
            said = [line for line in output.splitlines() if re.search(r"warn|conflict|error|^E:", line, re.IGNORECASE)]
            note(
                f"`{command.split('  #')[0].strip()}`", "its end", seconds, f"exit code {code}; {'; '.join(said[-2:])}"
            )
    note(
        "any user's PATH",
        "`driver-monitor --version`",
        *reversed(sh("su - newcomer -c 'driver-monitor --version'")[1:]),
    )
    time.sleep(5)
    note("no /dev/video0 (default configuration), 5 s later", "", 5.0, state())
    CONFIG.write_text(GOOD)


class Messages:
    """Everything that the daemon publishes, with the monotonic seconds at which it arrived."""

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self._all: list[tuple[float, str, dict[str, Any]]] = []
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self) -> None:
        import zmq  # only the environment of the daemon has it

        socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
        socket.setsockopt(zmq.RECONNECT_IVL, 50)
        socket.setsockopt(zmq.SUBSCRIBE, b"")
        socket.connect(ENDPOINT)
        while True:
            topic, payload = socket.recv_multipart()
            with self._arrived:
                self._all.append((time.monotonic(), topic.decode(), json.loads(payload)))
                self._arrived.notify_all()

    def after(self, start: float, wanted: Callable[[str, dict[str, Any]], bool]) -> float | None:
        """Wait for the first wanted message that arrives after `start`. Return the seconds from `start`, or None."""
        deadline = start + PATIENCE_S
        with self._arrived:
            while True:
                for at, topic, message in self._all:
                    if at > start and wanted(topic, message):
                        return at - start
                if time.monotonic() > deadline:
                    return None
                self._arrived.wait(0.2)

    def longest_gap_s(self, start: float) -> float:
        """Return the longest time without a `status/` since `start`."""
        with self._arrived:
            times = [start, *(at for at, topic, _ in self._all if at > start and topic == "status/"), time.monotonic()]
        return max(after - before for before, after in pairwise(times))


def is_alert(rule: str, phase: str) -> Callable[[str, dict[str, Any]], bool]:
    """Return whether a message is that phase of an alert of a rule."""
    return lambda topic, message: topic == f"alert/{rule}/" and message["phase"] == phase


def is_status(topic: str, _: dict[str, Any]) -> bool:
    """Return whether a message is a status."""
    return topic == "status/"


def sees(since: float = 0.0) -> Callable[[str, dict[str, Any]], bool]:
    """Return whether a message tells of a working camera with a face before it, in a daemon started after `since`."""
    of_process = of_new_process(since)
    return lambda topic, message: of_process(topic, message) and message["camera"]["state"] == "ok" and message["face"]


def of_new_process(since: float) -> Callable[[str, dict[str, Any]], bool]:
    """Return whether a message is the status of a daemon that was started after `since`, monotonic seconds."""
    return lambda topic, message: topic == "status/" and message["t_mono"] - message["uptime_s"] > since


def drive() -> None:
    """Tell the story from the boot to the stop."""
    booted = float(sh("systemctl show -P UserspaceTimestampMonotonic")[1]) / 1e6
    messages, camera = Messages(), Camera()
    fault, good_again = is_alert("camera_fault", "raised"), is_alert("camera_fault", "cleared")
    note("boot without a camera", "first status", messages.after(booted, is_status))
    note("boot without a camera", "camera_fault raised", messages.after(booted, fault), state())
    start = camera.plug_in()
    note("the camera comes", "a face in status", messages.after(start, sees()), state())
    time.sleep(4)
    start = camera.unplug()
    note("camera lost", "camera_fault raised", messages.after(start, fault))
    time.sleep(3)
    start = camera.plug_in()
    note("camera back", "camera_fault cleared", messages.after(start, good_again), state())
    time.sleep(4)
    for name, number in (("SIGKILL", signal.SIGKILL), ("SIGSTOP: the watchdog (10 s)", signal.SIGSTOP)):
        start = send(number)
        note(name, "a status of the new process", messages.after(start, of_new_process(start)), state())
        note(name, "a face in status", messages.after(start, sees(start)), state())
        time.sleep(3)
    lost = camera.unplug()
    messages.after(lost, fault)
    start = send(signal.SIGKILL)
    time.sleep(1)
    camera.plug_in()
    note("SIGKILL with an open alert", "camera_fault cleared", messages.after(start, good_again), state())
    time.sleep(3)
    reloads(messages)
    wrong_at_start(messages)
    code, _, seconds = sh(f"systemctl stop {UNIT}")
    result = f"exit code {code}; {shown('Result')}, status of the process {shown('ExecMainStatus')}"
    note("stop", "its end", seconds, result)
    note("security", "", None, sh("systemd-analyze security --no-pager driver-monitor | tail -1")[1])


def send(number: int) -> float:
    """Send a signal to the daemon. Return the monotonic seconds at which it was sent."""
    process = int(shown("MainPID"))
    os.kill(process, number)
    return time.monotonic()


def reloads(messages: Messages) -> None:
    """Read a good configuration again, then a wrong one, then put it right."""
    for name, text in (
        ("reload, good", GOOD + "profile: quiet\n"),
        ("reload, wrong", BAD),
        ("reload, put right", GOOD),
    ):
        CONFIG.write_text(text)
        start, process = time.monotonic(), shown("MainPID")
        code, _, seconds = sh(f"systemctl reload {UNIT}")
        time.sleep(3)
        same = "same process" if shown("MainPID") == process else "ANOTHER PROCESS"
        gap = f"longest time without a status {messages.longest_gap_s(start):.1f} s"
        note(name, "`systemctl reload driver-monitor`", seconds, f"exit code {code}; {same}; {gap}; {state()}")


def wrong_at_start(messages: Messages) -> None:
    """Start with a wrong configuration, then put it right."""
    CONFIG.write_text(BAD)
    start = time.monotonic()
    code, _, seconds = sh(f"timeout 20 systemctl restart {UNIT}")
    note("start with a wrong configuration", "`systemctl restart driver-monitor`", seconds, f"exit code {code}")
    note("start with a wrong configuration", "a status", messages.after(start, of_new_process(start)), state())
    said = sh(f"journalctl -u {UNIT} -p warning -o cat --since -20s | sort | uniq -c | sort -rn | head -2")[1]
    note("start with a wrong configuration", "", None, f"journal: {said}")
    CONFIG.write_text(GOOD)
    start = time.monotonic()
    code = sh(f"timeout 20 systemctl restart {UNIT}")[0]
    seen = messages.after(start, sees(start))
    note("the configuration put right, restart", "a face in status", seen, f"exit code {code}; {state()}")


class Camera:
    """The camera, which can be plugged in and unplugged. Both return the monotonic seconds at which that was done."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def plug_in(self) -> float:
        """Start the stream, and wait until its port answers."""
        self._process = subprocess.Popen([sys.executable, "-m", "tools.system.mjpeg_camera", str(PORT)], cwd=CLONE)
        while sh(f"ss -ltn | grep -q :{PORT}")[0] and self._process.poll() is None:
            time.sleep(0.05)
        return time.monotonic()

    def unplug(self) -> float:
        """End the stream."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        return time.monotonic()


if __name__ == "__main__":
    {"install": install, "drive": drive}[sys.argv[1]]()
