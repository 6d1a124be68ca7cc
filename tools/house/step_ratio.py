"""Time of `pipeline.step` relative to the bare nets, and import times, in one run.

    python -m tools.house.step_ratio [CLIP] [--frames 300] [--json]

A first pass records the inputs of every net. Then blocks of frames take turns: the whole step, and the bare
`session.run` calls on the recorded inputs. Times are CPU times of one thread, so other load hardly moves the ratio.
Decoding is not part of a step; its time is printed beside it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.app.pipeline import Pipeline
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.demo import CLIP
from driver_monitor.imaging.frame import Frame
from driver_monitor.nets.onnx_model import OnnxModel

BLOCK = 15
"""Frames in a block: half a second of most clips."""
REPEATS = 3
"""Passes over the clip: each block's ratio is the median of so many."""
MODULES = ("driver_monitor.cli.program.main", "driver_monitor.app.run")
"""The command line, and the daemon with all that it builds."""
IMPORTS = 5
"""Starts of Python for one import time; the median counts."""

Feeds = Mapping[str, NDArray[np.float32]]


def frames_of(clip: Path, most: int) -> tuple[list[Frame], float]:
    """Return the first frames of `clip` and the milliseconds of decoding one."""
    with ClipCamera(clip) as camera:
        begin = time.process_time()
        frames = [frame for _ in range(most) if (frame := camera.read()) is not None]
        return frames, 1e3 * (time.process_time() - begin) / len(frames)


def record(frames: list[Frame], step: Callable[[Frame], object]) -> list[list[tuple[OnnxModel, Feeds]]]:
    """Return for each frame the nets that ran with their inputs."""
    calls: list[list[tuple[OnnxModel, Feeds]]] = []
    original = OnnxModel.run

    def run(model: OnnxModel, feeds: Feeds) -> Any:
        calls[-1].append((model, {name: np.array(value) for name, value in feeds.items()}))
        return original(model, feeds)

    setattr(OnnxModel, "run", run)  # noqa: B010 - mypy forbids the assignment
    try:
        for frame in frames:
            calls.append([])
            step(frame)
    finally:
        setattr(OnnxModel, "run", original)  # noqa: B010
    return calls


def bare(calls: list[list[tuple[OnnxModel, Feeds]]]) -> None:
    """Run the nets on recorded inputs, with nothing around them."""
    for frame in calls:
        for model, feeds in frame:
            model._session.run(model._outputs, feeds)


def step_through(pipeline: Pipeline, frames: list[Frame]) -> None:
    """Put `frames` through the pipeline."""
    for frame in frames:
        pipeline.step(frame)


def clock(work: Callable[[], object]) -> float:
    begin = time.thread_time()
    work()
    return time.thread_time() - begin


def ratio(clip: Path, most: int) -> dict[str, float]:
    """Return the figures of one clip; times in milliseconds a frame."""
    plan = build.load_plan(Request())
    models = build.load_models(plan.config)
    frames, decode = frames_of(clip, most)
    calls = record(frames, build.build_pipeline(plan, models).step)
    starts = range(0, len(frames), BLOCK)
    steps, nets = np.zeros((2, REPEATS, len(starts)))
    for repeat in range(REPEATS):
        pipeline = build.build_pipeline(plan, models)
        for index, start in enumerate(starts):
            part = slice(start, start + BLOCK)
            steps[repeat, index] = clock(partial(step_through, pipeline, frames[part]))
            nets[repeat, index] = clock(partial(bare, calls[part]))
    ratios = np.median(steps, 0) / np.maximum(np.median(nets, 0), 1e-9)
    seen = np.array([any(calls[start : start + BLOCK]) for start in starts])
    low, middle, high = np.quantile(ratios[seen], (0.1, 0.5, 0.9))
    return {
        "ratio": float(middle),
        "low": float(low),
        "high": float(high),
        "total": float(steps.sum() / nets.sum()),
        "step_ms": float(1e3 * np.median(steps, 0).sum() / len(frames)),
        "nets_ms": float(1e3 * np.median(nets, 0).sum() / len(frames)),
        "decode_ms": decode,
        "frames": len(frames),
    }


def import_ms(module: str) -> float:
    """Return the CPU milliseconds of importing `module` into a fresh Python."""
    code = f"import time; begin = time.process_time(); import {module}; print(time.process_time() - begin)"
    runs = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True) for _ in range(IMPORTS)]
    return 1e3 * float(np.median([float(run.stdout) for run in runs]))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clip", type=Path, nargs="?", default=CLIP)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    figures = ratio(arguments.clip, arguments.frames)
    imports = {module: import_ms(module) for module in MODULES}
    if arguments.json:
        print(json.dumps({**figures, "import_ms": imports}))
        return
    print(
        "{frames} frames: step {step_ms:.2f} ms, nets {nets_ms:.2f} ms, decoding {decode_ms:.2f} ms".format(**figures)
    )
    print("step / nets: median {ratio:.2f}, 80 % of blocks {low:.2f} to {high:.2f}, sum {total:.2f}".format(**figures))
    for module, spent in imports.items():
        print(f"import {module}: {spent:.0f} ms")


if __name__ == "__main__":
    main()
