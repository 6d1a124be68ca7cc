"""Count how often an ordinary frame moves from file to file on its way through the live daemon.

The daemon runs on a clip in real time, with journal, ZeroMQ and mock pins. Two threads work on a frame: the capture
thread decodes it, and the main thread does the rest. In each thread every call of a function of `driver_monitor` is
noted with its file. A move is a call into another file than the call before; a move between packages goes into another
folder at the top of `driver_monitor`. The result is the median over the frames.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from types import FrameType
from typing import Any

import driver_monitor
from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.app.daemon import Daemon
from driver_monitor.app.part_table import Setup, open_parts
from driver_monitor.app.process.clock import boot_id, wall_clock
from driver_monitor.app.process.systemd import Notifier
from driver_monitor.capture.grabber import Grabber
from driver_monitor.messages.envelope import LiveStamper
from driver_monitor.outputs.journal import in_plain
from tools import SHARED

PACKAGE = f"{Path(driver_monitor.__file__).parent}/"
CLIP = SHARED / "data/clips/phone_2.mp4"
CONFIG = "gpio: {{backend: mock}}\nzmq: {{bind: 'tcp://127.0.0.1:*'}}\nservice: {{state_dir: {folder}}}\n"
WARM_UP = 20
"""Frames at the beginning that do not count: the face is searched in them."""


class Recorder:
    """Notes the file of every call in one thread, frame by frame. `first`: the function with which a frame begins."""

    def __init__(self, first: Callable[..., Any]) -> None:
        self._first = first.__code__
        self.ways: list[list[str]] = []

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Take one event of `sys.setprofile`."""
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(PACKAGE):
            return
        if code is self._first:
            self.ways.append([])
        if self.ways:
            self.ways[-1].append(code.co_filename.removeprefix(PACKAGE))


def folder_of(file: str) -> str:
    """Return the top-level folder of a file of the package, or the file itself if it is in none."""
    return file.partition("/")[0]


def moves(way: Sequence[str]) -> int:
    """Return how often an element differs from the one before."""
    return sum(one != other for one, other in pairwise(way))


def drive(clip: Path) -> tuple[list[list[str]], list[list[str]]]:
    """Run the daemon on `clip`; return the ways of its frames in the capture thread and in the main thread."""
    capture, main_thread = Recorder(Grabber._read), Recorder(Daemon._step)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(CONFIG.format(folder=folder))
        started = time.monotonic()
        setup = Setup(build.load_plan(Request(config, str(clip))), in_plain(io.StringIO()), started)

        def profile(frame: FrameType, event: str, argument: object) -> None:
            if threading.current_thread().name == "capture":
                capture(frame, event, argument)

        threading.setprofile(profile)
        try:
            with open_parts(setup) as parts:
                stamper = LiveStamper(parts.numbers.next, wall_clock, "trip", boot_id())
                daemon = Daemon(parts, stamper, Notifier({}), time.monotonic, started, lambda _: None)
                sys.setprofile(main_thread)
                daemon.run()
                sys.setprofile(None)
        finally:
            threading.setprofile(None)
    judged = [way for way in main_thread.ways if any(file.startswith("rules/") for file in way)]
    return capture.ways[WARM_UP:-1], judged[WARM_UP:-1]


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clip", type=Path, nargs="?", default=CLIP)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--way", action="store_true", help="also print the files of one ordinary frame, in order")
    arguments = parser.parse_args()
    ways = drive(arguments.clip)
    counts = {
        "files_moved": sum(median(moves(way) for way in thread) for thread in ways),
        "packages_moved": sum(median(moves([folder_of(file) for file in way]) for way in thread) for thread in ways),
        "files_entered": sum(median(len(set(way)) for way in thread) for thread in ways),
        "calls": sum(median(len(way) for way in thread) for thread in ways),
        "frames": len(ways[1]),
    }
    if arguments.json:
        print(json.dumps(counts))
    else:
        for name, value in counts.items():
            print(f"{name.replace('_', ' '):<16}{value:g}")
    if arguments.way:
        ordinary = sorted(ways[1], key=moves)[len(ways[1]) // 2]
        print("\n".join(file for before, file in pairwise(["", *ordinary]) if file != before))


if __name__ == "__main__":
    main()
