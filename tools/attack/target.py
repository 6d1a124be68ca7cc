"""What the attacks share: a daemon to attack, a healthy subscriber, and the report."""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq

from driver_monitor.bench.speed.computer import rss_mb
from driver_monitor.keys.certificate import Certificate

MAX_RSS_MB = 220.0
"""Most memory of a daemon under attack."""
MAX_GAP_S = 2.0
"""Longest time between two statuses. The daemon sends one each second."""
PATIENCE_S = 60.0
"""Time in which the daemon must publish its first status; it loads its models first."""


@dataclass
class Target:
    """The daemon at `address`. `process`: None if it runs already and belongs to somebody else."""

    address: str
    process: subprocess.Popen[bytes] | None = None

    def rss_mb(self, key: str = "VmRSS") -> float:
        """Return the memory of the daemon, MiB, `VmHWM` its peak; 0 if it is not ours or has ended."""
        return rss_mb(key, self._pid()) or 0.0

    def descriptors(self) -> int:
        """Return the number of open descriptors of the daemon; -1 if it is not ours or has ended."""
        try:
            return len(list(Path(f"/proc/{self._pid()}/fd").iterdir()))
        except OSError:
            return -1

    def threads(self) -> int:
        """Return the number of threads of the daemon; -1 if it is not ours or has ended."""
        try:
            return len(list(Path(f"/proc/{self._pid()}/task").iterdir()))
        except OSError:
            return -1

    def ended(self) -> bool:
        """Return whether the daemon has ended."""
        return self.process is not None and self.process.poll() is not None

    def _pid(self) -> int:
        return self.process.pid if self.process is not None else -1


@dataclass
class Healthy:
    """What a healthy subscriber got. `gap_s`: longest time between two statuses, seconds.

    `late_s`: seconds from the making of each status to its arrival, by the clock that both share.
    """

    alerts: list[int] = field(default_factory=list)
    statuses: int = 0
    gap_s: float = 0.0
    late_s: list[float] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    first: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def listen(self, address: str, pair: Certificate | None = None) -> None:
        """Receive until `over` is set. `pair`: keys for an encrypted address, with that of the daemon."""
        last = None
        with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
            subscriber.setsockopt(zmq.LINGER, 0)
            if pair is not None:
                subscriber.setsockopt(zmq.CURVE_PUBLICKEY, pair.public.encode())
                subscriber.setsockopt(zmq.CURVE_SECRETKEY, str(pair.secret).encode())
                subscriber.setsockopt(zmq.CURVE_SERVERKEY, str(pair.server).encode())
            subscriber.subscribe("alert/")
            subscriber.subscribe("status/")
            subscriber.connect(address)
            while not self.over.is_set():
                if not subscriber.poll(100):
                    continue
                topic, payload = subscriber.recv_multipart()
                message = json.loads(payload)
                if topic != b"status/":
                    self.alerts.append(message["seq"])
                    continue
                now = time.monotonic()
                self.gap_s = max(self.gap_s, now - last) if last is not None else 0.0
                last = now
                self.late_s.append(now - message["t_mono"])
                self.statuses += 1
                self.outputs = message["outputs"]
                self.first.set()

    @property
    def missing(self) -> int:
        """Number of alerts that are missing between the first and the last one that came."""
        return max(self.alerts) - min(self.alerts) + 1 - len(set(self.alerts)) if self.alerts else 0


@contextlib.contextmanager
def target(arguments: argparse.Namespace, more: str = "") -> Iterator[Target]:
    """Yield the daemon to attack. Without an address a daemon is started on the clip, and ended at the end."""
    if arguments.address is not None:
        yield Target(arguments.address)
        return
    with started(arguments.clip, more=more) as victim:
        yield victim


@contextlib.contextmanager
def started(source: str, *options: str, more: str = "") -> Iterator[Target]:
    """Start a daemon on `source` with `options` of `run`, and end it at the end. `more`: lines of its configuration."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        free.close()
        config = Path(folder) / "config.yaml"
        config.write_text(
            f"zmq: {{bind: '{address}'}}\ngpio: {{backend: mock}}\nservice: {{state_dir: '{folder}'}}\n{more}"
        )
        command = [sys.executable, "-m", "driver_monitor", "run", "--config", str(config), "--source", source, *options]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                yield Target(address, process)
            finally:
                process.send_signal(signal.SIGTERM)


def attack(
    name: str, parser: argparse.ArgumentParser, step: Callable[[argparse.Namespace, Target], None], more: str = ""
) -> int:
    """Attack the daemon with `step` once a second until the clip ends or the time is over. Return the exit code.

    `more`: lines of the configuration of the daemon, if it is started here.
    """
    parser.add_argument("--address", help="address of a running daemon; without it a daemon is started")
    parser.add_argument("--clip", default="demo", help="the clip that the started daemon watches (default: demo)")
    parser.add_argument("--seconds", type=float, default=40.0, help="longest duration of the attack (default: 40)")
    arguments = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    healthy = Healthy()
    memory_mb, descriptors = [0.0], [0]
    with target(arguments, more) as victim:
        listener = threading.Thread(target=healthy.listen, args=(victim.address,))
        listener.start()
        try:
            if not healthy.first.wait(PATIENCE_S):
                print(f"no daemon publishes at {victim.address}", file=sys.stderr)
                return 1
            before_mb = victim.rss_mb()
            end = time.monotonic() + arguments.seconds
            while time.monotonic() < end and not victim.ended():
                turn = time.monotonic() + 1.0
                step(arguments, victim)
                memory_mb.append(victim.rss_mb())
                descriptors.append(victim.descriptors())
                healthy.over.wait(max(0.0, turn - time.monotonic()))
            code = victim.process.poll() if victim.process is not None else None
        finally:
            healthy.over.set()
            listener.join()
    highest_mb = max(memory_mb)
    if victim.process is None:
        print("memory and descriptors are measured only of a daemon that this tool starts")
    print(f"{name}: RSS {before_mb:.0f} MB before, at most {highest_mb:.0f} MB; descriptors at most {max(descriptors)}")
    print(f"healthy subscriber: {len(healthy.alerts)} alerts, {healthy.missing} missing; {healthy.statuses} statuses")
    print(f"longest time between two statuses: {healthy.gap_s:.2f} s; counters: {healthy.outputs}")
    good = code in (None, 0) and highest_mb < MAX_RSS_MB and healthy.missing == 0 and healthy.gap_s < MAX_GAP_S
    print("passed" if good else "FAILED")
    return int(not good)
