"""Break everything between cars and store while alerts come, and show that none is lost, doubled or changed.

    python -m tools.fleet.fault_run [--vehicles 1000 --alerts 20000 --rate 100 --kills 5 --store-away 60]

Real processes: mosquitto, PostgreSQL, two `fleet collect`, two `fleet simulate` with a spool on disk for each vehicle.
Broker and collectors are killed (SIGKILL) at times of their own, the database stops as in a power cut, a tenth of the
vehicles loses its power, and a fifth of them is behind a network that flips bytes in messages, drops connections and
ends them in the middle of a message. Exit code 1: a line of the account does not hold. It needs `pip install
'.[dev]'`, `apt-get install mosquitto postgresql`, and for more than some hundred vehicles root (open files).
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from driver_monitor.fleet.store.store import open_store
from tests.fleet.services import Mosquitto, Postgres, mosquitto, postgres
from tools import ROOT
from tools.fleet.bad_network import BadNetwork, bad_network
from tools.fleet.judge import Answer, Row, judge, read_record

PROGRAM = (sys.executable, "-m", "driver_monitor", "fleet")
SOONER = (
    "from driver_monitor.outputs.uplink import session as s; s.AGAIN_S = {}; import driver_monitor.cli as c; c.main()"
)
"""The same program with another time after which a message without an answer is sent again."""
BEHIND_BAD_NETWORK = 5
"""One vehicle of so many is behind the bad network."""
POWER_CUTS = 10
"""One vehicle of so many loses its power."""
HARM = {"flips": 10.0, "drops": 2.0, "cuts": 2.0}
"""Of a thousand messages in the bad network (ours): hundreds in the whole run, and each connection still works."""
COLLECTORS = 2
AWAY_S = 2.0
"""How long a killed broker or collector is away: systemd's `RestartSec` of a service that is to be back soon."""
LIMIT_S = 300.0
"""Longest time from the last fault until all is stored."""
POLL_S = 0.1


@dataclass(frozen=True)
class Size:
    """How much happens. `kills`: of the broker, and as many of collectors. `harm`: of the bad network, times `HARM`.

    `again_s`: seconds after which a car sends a message again that has no answer; None: the real 60 s.
    """

    vehicles: int = 1000
    alerts: int = 20_000
    rate: float = 100.0
    kills: int = 5
    store_away_s: float = 60.0
    harm: float = 1.0
    again_s: float | None = None
    seed: int = 0


