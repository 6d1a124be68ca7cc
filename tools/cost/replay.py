"""Measures how fast `replay` is, decoding and writing included: times real time on one core, and two jobs against one.

    python -m tools.cost.replay [CLIP] [--minutes 10] [--clips 4] [--json]

Makes --clips recordings of --minutes together, each of them CLIP again and again without a new encoding, and replays
them as a user does: `driver-monitor replay FOLDER --jobs 1`, then `--jobs 2`, in each round. `--minutes 60 --rounds 1`
is an hour. Real time is that of the frames at the rate of CLIP. By the clock, the machine must be idle; times real time
by CPU time hardly depends on that. Memory is the most of one process (ru_maxrss). Exit code 1: an aim is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from tools.cost.figures import Figure, add_options, count, length, show
from tools.cost.frames import CLIP

LEAST_FACTOR, LEAST_OF_TWO, MOST_RSS_MB = 15.0, 1.9, 130.0
"""Aims (issue: one millisecond a frame)."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One replay of the folder: seconds by the clock, CPU seconds, MB of 2^20 bytes at most."""

    wall_s: float
    cpu_s: float
    rss_mb: float


def make_long(clip: Path, target: Path, seconds: float) -> float:
    """Write `clip` again and again into `target` until it is `seconds` long. Return its length, seconds.

    Packets are copied as they are. The last repetition is whole.
    """
    with av.open(str(clip)) as source, av.open(str(target), "w") as copy:
        stream = source.streams.video[0]
        packets = [packet for packet in source.demux(stream) if packet.dts is not None and packet.size]
        rate = stream.average_rate or Fraction(30)
        step = max(round(1 / (rate * packets[0].time_base)), 1)
        out = copy.add_stream_from_template(stream)
        first = packets[0].dts or 0
        times = [((packet.pts if packet.pts is not None else packet.dts), packet.dts) for packet in packets]
        length = len(packets) * step
        count = max(round(seconds * rate / len(packets)), 1)
        for number in range(count):
            for packet, (shown, decoded) in zip(packets, times, strict=True):
                assert shown is not None
                assert decoded is not None
                packet.stream = out
                packet.pts, packet.dts = shown - first + number * length, decoded - first + number * length
                packet.time_base = stream.time_base
                copy.mux(packet)
    return float(count * len(packets) / rate)


def replay(folder: Path, out: Path, jobs: int) -> Batch:
    """Replay all clips in `folder`. Ends the program if that fails."""
    command = [sys.executable, "-m", "driver_monitor", "replay", str(folder), "--out", str(out), "--jobs", str(jobs)]
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit("the replay failed; see its messages above")
    return Batch(time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def figures(seconds: float, rounds: list[tuple[Batch, Batch]]) -> list[Figure]:
    """Return the figures. `seconds`: of all clips. `rounds`: with one job and with two."""
    one, two = zip(*rounds, strict=True)
    return [
        Figure("one job, s by the clock", tuple(batch.wall_s for batch in one)),
        Figure("two jobs, s by the clock", tuple(batch.wall_s for batch in two)),
        Figure("times real time, one job, CPU time", tuple(seconds / batch.cpu_s for batch in one), LEAST_FACTOR, True),
        Figure("times real time, one job, by the clock", tuple(seconds / batch.wall_s for batch in one)),
        Figure("two jobs / one, by the clock", tuple(a.wall_s / b.wall_s for a, b in rounds), LEAST_OF_TWO, True),
        Figure("memory of a process at most, MB", tuple(batch.rss_mb for batch in one), MOST_RSS_MB),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path, nargs="?", default=CLIP, help=f"a recording (default: {CLIP})")
    parser.add_argument("--minutes", type=length, default=10.0, help="of all clips together (default: 10)")
    parser.add_argument("--clips", type=count, default=4, help="number of clips (default: 4)")
    add_options(parser)
    given = parser.parse_args()
    if not given.clip.is_file():
        parser.error(f"{given.clip}: not found; give a clip")
    with tempfile.TemporaryDirectory() as name:
        folder, seconds = Path(name) / "clips", 0.0
        folder.mkdir()
        for number in range(given.clips):
            target = folder / f"part-{number + 1}{given.clip.suffix}"
            try:
                seconds += make_long(given.clip, target, 60 * given.minutes / given.clips)
            except (av.FFmpegError, IndexError):
                sys.exit(f"{given.clip}: no video that can be read; give a recording")
        rounds = []
        for number in range(given.rounds):
            out = Path(name) / f"out-{number}"
            rounds.append((replay(folder, out / "one", 1), replay(folder, out / "two", 2)))
    title = f"{given.clip.name}, repeated: {given.clips} clips, together {seconds / 60:.1f} minutes of recording"
    return show(title, figures(seconds, rounds), given.json)


if __name__ == "__main__":
    sys.exit(main())
