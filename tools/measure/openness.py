"""Measure blinks and alerts on recorded eyelid opening: slow, long, very long and partial blinks, and squints.

    python -m tools.measure.openness [--data ../shared/data/openness] [--fps 30]

Data: one person, 120 Hz, lids of both eyes in millimetres, the condition in the name of the file
(marcus-nystrom/BlinkDetector, MIT). The opening is the lid distance over the 70th percentile of the recording. A soft
step at a quarter open replaces the eye net. So this measures state and rules, not the camera.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from driver_monitor.bench.spot_check import Segment, observations
from driver_monitor.config.profiles import load_profile
from driver_monitor.data.driver_state import Blink
from driver_monitor.data.observation import EyesView, EyeView, Observation
from driver_monitor.rules.engine import Engine
from driver_monitor.state.eyes.closure import BLINK_MAX_S
from driver_monitor.state.tracker import StateTracker
from tools import SHARED

Floats = NDArray[np.float64]


def read(path: Path) -> tuple[Floats, Floats, Floats]:
    """Return the time in seconds and the opening of the left and the right eye in millimetres, NaN where unknown."""
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))

    def column(name: str) -> Floats:
        return np.array([float(row[name].replace(",", ".") or "nan") for row in rows])

    t = column("Recording timestamp") / 1e6
    return t - t[0], column("Eye openness left"), column("Eye openness right")


def eye(opening: float) -> EyeView:
    if not math.isfinite(opening):
        return EyeView(None, None, "blur")
    return EyeView(min(opening, 2.0), 1 / (1 + math.exp(min((opening - 0.25) / 0.05, 50))))


def observed(path: Path, fps: float) -> Iterator[Observation]:
    """Yield what a camera with `fps` frames a second would see: a driver who looks ahead, with the recorded lids."""
    t, left, right = read(path)
    usual = float(np.nanpercentile(np.concatenate([left, right]), 70))
    face = next(observations([Segment(1.0)], 1.0))
    due = 0.0
    for k in range(len(t)):
        if t[k] < due - 1e-4:
            continue
        due = t[k] + 1 / fps
        yield replace(face, t=float(t[k]), eyes=EyesView(eye(left[k] / usual), eye(right[k] / usual), 0.0, 0.0))


def measure(path: Path, fps: float) -> tuple[list[Blink], list[float], Counter[str]]:
    """Return the blinks, the length of each closure in seconds, and the number of raised alerts by rule."""
    state, engine = StateTracker(), Engine(load_profile("default")[0])
    blinks: list[Blink] = []
    closures: list[float] = []
    raised: Counter[str] = Counter()
    closed_s = 0.0
    for seen in observed(path, fps):
        now = state.update(seen)
        blinks += [now.blink] if now.blink else []
        raised.update(event.rule for event in engine.update(now).events if event.phase == "raised")
        if now.eyes.closed_s == 0.0 and closed_s > 0.0:
            closures.append(closed_s)
        closed_s = closed_s if now.eyes.closed_s is None else now.eyes.closed_s
    return blinks, closures, raised


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data/openness")
    parser.add_argument("--fps", type=float, default=30.0, help="frames a second that are used")
    options = parser.parse_args()
    columns = ("recording", "blinks", "duration, median (10 to 90 %)", "lowest", "up to 0.4 s", "longer", "from 1 s")
    print(f"| {' | '.join(columns)} | alerts |")
    print("| --- " * 8 + "|")
    for path in sorted(options.data.glob("*.tsv.gz")):
        blinks, closures, raised = measure(path, options.fps)
        low, middle, high = np.percentile([blink.duration_s for blink in blinks], (10, 50, 90))
        lowest = np.median([blink.lowest for blink in blinks])
        normal = sum(length <= BLINK_MAX_S for length in closures)
        long = sum(BLINK_MAX_S < length < 1.0 for length in closures)
        alerts = ", ".join(f"{count} {rule}" for rule, count in raised.items()) or "none"
        print(f"| {path.name.removeprefix('P1_').split('.')[0].replace('_', ' ')} | {len(blinks)} | {middle:.2f} s"
              f" ({low:.2f} to {high:.2f}) | {lowest:.2f} | {normal} | {long} | {len(closures) - normal - long}"
              f" | {alerts} |")  # fmt: skip


if __name__ == "__main__":
    main()
