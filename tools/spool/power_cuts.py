"""Cut the power of the real spool after each of its system calls, and count what is lost or damaged.

    python -m tools.spool.power_cuts [--synchronous NORMAL] [--states 12] [--alerts 60]

strace records a car that makes a spool, puts and confirms alerts up to the limit, is killed, opens it again, replaces a
damaged file, and lowers the limit. After each call, every state that a power cut could leave (`tools.spool.disk_model`)
is opened with the real spool: every alert that was said to be safe must be there with its bytes, and the database must
be whole. Exit code 1: something was lost or damaged.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import random
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from driver_monitor.spool import file
from driver_monitor.spool.spool import Spool
from tools.spool import drive
from tools.spool.disk_model import Content, DiskModel
from tools.spool.recording import Event, record


@dataclass
class Facts:
    """What the program has said so far. `put`: alerts that are safe. `asked`, `confirmed`: of these, by number.

    `damaged`: whether the file was damaged on purpose.
    """

    put: set[int] = field(default_factory=set)
    asked: set[int] = field(default_factory=set)
    confirmed: set[int] = field(default_factory=set)
    damaged: bool = False

    def add(self, line: str) -> None:
        """Add one line of `tools.spool.drive`."""
        word, _, rest = line.partition(" ")
        numbers = {int(number) for number in rest.split(",") if number}
        if word == "DAMAGED":
            self.put, self.asked, self.confirmed, self.damaged = set(), set(), set(), True
        {"PUT": self.put, "ASK": self.asked, "CONFIRMED": self.confirmed}.get(word, set()).update(numbers)


@dataclass
class Outcome:
    """`calls`: system calls and lines after which the power was cut. `cuts`: states that were opened.

    `faults`: number of cuts by what was wrong. `syncs`: calls that synchronise.
    """

    calls: int = 0
    cuts: int = 0
    syncs: int = 0
    faults: Counter[str] = field(default_factory=Counter)


def story(synchronous: str, alerts: int, scratch: Path, parts: Sequence[str] = drive.PARTS) -> list[Event]:
    """Record all parts one after another, in a new folder below `scratch`."""
    folder = scratch / "spool"
    folder.mkdir()
    events = []
    for part in parts:
        options = ["--synchronous", synchronous, "--alerts", str(alerts)]
        events += record([sys.executable, "-m", "tools.spool.drive", str(folder), part, *options], folder, scratch)
    return events


def try_all(events: Sequence[Event], states: int, scratch: Path, share: float = 1.0, seed: int = 1) -> Outcome:
    """Cut after each call. `states`: of each cut. `share`: of the cuts that are tried, drawn by chance."""
    chance, disk, facts, outcome = random.Random(seed), DiskModel(), Facts(), Outcome()
    seen: set[bytes] = set()
    for event in events:
        if event.kind == "said":
            for line in event.data.decode().splitlines():
                facts.add(line)
        elif not disk.apply(event):
            continue
        outcome.calls += 1
        outcome.syncs += event.kind in ("sync", "sync_folder")
        for content in disk.states(chance, states) if chance.random() < share else ():
            digest = _digest(content, facts)
            if digest not in seen:
                seen.add(digest)
                outcome.cuts += 1
                outcome.faults.update(set(judge(content, facts, scratch)))
    return outcome


def judge(content: Content, facts: Facts, scratch: Path) -> Iterator[str]:
    """Yield what is wrong after a power cut that left `content`: nothing if all is well."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    try:
        for name, data in content.items():
            (folder / name).write_bytes(data)
        with closing(Spool(folder, drive.LIMITS)) as spool:
            waiting = {entry.seq: entry for entry in spool.waiting(100_000)}
            if spool.fault is not None or spool.counts().waiting != len(waiting):
                yield "the spool does not work"
            dropped = [range(first, last + 1) for first, last, reason in spool.counts().absent if reason == "dropped"]
            if not spool.put(drive.entry(1_000_000)):
                yield "it takes no new alert"
        if not facts.damaged and (folder / f"{file.FILE}.damaged").exists():
            yield "the database is damaged"
        with closing(sqlite3.connect(folder / file.FILE)) as database:
            if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                yield "the database is damaged"
        gone = {seq for seq in facts.put - facts.asked - set(waiting) if not any(seq in one for one in dropped)}
        if gone:
            yield "acknowledged alerts are lost"
        if any(entry != drive.entry(seq) for seq, entry in waiting.items()):
            yield "bytes are wrong"
        if facts.confirmed & set(waiting):
            yield "confirmed alerts wait again"
    finally:
        shutil.rmtree(folder)


def _digest(content: Content, facts: Facts) -> bytes:
    digest = hashlib.blake2b(repr((sorted(facts.put)[-1:], sorted(facts.asked), sorted(facts.confirmed))).encode())
    for name in sorted(content):
        digest.update(name.encode() + b"\0" + hashlib.blake2b(content[name]).digest())
    return digest.digest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--synchronous", default=file.SYNCHRONOUS, help="as in SQLite (default: the spool's own)")
    parser.add_argument("--states", type=int, default=12, help="states after each call (default: 12)")
    parser.add_argument("--alerts", type=int, default=60, help="alerts of the longest part (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn by chance (default: 1)")
    arguments = parser.parse_args()
    logging.disable()  # the spool reports the file that is damaged on purpose
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        scratch = Path(name)
        events = story(arguments.synchronous, arguments.alerts, scratch)
        outcome = try_all(events, arguments.states, scratch, seed=arguments.seed)
    print(
        f"synchronous={arguments.synchronous}: {outcome.syncs} synchronisations, {outcome.calls} calls, "
        f"{outcome.cuts} power cuts, {sum(outcome.faults.values())} faults {dict(outcome.faults) or ''}"
    )
    return int(bool(outcome.faults))


if __name__ == "__main__":
    raise SystemExit(main())
