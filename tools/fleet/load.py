"""Measure what many connected vehicles cost: CPU a message of broker and collector, memory, times from alert to row.

    python -m tools.fleet.load [--vehicles 10000 --rate 100 --seconds 120 --store postgres|sqlite]

Real processes: mosquitto, PostgreSQL or an SQLite file, one `fleet collect`, one `fleet simulate --memory`. CPU times
are those of /proc/PID/stat while the alerts come, without the time in which the vehicles connect. Messages are counted
by the broker ($SYS). It needs `pip install '.[dev]'`, `apt-get install mosquitto postgresql`, and root (open files).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from driver_monitor.bench.speed.computer import rss_mb
from driver_monitor.mqtt.broker import parse_broker
from driver_monitor.mqtt.client import ClientSettings, build_client, connect
from driver_monitor.mqtt.login import Login
from tests.fleet.services import mosquitto, postgres
from tools import ROOT

PROGRAM = (sys.executable, "-m", "driver_monitor", "fleet")
SETTLED_S = 10.0
"""Time after the first alert before the measurement begins: the last vehicles have told their first status."""
SENT = "$SYS/broker/publish/messages/sent"
"""Count of messages of the broker to clients. Here each message has one receiver, so it is that of all messages.
(mosquitto 2.0.11 does not count retained messages, such as the status, as received.)"""
OPEN = "allow_anonymous true\nsys_interval 1\n"
FILES_MORE = 1000
"""Open files of the broker beside those of the vehicles."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Counts and times at one moment. `cpu_s`: by program. `alerts`: put into spools so far."""

    at: float
    cpu_s: dict[str, float]
    messages: int
    alerts: int


class Counters:
    """The broker's own count of `messages`, once a second."""

    def __init__(self, port: int) -> None:
        self.messages = 0
        broker, settings = parse_broker(f"mqtt://127.0.0.1:{port}"), ClientSettings("load")
        self._client = build_client(broker, Login(), settings)
        self._client.on_connect = lambda client, *_: client.subscribe(SENT)
        self._client.on_message = self._note
        connect(self._client, broker, settings)
        self._client.loop_start()

    def close(self) -> None:
        """End the connection."""
        self._client.disconnect()
        self._client.loop_stop()

    def _note(self, _client: object, _data: object, message: Any) -> None:
        self.messages = int(message.payload)


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process in seconds: user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children(parent: int) -> list[int]:
    """Return a process and those that it has started."""
    pairs = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            pairs.append((int(path.parent.name), int(path.read_text().rpartition(")")[2].split()[1])))
        except OSError:  # it has just ended
            continue
    return [parent, *(pid for pid, its_parent in pairs if its_parent == parent)]


def allow_files(count: int) -> None:
    """Allow this process, and what it starts, so many open files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(count, hard), max(count, hard)))


def measure(folder: Path, vehicles: int, rate: float, seconds: float, in_postgres: bool) -> dict[str, Any]:
    """Run it in `folder`; return the figures."""
    allow_files(vehicles + FILES_MORE)
    with ExitStack() as stack:
        broker = stack.enter_context(mosquitto(folder / "broker", OPEN))
        database = stack.enter_context(postgres(folder / "database")) if in_postgres else None
        store = database.url if database is not None else str(folder / "fleet.db")
        subprocess.run([*PROGRAM, "schema", "--store", store], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        where = ("--broker", f"mqtt://127.0.0.1:{broker.port}")
        log = stack.enter_context((folder / "log").open("wb"))
        collector = subprocess.Popen([*PROGRAM, "collect", *where, "--store", store], cwd=ROOT, stderr=log)
        stack.callback(collector.kill)
        counters = Counters(broker.port)
        stack.callback(counters.close)
        record = folder / "record"
        drives = ("--vehicles", str(vehicles), "--rate", str(rate), "--seconds", str(seconds + SETTLED_S))
        cars = subprocess.Popen(
            [*PROGRAM, "simulate", *where, *drives, "--memory", "--record", str(record), "--json"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        stack.callback(cars.kill)
        programs = {"broker": [broker.process.pid], "collector": [collector.pid], "vehicles": [cars.pid]}
        if database is not None:
            programs["database"] = children(int((database.folder / "d/postmaster.pid").read_text().split()[0]))

        def sample() -> Sample:
            used = {name: sum(map(cpu_s, pids)) for name, pids in programs.items()}
            return Sample(time.monotonic(), used, counters.messages, len(record.read_bytes().splitlines()))

        while not record.exists() or not record.stat().st_size:
            if cars.poll() is not None:
                raise SystemExit((folder / "log").read_text())
            time.sleep(0.1)
        time.sleep(SETTLED_S)
        if database is not None:  # its connections have processes of their own
            programs["database"] = children(programs["database"][0])
        first = sample()
        time.sleep(seconds * 0.9)
        last = sample()
        memory = {
            name: round(sum(rss_mb("VmRSS", pid) or 0.0 for pid in pids))
            for name, pids in programs.items()
            if name != "database"
        }
        told, _ = cars.communicate()
    return {**figures(first, last), "memory_mb": memory, "account": json.loads(told)}


def figures(first: Sample, last: Sample) -> dict[str, Any]:
    """Return CPU times for a message and shares of a core, between two samples.

    The collector's messages are those of the broker without the answers (`stored`), of which each alert has one: two
    alerts of one vehicle in one batch are rare.
    """
    seconds, alerts, messages = last.at - first.at, last.alerts - first.alerts, last.messages - first.messages
    used = {name: last.cpu_s[name] - first.cpu_s[name] for name in first.cpu_s}
    of_vehicles = max(1, messages - alerts)
    return {
        "seconds": round(seconds, 1),
        "alerts_per_s": round(alerts / seconds, 1),
        "messages_per_s": round(messages / seconds, 1),
        "broker_us_per_message": round(used["broker"] / max(1, messages) * 1e6),
        "collector_us_per_message": round(used["collector"] / of_vehicles * 1e6),
        "database_us_per_message": round(used["database"] / of_vehicles * 1e6) if "database" in used else None,
        "share_of_a_core": {name: round(value / seconds, 3) for name, value in used.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vehicles", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=100.0, help="alerts a second of all vehicles")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--store", choices=("postgres", "sqlite"), default="postgres")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fleet-load-") as folder:
        found = measure(Path(folder), given.vehicles, given.rate, given.seconds, given.store == "postgres")
    print(json.dumps({"load_average": [round(one, 1) for one in os.getloadavg()], **found}, indent=1))


if __name__ == "__main__":
    main()
