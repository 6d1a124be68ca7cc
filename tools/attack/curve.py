"""Attack the encrypted ZeroMQ address of a daemon, and measure what a client with a key gets meanwhile.

    python -m tools.attack.curve [--kind all] [--seconds 12]

The kinds: `none`; `stall` (1,000 connections that say nothing, opened again at once); `strangers` (clients with keys
that are not on the list connect without end); `connects` (a key on the list opens 1,000 connections); `flood` (a key on
the list subscribes without end); `deaf` (a key on the list subscribes and reads nothing). Prints a line of a table for
each. Exit code 1: an alert is missing, two statuses are more than 2 s apart, or the daemon has ended.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import zmq

from driver_monitor.keys.certificate import Certificate
from driver_monitor.keys.key_folder import KeyFolder, new_pair
from tools.attack.connections import is_closed
from tools.attack.target import MAX_GAP_S, PATIENCE_S, Healthy, Target

CONNECTIONS = 1000
COLUMNS = "attack|alerts missing|longest gap of statuses|status late by|a new client waits|processor|memory|descriptors"


class Depot:
    """A daemon on the demo whose address others can reach, and keys for it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.address = f"tcp://127.0.0.1:{port}"
        self.port = port
        self._keys = KeyFolder(folder / "keys")
        self.server = self._keys.make().public
        (folder / "config.yaml").write_text(
            f"zmq: {{bind: 'tcp://0.0.0.0:{port}', keys: '{folder / 'keys'}'}}\ngpio: {{backend: mock}}\n"
        )
        command = [sys.executable, "-m", "driver_monitor", "run", "--config", str(folder / "config.yaml")]
        environment = {**os.environ, "RUNTIME_DIRECTORY": str(folder), "STATE_DIRECTORY": str(folder)}
        self.process = subprocess.Popen([*command, "--source", "demo"], env=environment, stdout=subprocess.DEVNULL)
        self.target = Target(self.address, self.process)

    def client(self, name: str) -> Certificate:
        """Put a client on the list."""
        pair = new_pair(self.server)
        self._keys.add(name, pair.public)
        return pair

    def processor_s(self) -> float:
        """Return the processor time of the daemon, seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def connect(
    context: zmq.Context[zmq.Socket[bytes]], depot: Depot, pair: Certificate, kind: int, buffer: int | None = None
) -> zmq.Socket[bytes]:
    """Return a socket that connects with `pair`. `buffer`: bytes that it takes without being read; None: as usual."""
    one = context.socket(kind)
    if buffer is not None:
        one.setsockopt(zmq.RCVBUF, buffer)
        one.setsockopt(zmq.RCVHWM, 1)
    one.setsockopt(zmq.LINGER, 0)
    one.setsockopt(zmq.CURVE_PUBLICKEY, pair.public.encode())
    one.setsockopt(zmq.CURVE_SECRETKEY, str(pair.secret).encode())
    one.setsockopt(zmq.CURVE_SERVERKEY, depot.server.encode())
    one.connect(depot.address)
    return one


def nothing(_: Depot, over: threading.Event) -> None:
    over.wait()


def stall(depot: Depot, over: threading.Event) -> None:
    held: list[socket.socket] = []
    while not over.wait(0.1):
        for one in [one for one in held if is_closed(one)]:
            one.close()
            held.remove(one)
        for _ in range(CONNECTIONS - len(held)):
            held.append(socket.socket())
            held[-1].setblocking(False)
            held[-1].connect_ex(("127.0.0.1", depot.port))
    for one in held:
        one.close()


def strangers(depot: Depot, over: threading.Event) -> None:
    with zmq.Context() as context:
        while not over.is_set():
            many = [connect(context, depot, new_pair(), zmq.SUB) for _ in range(20)]
            over.wait(0.05)
            for one in many:
                one.close()


def connects(depot: Depot, over: threading.Event) -> None:
    pair = depot.client("connects")
    with zmq.Context() as context:
        context.setsockopt(zmq.MAX_SOCKETS, 2 * CONNECTIONS)
        many = [connect(context, depot, pair, zmq.SUB) for _ in range(CONNECTIONS)]
        over.wait()
        for one in many:
            one.close()


def flood(depot: Depot, over: threading.Event) -> None:
    with zmq.Context() as context, connect(context, depot, depot.client("flood"), zmq.XSUB) as one:
        count = 0
        while not over.is_set():
            count += 1
            with contextlib.suppress(zmq.Again):
                one.send(b"\1alert/%d" % count, zmq.DONTWAIT)


def deaf(depot: Depot, over: threading.Event) -> None:
    with zmq.Context() as context, connect(context, depot, depot.client("deaf"), zmq.XSUB, buffer=4096) as one:
        one.send(b"\1")
        over.wait()


KINDS: dict[str, Callable[[Depot, threading.Event], None]] = {
    "none": nothing,
    "stall": stall,
    "strangers": strangers,
    "connects": connects,
    "flood": flood,
    "deaf": deaf,
}


def measure(kind: str, seconds: float) -> bool:
    """Print the line of one attack; return whether the daemon and its client came through."""
    with tempfile.TemporaryDirectory() as name, daemon(Path(name)) as depot:
        healthy = Healthy()
        listening = threading.Thread(target=healthy.listen, args=(depot.address, depot.client("healthy")))
        listening.start()
        if not healthy.first.wait(PATIENCE_S):
            raise SystemExit("the daemon published no status")
        over = threading.Event()
        attacker = threading.Thread(target=KINDS[kind], args=(depot, over))
        before, started = depot.processor_s(), time.monotonic()
        attacker.start()
        memory = descriptors = 0.0
        waited: float | None = None
        while time.monotonic() < started + seconds and not depot.target.ended():
            memory, descriptors = max(memory, depot.target.rss_mb()), max(descriptors, depot.target.descriptors())
            if waited is None and time.monotonic() > started + 2:
                waited = wait_of_new_client(depot, seconds - 3)
            time.sleep(0.05)
        share = (depot.processor_s() - before) / (time.monotonic() - started)
        over.set()
        attacker.join()
        healthy.over.set()
        listening.join()
        new = "does not get in" if waited is None or waited < 0 else f"{waited:.2f} s"
        late = f"{1000 * max(healthy.late_s, default=0):.0f} ms"
        figures = (f"{healthy.gap_s:.2f} s", late, new, f"{share:.0%}", f"{memory:.0f} MB", f"{descriptors:.0f}")
        print("|", " | ".join((kind, str(healthy.missing), *figures)), "|", flush=True)
        return not healthy.missing and healthy.gap_s < MAX_GAP_S and not depot.target.ended()


def wait_of_new_client(depot: Depot, limit_s: float) -> float:
    """Return after how many seconds a new client gets the last status; -1: not within `limit_s`."""
    started = time.monotonic()
    with zmq.Context() as context, connect(context, depot, depot.client("new"), zmq.SUB) as one:
        one.subscribe("status/")
        return time.monotonic() - started if one.poll(int(limit_s * 1000)) else -1.0


@contextlib.contextmanager
def daemon(folder: Path) -> Iterator[Depot]:
    """Yield a running daemon, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    depot = Depot(folder, port)
    try:
        yield depot
    finally:
        depot.process.send_signal(signal.SIGTERM)
        depot.process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=["all", *KINDS], default="all")
    parser.add_argument("--seconds", type=float, default=12.0)
    arguments = parser.parse_args()
    names = COLUMNS.split("|")
    for row in (names, ["---"] * len(names)):
        print("|", " | ".join(row), "|")
    kinds = list(KINDS) if arguments.kind == "all" else [arguments.kind]
    came_through = [measure(kind, arguments.seconds) for kind in kinds]
    return 0 if all(came_through) else 1


if __name__ == "__main__":
    sys.exit(main())
