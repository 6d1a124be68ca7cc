"""Real daemons as processes of their own, systemd's end of their notifications, and a subscriber."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import zmq

from tests.conftest import PROGRAM

PATIENCE_S = 60.0
"""Longest wait for a moment or a message; only a failure takes so long."""

MOMENT_S = 0.05
"""Between two looks at what a program has done. A test that looks without a pause takes a processor from it."""

Message = tuple[str, dict[str, Any]]
"""Topic and payload."""


def still_runs(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> bool:
    """Wait a moment for the end of a process, and return whether it runs."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(MOMENT_S)
    return process.poll() is None


class DaemonProcess:
    """A running `driver-monitor run` in `folder`, or another `program` that ends as it does.

    `port`: where it publishes; None: it publishes nothing. `config`: more lines of its configuration. `output`: the
    descriptor for all that it writes; None: `end` returns it. The end of the `with` block kills it.
    """

    def __init__(
        self,
        folder: Path,
        source: Path | str = "demo",
        port: int | None = None,
        config: str = "",
        options: Sequence[str] = (),
        program: Sequence[str] = PROGRAM,
        output: int | None = None,
    ) -> None:
        self.folder, self.config, self._port = folder, folder / "config.yaml", port
        self.configure(config)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.settimeout(PATIENCE_S)
        (folder / "notify").unlink(missing_ok=True)
        self.notify.bind(str(folder / "notify"))
        self._environment = {**os.environ, "RUNTIME_DIRECTORY": str(folder)}
        own = {"XDG_STATE_HOME": str(folder), "NOTIFY_SOCKET": str(folder / "notify"), "COLUMNS": "200"}
        self.process = subprocess.Popen(
            [*program, "run", "--config", str(self.config), "--source", str(source), *options],
            env={**self._environment, **own},
            cwd=folder,
            stdout=subprocess.PIPE if output is None else output,
            stderr=subprocess.PIPE if output is None else output,
            text=True,
        )

    def __enter__(self) -> DaemonProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        self.notify.close()

    def configure(self, config: str) -> None:
        """Write the configuration, for the start or a reload. The lines of `config` begin at line 3."""
        where = "enabled: false" if self._port is None else f"bind: 'tcp://127.0.0.1:{self._port}'"
        self.config.write_text(f"zmq: {{{where}}}\ngpio: {{backend: mock}}\n{config}")

    def await_notice(self, wanted: str) -> str:
        """Wait for a notification that contains `wanted`, and return it."""
        while wanted not in (notice := self.notify.recv(4096).decode()):
            pass
        return notice

    def await_handler(self) -> None:
        """Wait until the program handles SIGTERM: until then, Python itself starts, and no program can help."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
            caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
            if caught >> (signal.SIGTERM - 1) & 1:
                return
        raise TimeoutError("the program never handled SIGTERM")

    def await_import(self, library: str) -> None:
        """Wait until the program has loaded a library of this name."""
        end = time.monotonic() + PATIENCE_S
        while library not in Path(f"/proc/{self.process.pid}/maps").read_text():
            assert time.monotonic() < end, f"{library} was never imported"

    def reload(self) -> subprocess.CompletedProcess[str]:
        """Reload as the unit's ExecReload does."""
        ask = [sys.executable, "-m", "driver_monitor.app.process.ask_reload", str(self.process.pid)]
        return subprocess.run(ask, env=self._environment, capture_output=True, text=True, check=False)

    def end(self, *numbers: int) -> tuple[int, str, str]:
        """Send the signals `numbers`, and wait for the end. Returns the exit code and what was written."""
        for number in numbers:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out or "", err or ""


def free_port() -> int:
    """Return a TCP port that nobody uses now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Subscriber:
    """Hears the topics that begin with `topic` of the daemon at `port`, or at a whole address."""

    def __init__(self, port: int | str, topic: str = "") -> None:
        self.socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.subscribe(topic)
        self.socket.connect(port if isinstance(port, str) else f"tcp://127.0.0.1:{port}")

    def next(self) -> Message:
        """Return the next message."""
        if not self.socket.poll(int(PATIENCE_S * 1000)):
            raise TimeoutError("no message came")
        topic, payload = self.socket.recv_multipart()
        return topic.decode(), json.loads(payload)

    def until(self, rule: str, phase: str) -> list[Message]:
        """Return all messages up to the alert of this rule and phase."""
        end, heard = time.monotonic() + PATIENCE_S, [self.next()]
        while (heard[-1][1].get("rule"), heard[-1][1].get("phase")) != (rule, phase):
            assert time.monotonic() < end, f"no {rule} {phase}"
            heard.append(self.next())
        return heard

    def status(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first status for which `wanted` holds."""
        end = time.monotonic() + PATIENCE_S
        while True:
            topic, message = self.next()
            if topic == "status/" and wanted(message):
                return message
            assert time.monotonic() < end, f"the last message was {message}"

    def __enter__(self) -> Subscriber:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
