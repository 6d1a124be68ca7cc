"""Lets a car be offline for days on a fake clock, then brings its broker back, and checks that every alert arrives.

Spool, session and link are those of the daemon. Offline, each attempt to connect really fails, at a closed port. Then a
real mosquitto starts there, with a stand-in for the operator that says `stored`. Printed are the memory, threads and
descriptors of this process over the hours, the size of the spool, and what arrived in which order.

    python -m tools.fleet.offline --hours 72 --alerts 5000
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from driver_monitor.data.alert import LEVELS
from driver_monitor.mqtt import topics
from driver_monitor.mqtt.broker import parse_broker
from driver_monitor.mqtt.client import ClientSettings, build_client, connect, digest_in
from driver_monitor.mqtt.login import Login
from driver_monitor.outputs.uplink.attempts import LONGEST_S
from driver_monitor.outputs.uplink.exchange import Clocks, Sender
from driver_monitor.outputs.uplink.link import Link
from driver_monitor.outputs.uplink.output import entry_of
from driver_monitor.outputs.uplink.status import DrivingTime, VehicleRun, iso
from driver_monitor.spool.entry import SpoolLimits
from driver_monitor.spool.spool import Spool
from tests.fleet.services import Mosquitto

VEHICLE = "van-12"
START_S = 1_790_000_000.0
"""The wall clock at the start, seconds since 1970: a day in September 2026."""
SHARES = (0.6, 0.3, 0.1)
"""Shares of the levels among the alerts, from the mildest: most are mild (ours)."""
SETTLED = 0.1
"""Share of the hours after which memory must not grow: by then everything was called once."""
MOST_GROWTH_KB = 2048
"""Growth of the memory that counts as flat (ours): SQLite's cache of the spool may have so much."""
BATCH = 500
"""Most ids in a message `stored`."""
LIMIT_S = 300.0
"""Longest real time until everything has arrived."""


class FakeTime:
    """A clock that is moved by hand. `real`: from now on it runs with the real one."""

    def __init__(self) -> None:
        self._now, self._real_s = 0.0, 0.0
        self._runs = False

    def monotonic(self) -> float:
        """Return seconds since the start."""
        return self._now + (time.monotonic() - self._real_s if self._runs else 0.0)

    def wall(self) -> tuple[float, bool]:
        """Return seconds since 1970, and that the clock is set."""
        return START_S + self.monotonic(), True

    def move_to(self, at_s: float) -> None:
        """Move to `at_s`, seconds since the start, unless that is in the past."""
        self._now = max(self._now, at_s)

    def real(self) -> None:
        """Run with the real clock from now on."""
        self._real_s, self._runs = time.monotonic(), True


class Chance:
    """Chance that counts how often it was drawn: once for each failed attempt to connect."""

    def __init__(self, chance: random.Random) -> None:
        self.drawn, self._chance = 0, chance

    def __call__(self) -> float:
        """Return a number from 0 to 1."""
        self.drawn += 1
        return self._chance.random()