@dataclass
class Run:
    """The processes of the run, and what was done to them."""

    size: Size
    folder: Path
    broker: Mosquitto
    database: Postgres
    network: BadNetwork
    collectors: list[subprocess.Popen[bytes]] = field(default_factory=list)
    vehicles: list[subprocess.Popen[bytes]] = field(default_factory=list)
    last_fault: float = 0.0
    told: list[str] = field(default_factory=list)
    _records: dict[Path, BinaryIO] = field(default_factory=dict)
    _count: int = 0

    def start_collector(self) -> subprocess.Popen[bytes]:
        """Start a collector; what it writes goes into a file."""
        broker = f"mqtt://127.0.0.1:{self.broker.port}"
        return self._start("collectors.log", *PROGRAM, "collect", "--broker", broker, "--store", self.database.url)

    def start_vehicles(self, name: str, port: int, count: int, options: list[str]) -> None:
        """Start `count` vehicles that connect to `port`."""
        folder, record = self.folder / name, self.folder / f"{name}.record"
        where = ("--broker", f"mqtt://127.0.0.1:{port}", "--folder", str(folder), "--record", str(record))
        many = ("--vehicles", str(count), "--power-cuts", str(count // POWER_CUTS), "--prefix", name, "--json")
        again_s = self.size.again_s
        program = PROGRAM if again_s is None else (sys.executable, "-c", SOONER.format(again_s), "fleet")
        command = [*program, "simulate", *where, *many, *options]
        self.vehicles.append(self._start(f"{name}.json", *command))

    def recorded(self) -> list[str]:
        """Return the lines of all alerts that were put into spools."""
        return [line for path in self.folder.glob("*.record") for line in path.read_text().splitlines()]

    def in_spools(self) -> int:
        """Return how many alerts were put into spools so far."""
        for path in self.folder.glob("*.record"):
            if path not in self._records:
                self._records[path] = path.open("rb")
            self._count += self._records[path].read().count(b"\n")
        return self._count

    def kill_broker(self) -> None:
        """Kill the broker, and start it again. What it had not written is lost, sessions too."""
        self.broker.kill()
        self._fault("broker killed")
        time.sleep(AWAY_S)
        self.broker.start()

    def kill_collector(self, number: int) -> None:
        """Kill a collector, and start another one."""
        victim = self.collectors[number % COLLECTORS]
        victim.kill()
        victim.wait()
        self._fault("collector killed")
        time.sleep(AWAY_S)
        self.collectors[number % COLLECTORS] = self.start_collector()

    def stop_database(self, seconds: float) -> None:
        """Stop the database as a power cut does, for so long."""
        self.database.stop()
        time.sleep(seconds)
        self.database.start()
        self._fault(f"database away for {seconds:.0f} s")

    def calm_network(self) -> None:
        """Damage no more messages."""
        self.network.calm()
        self._fault("the bad network is good now")

    def end(self) -> None:
        """End all processes that are left."""
        for process in (*self.vehicles, *self.collectors):
            process.kill()
            process.wait()
        for file in self._records.values():
            file.close()

    def _start(self, log: str, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / log).open("ab") as out, (self.folder / f"{log}.errors").open("ab") as errors:
            return subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=errors)

    def _fault(self, what: str) -> None:
        self.last_fault = time.monotonic()
        self.told.append(what)


@contextmanager
def started(folder: Path, size: Size) -> Iterator[Run]:
    """Yield a broker, a database with its schema, a bad network and collectors, and end them."""
    with ExitStack() as stack:
        broker = stack.enter_context(mosquitto(folder / "broker"))
        database = stack.enter_context(postgres(folder / "database"))
        subprocess.run([*PROGRAM, "schema", "--store", database.url], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        harm = {kind: share * size.harm for kind, share in HARM.items()}
        network = stack.enter_context(bad_network(broker.port, random.Random(size.seed), **harm))
        run = Run(size, folder, broker, database, network)
        stack.callback(run.end)
        run.collectors = [run.start_collector() for _ in range(COLLECTORS)]
        yield run


def plan(run: Run) -> list[Callable[[], None]]:
    """Return the faults in a random order. The network becomes good before the last one."""
    faults: list[Callable[[], None]] = [run.kill_broker] * run.size.kills
    faults += [partial(run.kill_collector, number) for number in range(run.size.kills)]
    faults.append(partial(run.stop_database, run.size.store_away_s))
    random.Random(run.size.seed).shuffle(faults)
    return [*faults[:-1], run.calm_network, faults[-1]]


def break_all(run: Run, faults: list[Callable[[], None]], alerts: int) -> None:
    """Let the faults happen at equal distances while alerts come."""
    for number, fault in enumerate(faults, start=1):
        while run.in_spools() < alerts * number / (len(faults) + 1):
            if any(process.poll() for process in run.vehicles):  # not 0
                told = "".join(path.read_text() for path in run.folder.glob("*.json.errors"))
                raise SystemExit(f"vehicles have ended too early: {told}")
            time.sleep(POLL_S)
        fault()


def await_stored(run: Run) -> float:
    """Wait until no vehicle has an alert that waits. Returns seconds since the last fault."""
    for process in run.vehicles:
        process.wait()
    return time.monotonic() - run.last_fault


def examine(run: Run) -> tuple[list[Answer], dict[str, Any]]:
    """Return what holds in the store, and the counts of the vehicles."""
    store = open_store(run.database.url)
    rows = [Row(*row) for row in store.query("SELECT vehicle, cast(id AS text), seq, body FROM alert")]
    told = store.query("SELECT vehicle, status FROM vehicle")
    letters = Counter(reason.partition(":")[0] for (reason,) in store.query("SELECT reason FROM dead_letter"))
    store.close()
    statuses = {vehicle: json.loads(status) for vehicle, status in told if status is not None}
    counts: dict[str, Any] = {"dead letters": dict(letters)}
    for path in run.folder.glob("*.json"):
        for name, value in json.loads(path.read_text().splitlines()[-1]).items():
            if isinstance(value, int):
                counts[name] = counts.get(name, 0) + value
    return judge(read_record(run.recorded()), rows, statuses), counts


def fault_run(folder: Path, size: Size) -> list[Answer]:
    """Do the run in `folder`, and print the account. Returns its lines."""
    with started(folder, size) as run:
        behind = size.vehicles // BEHIND_BAD_NETWORK
        for name, port, count in (
            ("direct", run.broker.port, size.vehicles - behind),
            ("behind", run.network.port, behind),
        ):
            share = count / size.vehicles
            options = ["--alerts", str(round(size.alerts * share)), "--rate", str(size.rate * share)]
            run.start_vehicles(name, port, count, [*options, "--seed", str(size.seed), "--drain-s", str(2 * LIMIT_S)])
        break_all(run, plan(run), size.alerts)
        seconds = await_stored(run)
        answers, counts = examine(run)
        codes = [process.returncode for process in run.vehicles]
    answers.append(Answer(not any(codes), f"exit codes of the simulators: {codes}"))
    answers.append(
        Answer(seconds <= LIMIT_S, f"all stored {seconds:.0f} s after the last fault (limit {LIMIT_S:.0f} s)")
    )
    print("faults:", "; ".join([*run.told, f"bad network: {dict(run.network.done)}"]))
    print("counts:", counts)
    for answer in answers:
        print("holds " if answer.holds else "BROKEN", answer.text, flush=True)
    return answers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vehicles", type=int, default=Size.vehicles)
    parser.add_argument("--alerts", type=int, default=Size.alerts)
    parser.add_argument("--rate", type=float, default=Size.rate, help="alerts a second of all vehicles")
    parser.add_argument("--kills", type=int, default=Size.kills, help="of the broker, and as many of collectors")
    parser.add_argument("--store-away", dest="store_away_s", type=float, default=Size.store_away_s, help="seconds")
    parser.add_argument("--harm", type=float, default=Size.harm, help="of the bad network, times the usual")
    parser.add_argument("--again-s", type=float, help="seconds until a message is sent again, instead of the real 60")
    parser.add_argument("--seed", type=int, default=Size.seed)
    with tempfile.TemporaryDirectory(prefix="fault-run-") as folder:
        answers = fault_run(Path(folder), Size(**vars(parser.parse_args())))
    return 0 if all(answer.holds for answer in answers) else 1


if __name__ == "__main__":
    sys.exit(main())
