"""Measures what `pipeline.step` costs at each frame rate and picture size, with a face and while nobody sits there.

    python -m tools.cost.sizes [CLIP] [--seconds 10]

Shows the same pictures at 15, 30 and 60 frames a second, and 640, 1280 and 1920 pixels wide: the clip scaled up, and
the clip so blurred that no face is left, with the noise of a sensor. All cells take turns in each round. CPU time of
one thread; decoding is not in it, as in `tools.cost.step`. The pictures are grey, as those of a decoder or of a camera
program. The last columns show whether the cost grows with the rate only: milliseconds a second over those at 30 frames
a second, and milliseconds a frame over those at 640 pixels.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from itertools import product
from statistics import median

import cv2

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.app.pipeline import Pipeline
from driver_monitor.imaging.frame import Frame, Image
from tools.cost.figures import add_options
from tools.cost.frames import add_clip, nobody, of_width, read_frames

RATES, WIDTHS, SCENES = (15, 30, 60), (640, 1280, 1920), ("face", "nobody")
Cell = tuple[str, int, int]
"""Who sits there, width in pixels, frames a second."""


def frames_at(pictures: list[Image], rate: int, seconds: float) -> Iterator[Frame]:
    """Yield `seconds` of these pictures at `rate`, from the first one again after the last."""
    for number in range(round(seconds * rate)):
        yield Frame(pictures[number % len(pictures)], number / rate, number, "sizes")


def cost(pipeline: Pipeline, frames: Iterator[Frame]) -> tuple[float, float]:
    """Return the CPU milliseconds of a frame, and the share of the frames in which a face was found."""
    spent, faces, count = 0.0, 0, 0
    for frame in frames:
        begin = time.thread_time()
        result = pipeline.step(frame)
        spent += time.thread_time() - begin
        faces += result.observation.face is not None
        count += 1
    return 1e3 * spent / count, faces / count


def rows(found: dict[Cell, list[tuple[float, float]]]) -> list[dict[str, float | str]]:
    """Return a row for each cell: the medians over the rounds."""
    ms = {cell: median(one for one, _ in runs) for cell, runs in found.items()}
    table: list[dict[str, float | str]] = []
    for (scene, width, rate), runs in found.items():
        each, at_30, at_640 = ms[scene, width, rate], ms.get((scene, width, 30)), ms.get((scene, 640, rate))
        table.append({
            "scene": scene, "width": width, "fps": rate, "ms_a_frame": each, "ms_a_second": each * rate,
            "over_30_fps": each * rate / (at_30 * 30) if at_30 else float("nan"),
            "over_640_px": each / at_640 if at_640 else float("nan"), "faces": median(share for _, share in runs),
        })  # fmt: skip
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_clip(parser, 60)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each cell in a round (default: 10)")
    add_options(parser)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    greys = [frame.grey for frame in read_frames(given.clip, given.frames)]
    plan = build.load_plan(Request())
    models = build.load_models(plan.config)
    found: dict[Cell, list[tuple[float, float]]] = {cell: [] for cell in product(SCENES, WIDTHS, RATES)}
    shown = {("face", width): [of_width(grey, width) for grey in greys] for width in WIDTHS} | {
        ("nobody", width): [of_width(nobody(grey, n), width) for n, grey in enumerate(greys)] for width in WIDTHS
    }
    for _ in range(given.rounds):
        for (scene, width, rate), runs in found.items():
            frames = frames_at(shown[scene, width], rate, given.seconds)
            runs.append(cost(build.build_pipeline(plan, models), frames))
    table = rows(found)
    if given.json:
        print(json.dumps(table, indent=1))
        return 0
    print(f"{given.clip.name}: {given.seconds:g} s of {len(greys)} pictures in each cell, {given.rounds} rounds")
    print("scene   width  fps  ms a frame  ms a second  over 30 a s  over 640 px  face found")
    for row in table:
        print(
            "{scene:7} {width:5} {fps:4} {ms_a_frame:11.3f} {ms_a_second:12.1f} {over_30_fps:12.2f} "
            "{over_640_px:12.2f} {faces:11.0%}".format(**row)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