@dataclass
class Process:
    """Memory (kB), threads and descriptors of this process by the hour."""

    rows: list[tuple[float, int, int, int, int]] = field(default_factory=list)

    def note(self, hour: float, spool_bytes: int) -> None:
        """Note how it is at `hour`."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        memory = pages * os.sysconf("SC_PAGE_SIZE") // 1024
        descriptors = sum(1 for _ in Path("/proc/self/fd").iterdir())
        self.rows.append((hour, memory, threading.active_count(), descriptors, spool_bytes))


class StandIn:
    """The operator: notes each alert once, and says `stored` in batches when `answer` is called."""

    def __init__(self, port: int) -> None:
        self.arrived: dict[str, dict[str, Any]] = {}
        self.wrong = self.again = 0
        self._waiting: list[str] = []
        broker, settings = parse_broker(f"mqtt://127.0.0.1:{port}"), ClientSettings("stand-in")
        self._client = build_client(broker, Login(), settings)
        self._client.on_message = self._on_message
        ready = threading.Event()
        self._client.on_subscribe = lambda *_: ready.set()
        connect(self._client, broker, settings)
        self._client.subscribe(topics.EACH_ALERT, qos=1)
        self._client.loop_start()
        ready.wait(LIMIT_S)

    def _on_message(self, _client: object, _data: object, message: Any) -> None:
        alert = json.loads(message.payload)
        entry = entry_of(alert)
        self.wrong += entry.body != message.payload or digest_in(message.properties) is None
        self.again += entry.id in self.arrived
        self.arrived.setdefault(entry.id, alert)
        self._waiting.append(entry.id)

    def answer(self) -> None:
        """Say `stored` for what has come."""
        ids, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
        if ids:
            self._client.publish(topics.stored(VEHICLE), json.dumps(ids), qos=1)

    def close(self) -> None:
        """End the connection."""
        self._client.disconnect()
        self._client.loop_stop()


def alerts(count: int, seconds: float, chance: random.Random) -> list[tuple[float, dict[str, Any]]]:
    """Return `count` alerts of `seconds`, each with its time in seconds."""
    times = sorted(chance.uniform(0.0, seconds) for _ in range(count))
    return [
        (
            at_s,
            {
                "schema": 1, "id": str(uuid.UUID(int=chance.getrandbits(128))), "seq": seq,
                "episode": str(uuid.UUID(int=chance.getrandbits(128))), "vehicle": VEHICLE, "trip": "a trip",
                "boot": "a boot", "t": at_s, "t_mono": at_s, "t_wall": iso(START_S + at_s), "wall_synced": True,
                "rule": "microsleep", "level": chance.choices(LEVELS, SHARES)[0], "phase": "raised",
                "message": "Eyes closed for 1.0 s", "evidence": {"clause": "x" * 400}, "model": "a" * 64,
                "config": "b" * 64, "profile": "fleet",
            },
        )
        for seq, at_s in enumerate(times, 1)
    ]  # fmt: skip


def closed_port() -> socket.socket:
    """Return a socket with a port of its own that refuses connections, so that no other program takes the port."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder


def stay_offline(link: Link, spool: Spool, clock: FakeTime, driven: list[tuple[float, dict[str, Any]]],
                 seconds: float, process: Process) -> None:  # fmt: skip
    """Live through `seconds` without a broker."""
    todo, next_note_s = list(reversed(driven)), 0.0
    link.status({"camera": {"state": "ok"}, "attention": "attentive", "active": [], "versions": {}})
    while clock.monotonic() < seconds:
        while todo and todo[-1][0] <= clock.monotonic():
            spool.put(entry_of(todo.pop()[1]))
            link.added()
        wait_s = link.turn(0.0)
        if clock.monotonic() >= next_note_s:
            process.note(clock.monotonic() / 3600, spool.counts().size)
            next_note_s += seconds / 24
        next_s = min(clock.monotonic() + max(wait_s, 0.001), todo[-1][0] if todo else seconds)
        clock.move_to(next_s)
    for _, alert in reversed(todo):
        spool.put(entry_of(alert))


def come_back(link: Link, spool: Spool, clock: FakeTime, port: int, folder: Path) -> StandIn:
    """Start the broker, send everything, and return what the operator has."""
    with running(Mosquitto(folder, port=port)), closing(StandIn(port)) as operator:
        clock.move_to(clock.monotonic() + LONGEST_S)  # when the next attempt is due at the latest
        clock.real()
        link.added()
        end = time.monotonic() + LIMIT_S
        while spool.counts().waiting and time.monotonic() < end:
            link.turn(0.01)
            operator.answer()
        return operator


@contextmanager
def running(broker: Mosquitto) -> Iterator[None]:
    """Kill `broker` at the end."""
    try:
        yield
    finally:
        broker.kill()


