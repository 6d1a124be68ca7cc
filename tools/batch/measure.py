"""Measures batches of short clips: killed and continued, in processes, on a cluster, and their processor time.

    python -m tools.batch.measure [--clips 1000] [--frames 10] [loop] [jobs] [kills] [cluster]

Makes different small clips from the demo, then does what is named (without names: all of it):

loop      one process does all clips: what the others are compared with
jobs      `replay --jobs 2`
kills     `replay --jobs 2 --resume`, of which the whole group is killed three times at random moments
cluster   a scheduler and three workers, of which one is killed after a third of the clips

CPU seconds are those of all processes, with their start. A killed worker counts what it used until then.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np

from driver_monitor.demo import CLIP

PROGRAM = [sys.executable, "-c", "from driver_monitor.cli import main; main()"]
SIZE = (320, 240)
KILLS = 3
WORKERS = 3
Runs = dict[str, tuple[int, int]]
"""Name of a complete run -> inode and time of its run.json. Both change if the clip is done again."""


def make_clips(folder: Path, number: int, frames: int) -> None:
    """Write different clips of `frames` pictures of the demo, in ten folders."""
    with av.open(str(CLIP)) as demo:
        pictures = [cv2.resize(one.to_ndarray(format="bgr24"), SIZE, interpolation=cv2.INTER_AREA)
                    for one in demo.decode(video=0)]  # fmt: skip
    for index in range(number):
        path = folder / f"trip{index % 10}" / f"clip{index:05}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        first, darker = int(index * (len(pictures) - frames) / number), 1 - (index % 7) * 0.03
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=20, options={"crf": "20", "preset": "ultrafast"})
            stream.width, stream.height = SIZE
            stream.pix_fmt = "yuv420p"
            for picture in pictures[first : first + frames]:
                frame = av.VideoFrame.from_ndarray((picture * darker).astype(np.uint8), format="bgr24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())


def runs(out: Path) -> Runs:
    """Return the name of each complete run below `out` -> inode and time of its run.json: both change in a new run."""
    found = {}
    # Unlike `rglob`, `os.walk` goes on when a folder disappears meanwhile.
    for folder, folders, files in os.walk(out):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if "run.json" in files:
            status = Path(folder, "run.json").stat()
            found[str(Path(folder).relative_to(out))] = (status.st_ino, status.st_mtime_ns)
    return found


def replay(clips: Path, out: Path, *options: str) -> subprocess.Popen[bytes]:
    program = [*PROGRAM, "replay", str(clips), "--out", str(out), *options]
    return subprocess.Popen(program, stdout=subprocess.DEVNULL, start_new_session=True)


def loop(clips: Path, out: Path) -> str:
    return f"exit code {replay(clips, out).wait()}"


def jobs(clips: Path, out: Path) -> str:
    return f"exit code {replay(clips, out, '--jobs', '2').wait()}"


def kills(clips: Path, out: Path) -> str:
    number = sum(1 for _ in clips.glob("*/*.mp4"))
    done: Runs = {}
    again, told = 0, []
    for mark in [*sorted(random.sample(range(number // 20, number - number // 20), KILLS)), None]:
        process = replay(clips, out, "--jobs", "2", "--resume")
        while mark is not None and len(runs(out)) < mark and process.poll() is None:
            time.sleep(random.uniform(0.1, 0.5))
        if mark is not None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        now = runs(out)
        again += sum(now.get(name) != run for name, run in done.items())
        done = now
        told.append(f"{len(now)}")
    return f"done after each kill and at the end: {', '.join(told)}; done twice or lost: {again}"


def cluster(clips: Path, out: Path) -> str:
    port, number = 20000 + os.getpid() % 10000, sum(1 for _ in clips.glob("*/*.mp4"))
    url, parts = f"tcp://127.0.0.1:{port}", list[subprocess.Popen[bytes]]()
    scheduler = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    worker = ["distributed.cli.dask_worker", url, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    with tempfile.TemporaryDirectory() as own:
        for words in (scheduler, *itertools.repeat([*worker, "--local-directory", own], WORKERS)):
            quiet = subprocess.DEVNULL
            parts.append(subprocess.Popen([sys.executable, "-m", *words], stdout=quiet, stderr=quiet))
        client = replay(clips, out, "--cluster", url)
        while len(runs(out)) < number // 3 and client.poll() is None:
            time.sleep(0.2)
        parts[-1].kill()
        code = client.wait()
        for part in parts:
            part.terminate()
            part.wait()
    return f"exit code {code}"


def processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


WAYS: dict[str, Callable[[Path, Path], str]] = {"loop": loop, "jobs": jobs, "kills": kills, "cluster": cluster}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ways", nargs="*", metavar="WAY", help=f"some of {', '.join(WAYS)}")
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--frames", type=int, default=10)
    options = parser.parse_args()
    if wrong := set(options.ways) - set(WAYS):
        parser.error(f"no such way: {', '.join(sorted(wrong))}")
    with tempfile.TemporaryDirectory() as folder:
        clips = Path(folder) / "clips"
        make_clips(clips, options.clips, options.frames)
        for way in options.ways or WAYS:
            out, began, before = Path(folder) / way, time.monotonic(), processor_s()
            told = WAYS[way](clips, out)
            used, wall = processor_s() - before, time.monotonic() - began
            hidden = sum(1 for _ in out.rglob(".*"))
            print(f"{way}: {len(runs(out))} runs, {hidden} hidden remains, {used:.1f} s CPU, {wall:.0f} s; {told}")


if __name__ == "__main__":
    main()
