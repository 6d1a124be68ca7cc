"""Run a daemon for an hour on the bundled clip in a loop at 30 frames a second, and measure what it holds.

    python -m tools.attack.soak [--minutes 60]

The clip comes from an HTTP camera of this script, so the daemon reads it as a live camera. It writes a trace, and a
subscriber listens. Prints memory, descriptors and threads, and the slope of the memory after the first ten minutes.
Exit code 1: the slope is above the limit, a descriptor or thread was left open, or a message is missing.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from driver_monitor import demo
from driver_monitor.capture.recordings.clip import ClipCamera
from tools.attack.target import PATIENCE_S, Healthy, Target, started

FPS = 30.0
SAMPLE_S = 10.0
SETTLED_S = 600.0
"""Caches and the allocator's pools fill in the first ten minutes."""
MAX_SLOPE_MB_H = 0.3
"""Most growth of memory, MiB an hour. A daemon runs for weeks."""
BOUNDARY = b"frame"


class LoopCamera:
    """An HTTP camera on loopback that shows a clip again and again. `most`: how many of its frames; None: all."""

    def __init__(self, path: Path = demo.CLIP, most: int | None = None) -> None:
        with ClipCamera(path) as clip:
            frames = islice(iter(clip.read, None), most)
            self._pictures = [cv2.imencode(".jpg", frame.image)[1].tobytes() for frame in frames]
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(4096)
            head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=" + BOUNDARY + b"\r\n\r\n"
            connection.sendall(head)
            start = time.monotonic()
            for number in range(sys.maxsize):
                time.sleep(max(0.0, start + number / FPS - time.monotonic()))
                connection.sendall(_part(self._pictures[number % len(self._pictures)]))


def _part(picture: bytes) -> bytes:
    head = f"--{BOUNDARY.decode()}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode() + picture + b"\r\n"


def main() -> int:
    """Run the daemon and print what it held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0, help="duration (default: 60)")
    arguments = parser.parse_args()
    camera, healthy = LoopCamera(), Healthy()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "drive.trace.jsonl.gz"
        with started(camera.url, "--trace", str(trace)) as daemon:
            listener = threading.Thread(target=healthy.listen, args=(daemon.address,))
            listener.start()
            try:
                if not healthy.first.wait(PATIENCE_S):
                    print("the daemon publishes nothing", file=sys.stderr)
                    return 1
                samples = list(_samples(daemon, 60 * arguments.minutes))
            finally:
                healthy.over.set()
                listener.join()
            code = daemon.process.poll() if daemon.process is not None else None
    return _report(np.array(samples), healthy, code)


def _samples(daemon: Target, seconds: float) -> Iterator[tuple[float, float, int, int]]:
    """Yield time, memory (MiB), descriptors, threads every `SAMPLE_S` until the time is over or the daemon ends."""
    start = time.monotonic()
    while (t := time.monotonic() - start) < seconds and not daemon.ended():
        yield t, daemon.rss_mb(), daemon.descriptors(), daemon.threads()
        time.sleep(SAMPLE_S)


def _report(samples: np.ndarray[tuple[int, int], np.dtype[np.float64]], healthy: Healthy, code: int | None) -> int:
    t, rss, descriptors, threads = samples.T
    settled = t >= min(SETTLED_S, t[-1] / 2)
    slope = 3600 * np.polyfit(t[settled], rss[settled], 1)[0]
    first, last, most = rss[settled][0], rss[-1], rss.max()
    print(f"{t[-1] / 60:.0f} minutes: RSS {first:.1f} MB settled, {last:.1f} MB last, {most:.1f} MB most")
    print(f"slope {slope:+.2f} MB an hour after the first {t[settled][0] / 60:.0f} minutes (limit {MAX_SLOPE_MB_H})")
    grown = [int(values[-1] - values[settled][0]) for values in (descriptors, threads)]
    print(f"descriptors {grown[0]:+d}, threads {grown[1]:+d} since then")
    print(f"subscriber: {len(healthy.alerts)} alerts, {healthy.missing} missing; {healthy.statuses} statuses, "
          f"at most {healthy.gap_s:.1f} s apart; counters: {healthy.outputs}")  # fmt: skip
    good = code is None and slope <= MAX_SLOPE_MB_H and max(grown) <= 0 and healthy.missing == 0
    print("passed" if good else "FAILED")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