def faults_of(driven: list[tuple[float, dict[str, Any]]], dropped: int, operator: StandIn, process: Process,
              limit: int) -> list[str]:  # fmt: skip
    """Return what is wrong, in words; empty: all is right."""
    found = list(operator.arrived.values())
    ranks = [(-LEVELS.index(alert["level"]), alert["seq"]) for alert in found]
    settled = [row for row in process.rows if row[0] >= SETTLED * process.rows[-1][0]]
    growth = max(row[1] for row in settled) - settled[0][1]
    sizes = max(row[4] for row in process.rows)
    critical = {alert["id"] for _, alert in driven if alert["level"] == LEVELS[-1]}
    checks = {
        "a critical alert was dropped": bool(critical - set(operator.arrived)),
        f"{len(driven) - dropped - len(found)} alerts are missing": len(found) != len(driven) - dropped,
        "an alert has other bytes, or no digest": operator.wrong,
        "they did not come the worst first, of one level the oldest first": ranks != sorted(ranks),
        f"the memory grew by {growth} kB": growth > MOST_GROWTH_KB,
        "threads or descriptors grew": any(row[2:4] != settled[0][2:4] for row in settled),
        f"the spool had {sizes} bytes of {limit}": sizes > limit,
    }
    return [text for text, wrong in checks.items() if wrong]


def drive(hours: float, count: int, spool_mb: float, folder: Path) -> list[str]:
    """Do it all in `folder`, print the figures, and return what is wrong."""
    clock, chance, process = FakeTime(), random.Random(17), Process()
    closed, other = closed_port(), closed_port()
    port = closed.getsockname()[1]
    driven = alerts(count, hours * 3600, chance)
    limits = SpoolLimits(size=int(spool_mb * 1e6))
    spool = Spool(folder / "car", limits, clock.monotonic, clock.wall)
    brokers = (parse_broker(f"mqtt://127.0.0.1:{port}"), parse_broker(f"mqtts://127.0.0.1:{other.getsockname()[1]}"))
    spread = Chance(chance)
    clocks = Clocks(clock.monotonic, clock.wall, spread)
    run = VehicleRun(VEHICLE, "a trip", "a boot")
    link = Link(brokers, Login(), Sender(run, spool, DrivingTime(), clocks))
    began, cpu = time.monotonic(), time.process_time()
    stay_offline(link, spool, clock, driven, hours * 3600, process)
    offline_s, offline_cpu = time.monotonic() - began, time.process_time() - cpu
    before, failed = spool.counts(), spread.drawn
    began = time.monotonic()
    closed.close()
    operator = come_back(link, spool, clock, port, folder / "broker")
    after_s = time.monotonic() - began
    print("| hour | memory, kB | threads | descriptors | spool, bytes |\n| --- | --- | --- | --- | --- |")
    for row in process.rows:
        print(f"| {row[0]:.1f} | {row[1]} | {row[2]} | {row[3]} | {row[4]} |")
    print(f"offline: {hours:g} h, {failed} attempts, {count} alerts, {before.waiting} wait, {before.dropped} dropped;"
          f" {offline_s:.1f} s, {offline_cpu:.1f} s of CPU")  # fmt: skip
    print(f"back: {len(operator.arrived)} arrived in {after_s:.1f} s, {operator.again} twice, "
          f"{spool.counts().waiting} wait")  # fmt: skip
    link.ended()
    spool.close()
    other.close()
    return faults_of(driven, before.dropped, operator, process, limits.size)


def main() -> None:
    """Run it, and exit with 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=72.0, help="simulated hours offline (%(default)s)")
    parser.add_argument("--alerts", type=int, default=5000, help="alerts of these hours (%(default)s)")
    parser.add_argument("--spool-mb", type=float, default=64.0, help="limit of the spool, megabytes (%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wrong = drive(options.hours, options.alerts, options.spool_mb, Path(folder))
    for text in wrong:
        print(f"WRONG: {text}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
