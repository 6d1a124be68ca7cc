"""Measures what `pipeline.step` costs at each frame rate and picture size, with a face and while nobody sits there.

    python -m tools.cost.sizes [CLIP] [--seconds 10]

Shows the same pictures at 15, 30 and 60 frames a second, and 640, 1280 and 1920 pixels wide: the clip scaled up, and
the clip as a mosaic too coarse for a face, with the noise of a sensor. All cells take turns in each round. CPU time of
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
from typing import NamedTuple

import cv2

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.app.pipeline import Pipeline
from driver_monitor.imaging.frame import Frame, Image
from tools.cost.figures import add_options, length
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


class Row(NamedTuple):
    """Medians of one cell. `over_30_fps`: of the cost a second; `over_640_px`: of the cost a frame; None: not known."""

    cell: Cell
    ms_a_frame: float
    ms_a_second: float
    over_30_fps: float | None
    over_640_px: float | None
    faces: float

    def line(self) -> str:
        """Return the line of the table."""
        over = [
            f"{'-' if ratio is None else format(ratio, '.2f'):>12}" for ratio in (self.over_30_fps, self.over_640_px)
        ]
        scene, width, fps = self.cell
        return (
            f"{scene:7} {width:5} {fps:4} {self.ms_a_frame:11.3f} {self.ms_a_second:12.1f} {' '.join(over)} "
            f"{self.faces:11.0%}"
        )


def rows(found: dict[Cell, list[tuple[float, float]]]) -> list[Row]:
    """Return a row for each cell: the medians over the rounds."""
    ms = {cell: median(one for one, _ in runs) for cell, runs in found.items()}
    table = []
    for (scene, width, rate), runs in found.items():
        each, at_30, at_640 = ms[scene, width, rate], ms.get((scene, width, 30)), ms.get((scene, 640, rate))
        by_rate = each * rate / (at_30 * 30) if at_30 else None
        by_size = each / at_640 if at_640 else None
        faces = median(share for _, share in runs)
        table.append(Row((scene, width, rate), each, each * rate, by_rate, by_size, faces))
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_clip(parser, 60)
    parser.add_argument("--seconds", type=length, default=10.0, help="of each cell in a round (default: 10)")
    add_options(parser)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    greys = [frame.grey for frame in read_frames(given.clip, given.frames)]
    plan = build.load_plan(Request())
    models = build.load_models(plan.config)
    found: dict[Cell, list[tuple[float, float]]] = {cell: [] for cell in product(SCENES, WIDTHS, RATES)}
    empty = [nobody(grey, number) for number, grey in enumerate(greys)]
    scenes = {"face": greys, "nobody": empty}
    shown = {(scene, width): [of_width(one, width) for one in scenes[scene]] for scene in SCENES for width in WIDTHS}
    for _ in range(given.rounds):
        for (scene, width, rate), runs in found.items():
            frames = frames_at(shown[scene, width], rate, given.seconds)
            runs.append(cost(build.build_pipeline(plan, models), frames))
    table = rows(found)
    if given.json:
        print(json.dumps([row._asdict() for row in table], indent=1))
        return 0
    print(f"{given.clip.name}: {given.seconds:g} s of {len(greys)} pictures in each cell, {given.rounds} rounds")
    print("scene   width  fps  ms a frame  ms a second  over 30 a s  over 640 px  face found")
    for row in table:
        print(row.line())
    return 0


if __name__ == "__main__":
    sys.exit(main())
