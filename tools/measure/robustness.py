"""Score the labelled clips in five variants: as they are, infrared-like, half size, mirrored, every second frame.

    python -m tools.measure.robustness [--clips ../shared/data/clips] [--labels ../shared/data/labels] [--json]

The functions are those of `score clips`. The table shows the differences to the clips as they are. No file is written:
pictures are changed between the decoder and the pipeline.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from driver_monitor.app import build
from driver_monitor.app.build import Plan, Request
from driver_monitor.bench.batch.processes import Runner
from driver_monitor.bench.replays.recording import open_recording
from driver_monitor.bench.replays.replay import OnProgress
from driver_monitor.bench.score import summary
from driver_monitor.bench.score.clip import (
    ClipScore,
    ScoreJob,
    check_length,
    score_track,
)
from driver_monitor.bench.score.clips import jobs_of
from driver_monitor.bench.score.labels import ClipLabels
from driver_monitor.bench.score.summary import Pooled
from driver_monitor.bench.score.track import record_track
from driver_monitor.capture.camera import Camera
from driver_monitor.errors import DriverMonitorError
from driver_monitor.imaging.frame import Frame, Image

WITHIN = 0.03
"""How much lower frame F1 and event F1 may be."""
QUIET = ("portrait_s32", "portrait_d20")
"""Clips with narrow smiling eyes and with a squint. They must have no long closure."""
INFRARED_NOISE = 5.0
"""Standard deviation of the noise of a small sensor at night, grey levels."""
INFRARED_CORNER = 0.3
"""Light of an infrared lamp at the camera in the corners of the picture, as a share of that at the centre."""

RED = np.array([0.05, 0.2, 0.75], np.float32)
"""Weights of B, G and R for an infrared-like picture."""


def infrared(image: Image, number: int) -> Image:
    """Imitate an infrared camera: mostly red light (bright skin, pale lips), then lamp, tone curve and noise."""
    grey = image.astype(np.float32) if image.ndim == 2 else image.astype(np.float32) @ RED
    height, width = grey.shape
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    lamp = 1 / (1 + (1 / INFRARED_CORNER - 1) * (x * x + y * y) / 2)
    toned = 235 * (grey / 255) ** 0.75
    noise = np.random.default_rng(number).normal(0, INFRARED_NOISE, grey.shape)
    return np.asarray(np.clip(toned * lamp + noise + 0.5, 0, 255), np.uint8)


def half(image: Image, _: int) -> Image:
    return np.asarray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def mirrored(image: Image, _: int) -> Image:
    return np.ascontiguousarray(image[:, ::-1])


def as_it_is(image: Image, _: int) -> Image:
    return image


class Variant(NamedTuple):
    """A variant of a clip: `change` is applied to each picture and its number; every Nth frame (`every`) is used."""

    name: str
    change: Callable[[Image, int], Image]
    every: int = 1


VARIANTS = (
    Variant("as they are", as_it_is),
    Variant("infrared-like", infrared),
    Variant("half size", half),
    Variant("mirrored", mirrored),
    Variant("every 2", as_it_is, 2),
)


class ChangedCamera(Camera):
    """A camera whose pictures are changed by `change`."""

    def __init__(self, camera: Camera, change: Callable[[Image, int], Image]) -> None:
        self.name, self.live, self.frames = camera.name, camera.live, camera.frames
        self._camera, self._change = camera, change

    def read(self) -> Frame | None:
        """See `Camera.read`."""
        frame = self._camera.read()
        return frame and dataclasses.replace(frame, picture=self._change(frame.image, frame.sequence))

    def close(self) -> None:
        """See `Camera.close`."""
        self._camera.close()


def mirrored_labels(labels: ClipLabels) -> ClipLabels:
    other = {"left": "right", "right": "left"}
    turned = [
        event.model_copy(
            update={"direction": event.direction and "_".join(other.get(w, w) for w in event.direction.split("_"))}
        )
        for event in labels.events
    ]
    return labels.model_copy(update={"events": turned})


@dataclasses.dataclass(frozen=True)
class VariantJob:
    """One clip in one of `VARIANTS`."""

    scored: ScoreJob
    index: int

    @property
    def clip(self) -> Path:
        """The clip."""
        return self.scored.clip


def measure(job: VariantJob, plan: Plan, progress: OnProgress | None = None) -> ClipScore:
    """Score one clip in one variant. Raises `DriverMonitorError`."""
    variant = VARIANTS[job.index]
    scored = dataclasses.replace(job.scored, every=variant.every)
    pipeline = build.build_pipeline(plan, build.load_models(plan.config))
    with open_recording(job.clip, plan.config.camera, variant.every) as camera:
        track = record_track(ChangedCamera(camera, variant.change), pipeline, variant.every, progress)
    check_length(scored, track)
    labels = mirrored_labels(scored.labels) if variant.change is mirrored else scored.labels
    return score_track(job.clip.name, labels, track, plan.profile)


def quiet_faults(scores: list[ClipScore]) -> int:
    """Count long false closures while talking or laughing, with lowered lids, and in the clips of `QUIET`."""
    return sum(
        len(score.eyes.long) if Path(score.clip).stem in QUIET else sum(score.eyes.long_while.values())
        for score in scores
    )


def table(results: dict[str, list[ClipScore]]) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("clips", "frame F1", "", "event F1", "", "share", "unknown", "face", "look_away", "long", "quiet"):
        shown.add_column(column, justify="left" if column == "clips" else "right", no_wrap=True)
    base = summary.pool(results[VARIANTS[0].name])
    for name, scores in results.items():
        one = summary.pool(scores)
        shown.add_row(
            name,
            *(text for key in ("frame_f1", "event_f1") for text in (_value(one, key), _change(one, base, key, name))),
            *(_value(one, key) for key in ("closed_share_error", "unknown_share", "face_present")),
            _value(one, "look_away_agreement"),
            str(one.rates["false_long_closures"].count),
            str(quiet_faults(scores)),
        )
    return shown


def _value(of: Pooled, key: str) -> str:
    value = of.ratios[key].value
    return "-" if value is None else f"{value:.3f}"


def _change(of: Pooled, base: Pooled, key: str, name: str) -> str:
    value, before = of.ratios[key].value, base.ratios[key].value
    if name == VARIANTS[0].name or value is None or before is None:
        return ""
    return f"{value - before:+.3f}" + ("" if value >= before - WITHIN else " !")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, default=Path("../shared/data/clips"))
    parser.add_argument("--labels", type=Path, default=Path("../shared/data/labels"))
    parser.add_argument("--config", type=Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true", help="print the pooled scores of all variants as JSON")
    arguments = parser.parse_args()
    plan = build.load_plan(Request(arguments.config))
    scored, faults = jobs_of(arguments.clips, arguments.labels, 1)
    jobs = [VariantJob(job, index) for index in range(len(VARIANTS)) for job in scored]
    results: dict[str, list[ClipScore]] = {variant.name: [] for variant in VARIANTS}
    for outcome in Runner(measure, plan).run(jobs, arguments.jobs, Console(stderr=True)):
        name = VARIANTS[outcome.job.index].name
        if outcome.result is None:
            faults.append(f"{name}: {outcome.error}")
        else:
            results[name].append(outcome.result)
    for fault in faults:
        print(fault, file=sys.stderr)
    if arguments.json:
        together = {name: {**summary.to_json(summary.pool(s)), "quiet": quiet_faults(s)} for name, s in results.items()}
        print(json.dumps(together))
    else:
        Console(width=120).print(table(results))
        print(
            f"! : more than {WITHIN} lower.  long: false closures of at least 0.5 s.  quiet: the long ones while "
            f"talking, laughing, with lowered lids, or in {' and '.join(QUIET)}; must be 0."
        )


if __name__ == "__main__":
    try:
        main()
    except DriverMonitorError as error:
        sys.exit(str(error))
