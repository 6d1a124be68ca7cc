"""Sends signals to real daemons on the bundled clip, and prints how they ended.

`python -m tools.attack.signals`: SIGTERM at random moments of start, run, reload and stop; SIGKILL; reloads. The table
has the exit codes, the longest time to end (or to reload) and the count of tracebacks. Then come the alert numbers that
were used twice. A daemon that SIGTERM meets before Python has run its first line ends with -15.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import zmq

PATIENCE_S = 60.0
"""Longest wait for a start or a reload."""
MOMENTS = ("start", "run", "reload", "stop")
LATEST_S = {"start": 2.5, "run": 2.0, "reload": 0.5, "stop": 0.3, "kill": 4.0}
"""Longest random delay in each moment, seconds: a start takes about 2 s on two cores."""
PROFILE = """
name: attack
description: An alert at every blink
rules:
  - id: open_eyes
    when: {signal: eyes.closed_s, at_most: 0.0}
    clear: {signal: eyes.closed_s, above: 0.05}
    level: info
    message: "Eyes open"
    clause: "ours, to get an alert at every blink"
"""


class Subscriber:
    """Hears all alerts of all daemons. `numbers`: for each alert number, the ids of the messages that had it."""

    def __init__(self, port: int) -> None:
        self.numbers: dict[int, set[str]] = {}
        self.episodes: dict[str, str] = {}
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
        self._socket.subscribe("alert/")
        self._socket.connect(f"tcp://127.0.0.1:{port}")
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            alert = json.loads(self._socket.recv_multipart()[1])
            self.numbers.setdefault(alert["seq"], set()).add(alert["id"])
            self.episodes[alert["episode"]] = alert["phase"]

    @property
    def twice(self) -> int:
        """Count of numbers that two different messages had."""
        return sum(len(ids) > 1 for ids in self.numbers.values())

    @property
    def still_open(self) -> int:
        """Count of episodes whose end was never heard."""
        return sum(phase != "cleared" for phase in self.episodes.values())


class Victim:
    """One daemon, with a socket that systemd's notifications go to."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.configure(10)
        (folder / "profile.yaml").write_text(PROFILE)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.settimeout(PATIENCE_S)
        (folder / "notify").unlink(missing_ok=True)
        self.notify.bind(str(folder / "notify"))
        self._log = (folder / "log").open("w+b")
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "driver_monitor",
                "run",
                "--config",
                str(folder / "config.yaml"),
                "--source",
                "demo",
            ],
            env={**os.environ, "NOTIFY_SOCKET": str(folder / "notify")},
            stdout=subprocess.DEVNULL,
            stderr=self._log,
        )

    def configure(self, search_hz: int) -> None:
        """Write a configuration; another `search_hz` builds the pipeline anew at a reload."""
        lines = (
            f"profile: {self.folder / 'profile.yaml'}",
            f"zmq: {{bind: 'tcp://127.0.0.1:{self.port}'}}",
            "gpio: {backend: mock}",
            f"service: {{state_dir: {self.folder / 'state'}}}",
            f"face: {{search_hz: {search_hz}}}",
        )
        (self.folder / "config.yaml").write_text("\n".join(lines))

    def await_notice(self, wanted: str) -> None:
        """Wait for a message to systemd. Raises `TimeoutError`."""
        while wanted not in self.notify.recv(4096).decode():
            pass

    def end(self, number: int) -> tuple[int, float, int]:
        """Send the signal. Returns the exit code, the seconds until the end, and the count of tracebacks."""
        sent = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        took = time.monotonic() - sent
        self.notify.close()
        self._log.seek(0)
        tracebacks = self._log.read().count(b"Traceback")
        self._log.close()
        return code, took, tracebacks


@dataclass
class Outcome:
    """A line of the table."""

    codes: Counter[int] = field(default_factory=Counter)
    longest_s: float = 0.0
    tracebacks: int = 0

    def add(self, code: int, took: float, tracebacks: int) -> None:
        """Add one daemon that ended."""
        self.codes[code] += 1
        self.longest_s = max(self.longest_s, took)
        self.tracebacks += tracebacks


def terminate(folder: Path, port: int, moment: str, chance: random.Random) -> tuple[int, float, int]:
    """Start a daemon and send SIGTERM in `moment`."""
    victim = Victim(folder, port)
    delay = chance.uniform(0.0, LATEST_S[moment])
    if moment != "start":
        victim.await_notice("READY=1")
    if moment == "reload":
        victim.configure(5)
        victim.process.send_signal(signal.SIGHUP)
        victim.await_notice("RELOADING=1")
    if moment == "stop":
        victim.process.send_signal(signal.SIGTERM)
    time.sleep(delay)
    return victim.end(signal.SIGTERM)


def kill(folder: Path, port: int, chance: random.Random) -> tuple[int, float, int]:
    """Start a daemon and send SIGKILL while it runs."""
    victim = Victim(folder, port)
    victim.await_notice("READY=1")
    time.sleep(chance.uniform(0.0, LATEST_S["kill"]))
    return victim.end(signal.SIGKILL)


def reload(folder: Path, port: int, count: int) -> Outcome:
    """Reload one daemon `count` times, then end it. The time is that of the longest reload."""
    outcome, done = Outcome(), 0
    while done < count:
        victim = Victim(folder, port)
        victim.await_notice("READY=1")
        # The clip has 44 s; a new daemon goes on with the next ones.
        end = time.monotonic() + 30.0
        while done < count and time.monotonic() < end:
            victim.configure(5 + done % 2)
            sent = time.monotonic()
            victim.process.send_signal(signal.SIGHUP)
            victim.await_notice("RELOADING=1")
            victim.await_notice("READY=1")
            outcome.longest_s = max(outcome.longest_s, time.monotonic() - sent)
            done += 1
        code, _, tracebacks = victim.end(signal.SIGTERM)
        outcome.add(code, 0.0, tracebacks)
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--terms", type=int, default=100, help="SIGTERMs (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=100, help="SIGKILLs (default: %(default)s)")
    parser.add_argument("--reloads", type=int, default=200, help="reloads (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments (default: %(default)s)")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    subscriber = Subscriber(port)
    table: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory() as name:
        for number in range(given.terms):
            moment = MOMENTS[number % len(MOMENTS)]
            line = table.setdefault(f"SIGTERM in the {moment}", Outcome())
            line.add(*terminate(Path(name), port, moment, chance))
        for _ in range(given.kills):
            table.setdefault("SIGKILL", Outcome()).add(*kill(Path(name), port, chance))
        table[f"{given.reloads} reloads"] = reload(Path(name), port, given.reloads)
    print(f"{'':24} {'exit codes':24} {'longest, s':>10} {'tracebacks':>10}")
    for name, outcome in table.items():
        codes = ", ".join(f"{count} x {code}" for code, count in sorted(outcome.codes.items()))
        print(f"{name:24} {codes:24} {outcome.longest_s:10.2f} {outcome.tracebacks:10}")
    print(f"{len(subscriber.numbers)} alert numbers, {subscriber.twice} used twice; ", end="")
    print(f"{len(subscriber.episodes)} episodes, {subscriber.still_open} without an end")


if __name__ == "__main__":
    main()
