"""The recorded program: a car that puts alerts into its spool, and says what it knows to be safe.

    python -m tools.spool.drive FOLDER PART [--synchronous NORMAL]

It writes one line for each fact: `PUT 7` (alert 7 is safe), `ASK 1,2` (these are about to be confirmed), `CONFIRMED
1,2` and `DAMAGED` (from here on the alerts put before may be lost).
"""

from __future__ import annotations

import argparse
import os
import random
from collections.abc import Iterator
from pathlib import Path

from driver_monitor.data.alert import LEVELS
from driver_monitor.spool import file
from driver_monitor.spool.entry import SpoolEntry, SpoolLimits
from driver_monitor.spool.spool import Spool

LIMITS = SpoolLimits(size=file.LOG_BYTES + file.INDEX_BYTES + 80 * file.PAGE)
"""Room for some 30 alerts."""
PARTS = ("begin", "recover", "reopen", "replace", "lower")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder of the spool")
    parser.add_argument("part", choices=PARTS, help="the part of the story")
    parser.add_argument("--synchronous", default=file.SYNCHRONOUS, help="as in SQLite (default: the spool's own)")
    parser.add_argument("--alerts", type=int, default=60, help="alerts of each long part (default: 60)")
    arguments = parser.parse_args()
    file.SYNCHRONOUS = arguments.synchronous
    drive(arguments.folder, arguments.part, arguments.alerts)
    return 0


def drive(folder: Path, part: str, alerts: int) -> None:
    """Do one part. `begin` and `replace` end as a kill does."""
    numbers = iter(range(1 + 10_000 * PARTS.index(part), 10_000 * (PARTS.index(part) + 1)))
    if part == "replace":
        _damage(folder / file.FILE)
    spool = Spool(folder, LIMITS if part != "lower" else SpoolLimits(size=LIMITS.size - 30 * file.PAGE))
    _put(spool, numbers, {"begin": alerts // 3, "recover": alerts, "reopen": 5, "replace": 12, "lower": 10}[part])
    if part in ("begin", "replace"):
        os._exit(0)
    spool.close()


def entry(seq: int) -> SpoolEntry:
    """Return the alert of this number: always the same bytes."""
    chance = random.Random(seq)
    body = chance.randbytes(chance.choice((200, 900, 1_400, 3_000)))
    return SpoolEntry(f"id-{seq}", seq, "microsleep", LEVELS[seq % 3], "2026-01-01T00:00:00.000Z", body)


def _put(spool: Spool, numbers: Iterator[int], count: int) -> None:
    for _ in range(count):
        seq = next(numbers)
        if spool.put(entry(seq)):
            _say(f"PUT {seq}")
        if seq % 4 == 0:
            chosen = [one.seq for one in spool.waiting(20)][::5]
            _say(f"ASK {','.join(map(str, chosen))}")
            spool.confirm([f"id-{one}" for one in chosen])
            _say(f"CONFIRMED {','.join(map(str, chosen))}")


def _damage(path: Path) -> None:
    _say("DAMAGED")
    damaged = os.open(path, os.O_RDWR)
    os.pwrite(damaged, random.Random(1).randbytes(path.stat().st_size - file.PAGE), file.PAGE)
    os.fsync(damaged)
    os.close(damaged)


def _say(fact: str) -> None:
    os.write(1, f"{fact}\n".encode())


if __name__ == "__main__":
    raise SystemExit(main())
