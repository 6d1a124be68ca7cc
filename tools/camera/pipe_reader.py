"""Measure what it costs to read a camera through a pipe: CPU time of the reading thread for each frame.

    python -m tools.camera.pipe_reader [--seconds 5] [--rate 30] [--size 640x480]

A child process writes pictures in each format, at the rate of a camera. Prints a line for each format: frames a second,
CPU time a frame (median and mean of the thread, milliseconds), and calls of readv a frame. Exit code 1: a mean of more
than 0.5 ms for frames of up to 640x480.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

from driver_monitor.capture.child.pipe_camera import PipeCamera
from driver_monitor.config.camera_program import camera_program
from driver_monitor.config.schema import CameraConfig

LIMIT_MS = 0.5
"""Most CPU time for a frame of 640x480."""
WRITER = """
import sys, time

header, mark, length, rate = sys.argv[1].encode(), sys.argv[2].encode(), int(sys.argv[3]), float(sys.argv[4])
out, picture, begin, number = sys.stdout.buffer, bytes(range(256)) * (int(sys.argv[3]) // 256), time.monotonic(), 0
out.write(header + b"\\n" if header else b"")
while True:
    out.write((mark + b"\\n" if mark else b"") + picture)
    out.flush()
    number += 1
    time.sleep(max(0.0, begin + number / rate - time.monotonic()))
"""
WRITER_ARGUMENT = WRITER.replace("\\", "\\\\").replace('"', '\\"')


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=30.0)
    parser.add_argument("--size", default="640x480")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    area = width * height
    means = []
    for name, length in (("gray8", area), ("i420", area * 3 // 2), ("y4m mono", area), ("y4m 420", area * 3 // 2)):
        y4m, space = name.startswith("y4m"), name.removeprefix("y4m ")
        words = f"'YUV4MPEG2 W{width} H{height} C{space}' FRAME" if y4m else "'' ''"
        form = "" if y4m else f"raw:{options.size}:{name}:"
        source = f'pipe:{form}{sys.executable} -S -c "{WRITER_ARGUMENT}" {words} {length} {options.rate}'
        means.append(measure(name, source, round(options.seconds * options.rate)))
    return int(area <= 640 * 480 and max(means) > LIMIT_MS)


def measure(name: str, source: str, count: int) -> float:
    """Read `count` frames, print the line, and return the mean CPU time of a frame in milliseconds."""
    program = camera_program(source)
    assert program is not None
    costs = []
    with PipeCamera(program, CameraConfig()) as camera:
        camera.read()
        begin, calls = time.monotonic(), camera.calls
        for _ in range(count):
            before = time.thread_time()
            camera.read()
            costs.append((time.thread_time() - before) * 1e3)
        took, calls = time.monotonic() - begin, camera.calls - calls
    mean = statistics.fmean(costs)
    print(
        f"{name:9} {count / took:5.1f} frames a second, CPU {statistics.median(costs):.3f} ms a frame "
        f"(mean {mean:.3f}), {calls / count:.2f} reads a frame"
    )
    return mean


if __name__ == "__main__":
    sys.exit(main())
