"""Make clips with faults of the camera, and measure what is told of each and when; and harmless clips, with none told.

    python -m tools.camera.faults [CLIP ...] [--only covered_hand turned_up] [--jobs 2] [--show FOLDER]

Without CLIP: the demo, by day and in infrared. A clip is played to and fro for 9 s, then the fault begins and lasts
12 s. Pictures are changed between the decoder and the pipeline; no clip is written. `--show` writes a picture of each
fault. `TELLS` names what has to be told within 10 s. Exit code 1: something else was told, or nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from driver_monitor import demo
from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.data.observation import Box
from driver_monitor.imaging.frame import Frame, Image
from tools.camera.fault_pictures import FAULTS, Moment, noisy
from tools.measure.robustness import infrared

BEFORE_S, AFTER_S, WITHIN_S = 9.0, 12.0, 10.0
MOST_FPS = 10.0
MOST_FRAMES = 90
SEED = 20261129


@dataclass(frozen=True)
class Job:
    """One clip with one fault. `night`: the clip is changed into an infrared one before."""

    clip: Path
    fault: str
    night: bool = False
    first: int = 0


def pictures(clip: Path, first: int) -> tuple[list[Image], float]:
    """Return up to `MOST_FRAMES` pictures of a clip from frame `first`, and their rate."""
    with ClipCamera(clip) as camera:
        times = [frame.t for frame in (camera.read() for _ in range(3)) if frame is not None]
    rate = (len(times) - 1) / (times[-1] - times[0])
    every = max(1, round(rate / MOST_FPS))
    with ClipCamera(clip, every=every) as camera:
        after = (frame.image for frame in iter(camera.read, None) if frame.sequence >= first)
        return list(islice(after, MOST_FRAMES)), rate / every


def to_and_fro(images: list[Image]) -> Iterator[Image]:
    """Yield the pictures forwards, then backwards, without end and without a jump."""
    while True:
        yield from images[:-1]
        yield from images[:0:-1]


def run(job: Job) -> tuple[Job, list[tuple[str, float]], Image]:
    """Return the camera states told after the fault began, in order, each with its delay; and one picture with it."""
    images, fps = pictures(job.clip, job.first)
    if job.night:
        images = [infrared(image, number) for number, image in enumerate(images)]
    plan = build.load_plan(Request())
    pipeline = build.build_pipeline(plan, build.load_models(plan.config))
    rng, fault = np.random.default_rng(SEED), FAULTS[job.fault][0]
    told: list[tuple[str, float]] = []
    still, shown = images[0], images[0]
    face = seen = Box(0, 0, 1, 1)
    for number, original in enumerate(to_and_fro(images)):
        s = number / fps - BEFORE_S
        if s > AFTER_S:
            break
        image = noisy(original, rng, 1.0)
        if s >= 0:
            image = fault(Moment(image, s, still, seen, rng))
            shown = image if s < WITHIN_S / 2 else shown
        else:
            still, seen = image, face
        state = pipeline.step(Frame(image, number / fps, number, "test")).state
        face = state.face.box if state.face else face
        if s >= 0 and state.camera != (told[-1][0] if told else "ok"):
            told.append((state.camera, round(s, 1)))
        elif s < 0 and state.camera != "ok":
            told.append((f"before:{state.camera}", round(s, 1)))
    return job, told, shown


def right(job: Job, told: list[tuple[str, float]]) -> bool:
    """Return whether just the expected state was told, within `WITHIN_S`."""
    expected = FAULTS[job.fault][1]
    if expected == "ok":
        return not told
    return len(told) == 1 and told[0][0] == expected and told[0][1] <= WITHIN_S


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="*")
    parser.add_argument("--only", nargs="*", choices=list(FAULTS), default=list(FAULTS))
    parser.add_argument("--night", action="store_true", help="change the clips into infrared ones first")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--show", type=Path)
    arguments = parser.parse_args()
    if arguments.clips:
        jobs = [Job(clip, fault, arguments.night) for fault in arguments.only for clip in arguments.clips]
    else:
        jobs = [Job(demo.CLIP, fault, first=first) for fault in arguments.only for first in (0, 560)]
    wrong = 0
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for job, told, shown in pool.map(run, jobs):
            good = right(job, told)
            wrong += not good
            text = ", ".join(f"{state} {delay:.1f} s" for state, delay in told) or "nothing told"
            where = f"{job.clip.stem}@{job.first}{' as infrared' if job.night else ''}"
            print(f"{job.fault:22} {where:34} {text}{'' if good else '   WRONG'}", flush=True)
            if arguments.show:
                arguments.show.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(arguments.show / f"{job.fault}_{job.clip.stem}_{job.first}.jpg"), shown)
    print(f"{wrong} of {len(jobs)} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
