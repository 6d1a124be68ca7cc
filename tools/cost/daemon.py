"""Measures what the whole daemon costs: its CPU time over that of `pipeline.step`, its start and its memory.

    python -m tools.cost.daemon [CLIP] [--camera raw|mjpeg] [--seconds 10]

Each round starts `driver-monitor run` as its own process, with the default outputs and two subscribers that want
everything, at 30 frames a second. After its first state and 3 s more, the CPU time of all its threads is taken for
--seconds. Then this process puts the same pictures through `pipeline.step`, as `tools.cost.step` does.

`raw` is a camera program that sends grey pictures, as `rpicam` does on a Raspberry Pi: the capture thread only reads
them. With `mjpeg`, an HTTP camera sends JPEG pictures, and the capture thread decodes them. The cost of the camera
program itself is not that of the daemon. The memory is the most that the process had (VmHWM). Exit code 1: an aim is
missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import zmq

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.imaging.frame import Frame
from tools.attack.soak import LoopCamera
from tools.attack.target import PATIENCE_S, started
from tools.cost.figures import Figure, add_options, length, show
from tools.cost.frames import add_clip, raw_camera, read_frames
from tools.cost.step import clock, fresh
from tools.house.step_ratio import step_through

FPS = 30.0
SETTLE_S = 3.0
"""Seconds after the first state that are not measured: caches fill, and the frames of the start are caught up."""
SUBSCRIBERS = 2
LEAST_HZ = 29.0
"""Frames a second that the daemon must keep up with; else the machine is too busy to say what a frame costs."""
MOST_STEPS, MOST_START_S, MOST_RSS_MB = 1.5, 1.2, 120.0
"""Aims (issue: one millisecond a frame)."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the daemon: CPU seconds to its first state, CPU milliseconds a frame (main thread, all), MB, 1/s."""

    start_s: float
    main_ms: float
    all_ms: float
    rss_mb: float
    frames_hz: float


def cpu_seconds(process: int) -> tuple[float, float]:
    """Return the CPU seconds of the main thread of `process`, and of all its threads that still run.

    The daemon's threads run as long as it does. Its children, such as a camera program, do not count.
    """
    spent = {}
    for thread in Path(f"/proc/{process}/task").iterdir():
        with suppress(OSError):  # it has just ended
            spent[int(thread.name)] = int((thread / "schedstat").read_text().split()[0]) / 1e9
    return spent[process], sum(spent.values())


@contextmanager
def listening(address: str, topic: str = "", count: int = SUBSCRIBERS) -> Iterator[list[zmq.Socket[bytes]]]:
    """Yield `count` subscribers to what the daemon publishes at `address` under `topic`; default: everything."""
    with zmq.Context() as context:
        sockets = []
        for _ in range(count):
            socket = context.socket(zmq.SUB)
            socket.setsockopt(zmq.RECONNECT_IVL, 10)
            socket.setsockopt(zmq.LINGER, 0)
            socket.subscribe(topic)
            socket.connect(address)
            sockets.append(socket)
        try:
            yield sockets
        finally:
            for socket in sockets:
                socket.close()


def hear(sockets: list[zmq.Socket[bytes]], until: float) -> Iterator[tuple[str, bytes]]:
    """Receive at all `sockets` until the monotonic time `until`. Yield topic and payload of what the first one got."""
    poller = zmq.Poller()
    for socket in sockets:
        poller.register(socket, zmq.POLLIN)
    while (left := until - time.monotonic()) > 0:
        for found, _ in poller.poll(round(1e3 * left) + 1):
            topic, payload = found.recv_multipart()
            if found is sockets[0]:
                yield topic.decode(), payload


