"""Measures how many rows a second collectors store: 1 to 4 processes, PostgreSQL and SQLite, in one run.

A real mosquitto and a real PostgreSQL run on this machine. Publishers send alerts of many vehicles as fast as the
broker takes them, and wait for nothing but its acknowledgements. The figure is rows in the store by the time from the
first to the last; CPU is that of each process. Everything shares the cores of this machine: with few of them, `--share`
shows how collectors add up, because none of them gets more.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psycopg

from driver_monitor.fleet.store.store import Store, open_store
from driver_monitor.messages import wire
from driver_monitor.mqtt import topics
from driver_monitor.mqtt.broker import Broker, parse_broker
from driver_monitor.mqtt.client import ClientSettings, build_client, connect, digest_property, serve
from driver_monitor.mqtt.login import Login
from tests.fleet.services import Mosquitto, Postgres, mosquitto, postgres

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PATIENCE_S = 120.0
PERIOD_US = 20_000
"""Period in which a collector with `--share` gets its share."""
WINDOW = 200
"""Alerts of one publisher that wait for the broker: a flood, but no queue in the broker that grows without end."""
PUBLISH_QOS_1, PUBACK, MOST_NUMBER = 0x32, 0x40, 65_535
"""First bytes of packets, and the largest number of one (MQTT 5, 2.1.2 and 2.2.1)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: rows stored, seconds from the first to the last, CPU seconds of collectors, database and broker."""

    store: str
    collectors: int
    rows: int
    took_s: float
    collector_cpu_s: float
    database_cpu_s: float
    broker_cpu_s: float

    def line(self) -> str:
        """Return a row of a table in Markdown. CPU: microseconds a row."""
        each = [1e6 * cpu_s / self.rows for cpu_s in (self.collector_cpu_s, self.database_cpu_s, self.broker_cpu_s)]
        cells = [self.store, self.collectors, self.rows, round(self.rows / self.took_s), *(round(one) for one in each)]
        return f"| {' | '.join(str(cell) for cell in cells)} |"


HEAD = (
    "| store | collectors | rows | rows a second | collector, µs a row | database, µs a row | broker, µs a row |\n"
    "| --- | --- | --- | --- | --- | --- | --- |"
)


def alert(vehicle: str, seq: int) -> tuple[str, bytes]:
    """Return topic and payload of an alert of about 900 bytes."""
    rule = "microsleep"
    at = datetime.now(timezone.utc) - timedelta(milliseconds=5)
    message = {
        "schema": 1, "id": str(uuid.uuid4()), "seq": seq, "episode": str(uuid.uuid4()), "vehicle": vehicle,
        "trip": "0" * 32, "boot": "0" * 32, "t": seq * 1.0, "t_mono": seq * 1.0,
        "t_wall": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "wall_synced": True, "rule": rule,
        "level": "critical", "phase": "raised", "message": "Eyes closed for 1.0 s",
        "evidence": {"measured": {"eyes.closed_s": 1.0}, "threshold": {"eyes.closed_s": 1.0, "for_s": 0.0},
                     "window_s": None, "coverage": None, "clause": "ours" * 60,
                     "compared": {"eyes.closed_s": "at_least"}, "interval": {}},
        "model": "0" * 64, "config": "0" * 64, "profile": "fleet",
    }  # fmt: skip
    return topics.alert(vehicle, rule), wire.encode(message)


def publish(broker: Broker, number: int, alerts: int, vehicles: int) -> None:
    """Send `alerts` of `vehicles` in turn; return when the broker has acknowledged all.

    The packets are made before the first is sent, so that the publishers take little of the cores.
    """
    made = [alert(f"car-{number}-{seq % vehicles}", seq // vehicles) for seq in range(alerts)]
    packets = [packet(1 + seq % MOST_NUMBER, *one) for seq, one in enumerate(made)]
    settings = ClientSettings(f"publisher-{number}")
    client = build_client(broker, Login(), settings)
    ready: list[bool] = []
    client.on_connect = lambda *_: ready.append(True)
    connect(client, broker, settings)
    while not ready:
        serve(client, 1.0)
    connection = client.socket()
    assert isinstance(connection, socket.socket)
    connection.setblocking(True)
    sent = acknowledged = 0
    received = b""
    while acknowledged < alerts:
        if sent < alerts and sent - acknowledged < WINDOW:
            until = min(alerts, acknowledged + WINDOW)
            connection.sendall(b"".join(packets[sent:until]))
            sent = until
        received += connection.recv(65536)
        while len(received) >= 2 and len(received) >= 2 + received[1]:
            assert received[0] == PUBACK, "the broker has ended the connection"
            received = received[2 + received[1] :]
            acknowledged += 1


def packet(number: int, topic: str, payload: bytes) -> bytes:
    """Return a PUBLISH of MQTT 5 with QoS 1."""
    name = topic.encode()
    properties: bytes = digest_property(payload).pack()  # type: ignore[no-untyped-call]
    rest = len(name).to_bytes(2, "big") + name + number.to_bytes(2, "big") + properties + payload
    length, left = b"", len(rest)
    while left:
        length += bytes([left % 128 | (128 if left >= 128 else 0)])
        left //= 128
    return bytes([PUBLISH_QOS_1]) + length + rest


def cpu_s(*pids: int) -> float:
    """Return the CPU seconds of processes and of their children that are alive."""
    ticks = 0
    for pid in pids:
        for stat in [Path(f"/proc/{pid}/stat"), *_children(pid)]:
            parts = stat.read_text().rpartition(")")[2].split()
            ticks += int(parts[11]) + int(parts[12])
    return ticks * TICK_S


def _children(pid: int) -> Iterator[Path]:
    for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield Path(f"/proc/{number}/stat")


@contextmanager
def running(command: list[str], number: int, share: float | None) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Yield so many processes of `command`, each with at most `share` of a core, and end them in peace."""
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(number)]
    groups: list[Path] = []
    try:
        for process in processes:
            assert process.stderr is not None
            assert b"connected" in process.stderr.readline()
            groups += [] if share is None else [limit(process.pid, share)]
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.communicate(timeout=30)
        for group in groups:
            group.rmdir()


