"""Measures `pipeline.step` against the bare nets that it runs, and against two other programs, in one run on one core.

    python -m tools.cost.step [CLIP] [--mediapipe /opt/mp/bin/python] [--dsd FOLDER]

Blocks of 30 frames take turns: the step, the bare nets on the inputs of the same frames, MediaPipe's FaceMesh with
irises alone, and the loop of Driver-State-Detection (FaceMesh, EAR, PERCLOS, gaze, head pose). Each of the last two is
a process in an environment with mediapipe 0.10.21 (tools/README.md). `--dsd` is a checkout:

    git clone https://github.com/e-candeloro/Driver-State-Detection && git -C Driver-State-Detection checkout 060587b

Without --mediapipe and --dsd, only the nets are compared. All times are CPU times of the whole process. All processes
run on one core. Decoding is in none of them, nor does any of them draw or show a picture (of Driver-State-Detection
only three lines at the nose, which its head pose draws). Exit code 1: an aim is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.app.pipeline import Pipeline
from driver_monitor.imaging.frame import Frame
from tools.cost.figures import Figure, add_options, show
from tools.cost.frames import add_clip, read_frames
from tools.house.step_ratio import bare, record, step_through
from tools.measure.speed import BLOCK, Look, facemesh

AIMS = {"bare nets": 1.3, "Driver-State-Detection": 0.25, "FaceMesh alone": 0.5}
"""The most that a step may cost, in times of each of them (issue: one millisecond a frame)."""
STEP = "pipeline.step"
Side = Callable[[int, int], float]
"""Processes the frames from the first up to the last, which is not included. Returns CPU milliseconds a frame."""


class Steps:
    """Puts frames through a pipeline, a new one each time the clip begins."""

    def __init__(self, frames: list[Frame], new: Callable[[], Pipeline]) -> None:
        self._frames, self._new, self._pipeline = frames, new, new()

    def __call__(self, first: int, last: int) -> float:
        """See `Side`."""
        if first == 0:
            self._pipeline = self._new()
        return clock(partial(step_through, self._pipeline, fresh(self._frames[first:last])), last - first)


def fresh(frames: list[Frame]) -> list[Frame]:
    """Return new frames of the same pictures: a frame keeps its grey picture once that is made."""
    return [Frame(frame.picture, frame.t, frame.sequence, frame.source, frame.t_mono) for frame in frames]


def clock(work: Callable[[], object], frames: int) -> float:
    """Return the CPU milliseconds a frame of `work`, in all threads of this process."""
    begin = time.process_time()
    work()
    return 1e3 * (time.process_time() - begin) / frames


def child(look: Look) -> Side:
    """Return the side of another process."""
    return lambda first, last: look(first, last).cpu


def take_turns(sides: Mapping[str, Side], frames: int, rounds: int) -> dict[str, list[float]]:
    """Return for each side the CPU milliseconds a frame of each round. The first round only warms up.

    In each block another side is first, so that what one leaves in the caches meets all alike.
    """
    found: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(rounds + 1):
        spent = dict.fromkeys(names, 0.0)
        for index, first in enumerate(range(0, frames, BLOCK)):
            last = min(first + BLOCK, frames)
            turn = (index + number) % len(names)
            for name in names[turn:] + names[:turn]:
                spent[name] += sides[name](first, last) * (last - first)
        if number:
            for name, total in spent.items():
                found[name].append(total / frames)
    return found


def figures(found: Mapping[str, list[float]]) -> list[Figure]:
    """Return milliseconds of each side, and the ratios of the step to the others with their aims."""
    steps = found[STEP]
    others = [name for name in found if name != STEP]
    ratios = {name: tuple(a / b for a, b in zip(steps, found[name], strict=True)) for name in others}
    return [
        *(Figure(f"{name}, CPU ms a frame", tuple(values)) for name, values in found.items()),
        *(Figure(f"step / {name}", ratio, AIMS[name]) for name, ratio in ratios.items()),
    ]


def pin() -> None:
    """Let this process, and those that it starts from now on, run on one core only."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_clip(parser, 300)
    parser.add_argument("--mediapipe", type=Path, help="the Python of an environment with mediapipe 0.10.21")
    parser.add_argument("--dsd", type=Path, help="a checkout of Driver-State-Detection; needs --mediapipe")
    add_options(parser)
    given = parser.parse_args()
    if given.dsd and not given.mediapipe:
        parser.error("--dsd needs --mediapipe; give the Python of an environment with mediapipe")
    for path in filter(None, (given.mediapipe, given.dsd)):
        if not path.exists():
            parser.error(f"{path}: not found; give an existing path")
    pin()
    cv2.setNumThreads(1)
    frames = read_frames(given.clip, given.frames)
    plan = build.load_plan(Request())
    models = build.load_models(plan.config)
    calls = record(fresh(frames), build.build_pipeline(plan, models).step)
    sides: dict[str, Side] = {
        STEP: Steps(frames, lambda: build.build_pipeline(plan, models)),
        "bare nets": lambda first, last: clock(partial(bare, calls[first:last]), last - first),
    }
    with ExitStack() as processes:
        for name, folder in (("FaceMesh alone", None), ("Driver-State-Detection", given.dsd)):
            if given.mediapipe and (folder or name == "FaceMesh alone"):
                images = [frame.image for frame in frames]
                look, version = processes.enter_context(facemesh(given.mediapipe, images, folder))
                sides[name] = child(look)
                print(f"{name}: mediapipe {version}", file=sys.stderr)
        found = take_turns(sides, len(frames), given.rounds)
    height, width = np.shape(frames[0].grey)
    title = f"{given.clip.name}: {len(frames)} frames of {width} x {height}, {given.rounds} rounds, one core"
    return show(title, figures(found), given.json)


if __name__ == "__main__":
    sys.exit(main())