def next_status(process: int, sockets: list[zmq.Socket[bytes]], after: float) -> tuple[float, float, int]:
    """Wait for the first status after the monotonic time `after`. Return the CPU seconds then and the frames so far.

    The CPU seconds are those of the main thread and of all threads. Ends the program if no status comes.
    """
    for topic, payload in hear(sockets, after + PATIENCE_S):
        if topic.startswith("status/") and time.monotonic() >= after:
            camera = json.loads(payload)["camera"]
            return *cpu_seconds(process), camera["captured"] - camera["dropped"]
    sys.exit(f"the daemon published no status within {PATIENCE_S:g} s; see its messages above")


def run_daemon(source: str, seconds: float) -> Run:
    """Start the daemon on `source`, measure it for `seconds`, and end it. Ends the program if it does not start."""
    with started(source) as daemon, listening(daemon.address) as sockets:
        assert daemon.process is not None
        process = daemon.process.pid
        if not any(topic.startswith("state/") for topic, _ in hear(sockets, time.monotonic() + PATIENCE_S)):
            sys.exit(f"the daemon published no state within {PATIENCE_S:g} s; see its messages above")
        start_s = cpu_seconds(process)[1]
        main_before, all_before, first = next_status(process, sockets, time.monotonic() + SETTLE_S)
        begin = time.monotonic()
        main_after, all_after, last = next_status(process, sockets, time.monotonic() + seconds)
        frames = max(last - first, 1)
        main_ms, all_ms = 1e3 * (main_after - main_before) / frames, 1e3 * (all_after - all_before) / frames
        return Run(start_s, main_ms, all_ms, daemon.rss_mb("VmHWM"), frames / (time.monotonic() - begin))


@contextmanager
def source_of(kind: str, clip: Path, frames: list[Frame]) -> Iterator[str]:
    """Yield the source of a camera that shows these frames of `clip` again and again, 30 a second."""
    if kind == "mjpeg":
        yield LoopCamera(clip, len(frames)).url
        return
    with tempfile.TemporaryDirectory() as folder:
        yield raw_camera([frame.grey for frame in frames], Path(folder), FPS)


def figures(runs: list[Run], steps: list[float]) -> list[Figure]:
    """Return the figures of all rounds. `steps`: CPU milliseconds of `pipeline.step` in each round."""
    pairs = list(zip(runs, steps, strict=True))
    return [
        Figure("pipeline.step, CPU ms a frame", tuple(steps)),
        Figure("main thread of the daemon, CPU ms a frame", tuple(run.main_ms for run in runs)),
        Figure("whole daemon, CPU ms a frame", tuple(run.all_ms for run in runs)),
        Figure("frames a second", tuple(run.frames_hz for run in runs), LEAST_HZ, least=True),
        Figure("daemon / pipeline.step", tuple(run.all_ms / step for run, step in pairs), MOST_STEPS),
        Figure("start to the first state, CPU s", tuple(run.start_s for run in runs), MOST_START_S),
        Figure("memory at most, MB", tuple(run.rss_mb for run in runs), MOST_RSS_MB),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_clip(parser, 300)
    parser.add_argument("--camera", choices=("raw", "mjpeg"), default="raw", help="what the camera sends")
    parser.add_argument("--seconds", type=length, default=10.0, help="of a round (default: 10)")
    add_options(parser)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    frames = read_frames(given.clip, given.frames)
    plan = build.load_plan(Request())
    models = build.load_models(plan.config)
    runs, steps = [], []
    with source_of(given.camera, given.clip, frames) as source:
        for _ in range(given.rounds):
            runs.append(run_daemon(source, given.seconds))
            pipeline = build.build_pipeline(plan, models)
            settle = min(round(SETTLE_S * FPS), len(frames) // 2)  # the start of the daemon is not measured either
            step_through(pipeline, fresh(frames[:settle]))
            steps.append(clock(partial(step_through, pipeline, fresh(frames[settle:])), len(frames) - settle))
    title = f"{given.clip.name} from a {given.camera} camera, {FPS:g} frames a second, {SUBSCRIBERS} subscribers"
    return show(title, figures(runs, steps), given.json)


if __name__ == "__main__":
    sys.exit(main())