def limit(pid: int, share: float) -> Path:
    """Put a process into a control group of its own that gets at most `share` of a core; return the group."""
    first = Path("/sys/fs/cgroup/cpu")
    group = (first if first.is_dir() else first.parent) / f"driver-monitor-scale-{pid}"
    group.mkdir()
    quota_us = round(share * PERIOD_US)
    if first.is_dir():
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(quota_us))
    else:
        (group / "cpu.max").write_text(f"{quota_us} {PERIOD_US}")
    (group / "cgroup.procs").write_text(str(pid))
    return group


def measure(
    broker: Mosquitto, url: str, postmaster: int | None, collectors: int, options: argparse.Namespace
) -> Measured:
    """Send all alerts and wait until they are stored."""
    address = f"mqtt://127.0.0.1:{broker.port}"
    store = open_store(url, make=True)
    store.make_schema(datetime.now(timezone.utc))
    command = [sys.executable, "-m", "driver_monitor", "fleet", "collect", "--broker", address, "--store", url]
    publisher = [sys.executable, "-m", "tools.fleet.scale", "--publish-to", address, "--vehicles",
                 str(options.vehicles), "--alerts", str(options.alerts // options.publishers)]  # fmt: skip
    with running(command, collectors, options.share) as processes:
        pids = [process.pid for process in processes]
        before = cpu_s(*pids), cpu_s(broker.process.pid)
        senders = [subprocess.Popen([*publisher, "--number", str(number)]) for number in range(options.publishers)]
        databases = _awaited(store, options.alerts, postmaster)
        for sender in senders:
            assert sender.wait(PATIENCE_S) == 0
        first, last = store.query("SELECT min(received), max(received) FROM alert")[0]
        took = datetime.fromisoformat(last[:-1]) - datetime.fromisoformat(first[:-1])
        used = cpu_s(*pids) - before[0], databases, cpu_s(broker.process.pid) - before[1]
    rows = store.query("SELECT count(*) FROM alert")[0][0]
    store.close()
    name = "PostgreSQL" if "://" in url else "SQLite"
    return Measured(name, collectors, rows, took.total_seconds(), *used)


def _awaited(store: Store, alerts: int, postmaster: int | None) -> float:
    """Wait until `alerts` are stored; return the CPU seconds of the database since the start of this wait."""
    before = 0.0 if postmaster is None else cpu_s(postmaster)
    end = time.monotonic() + PATIENCE_S
    while store.query("SELECT count(*) FROM alert")[0][0] < alerts:
        if time.monotonic() > end:
            sys.exit(f"after {PATIENCE_S} s not all alerts are stored; is the queue of the broker too short?")
        time.sleep(0.5)
    return 0.0 if postmaster is None else cpu_s(postmaster) - before


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=20_000, help="alerts of one measurement")
    parser.add_argument("--vehicles", type=int, default=500, help="vehicles of each publisher")
    parser.add_argument("--publishers", type=int, default=2)
    parser.add_argument("--collectors", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--share", type=float, help="share of a core for each collector, such as 0.2 (root)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--publish-to", help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.publish_to is not None:
        publish(parse_broker(options.publish_to), options.number, options.alerts, options.vehicles)
        return
    print(HEAD, flush=True)
    found: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        for engine in ("PostgreSQL", "SQLite"):
            for collectors in options.collectors if engine == "PostgreSQL" else [1]:
                found.append(_one(Path(folder) / f"{engine}-{collectors}", engine, collectors, options))
                print(found[-1].line(), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps([{name: getattr(one, name) for name in one.__slots__} for one in found]))


def _one(folder: Path, engine: str, collectors: int, options: argparse.Namespace) -> Measured:
    with mosquitto(folder / "broker") as broker:
        if engine == "SQLite":
            return measure(broker, str(folder / "fleet.db"), None, collectors, options)
        with postgres(folder / "postgres") as server:
            return measure(broker, server.url, _postmaster(server), collectors, options)


def _postmaster(server: Postgres) -> int:
    with psycopg.connect(server.url) as database:
        database.execute("SELECT 1")
    return int((server.folder / "d" / "postmaster.pid").read_text().split()[0])


if __name__ == "__main__":
    main()
