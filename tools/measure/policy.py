"""Measure time and memory of state and rules over an hour of synthetic driving.

    python -m tools.measure.policy [--trace FILE.trace.jsonl.gz ...] [--profile default]

The driving is the lap of the spot check, repeated, each time with a closure, a look away or a yawn, at 30 frames a
second. With `--trace` it is traces of real clips, repeated for an hour. Memory is what Python holds (tracemalloc, after
a collection) after each quarter of an hour. It would grow if something kept every blink.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from driver_monitor.bench.spot_check import Segment, lap, observations
from driver_monitor.config.profiles import load_profile
from driver_monitor.data.observation import Observation
from driver_monitor.messages import trace_reader
from driver_monitor.rules.engine import Engine
from driver_monitor.state.tracker import StateTracker

FPS, HOUR_S, QUARTERS = 30.0, 3600.0, 4


def driving() -> Iterator[Observation]:
    """Yield an hour of laps, each with an event for the rules."""
    acts = [
        Segment(2.5, lids=0.05),
        Segment(4.5, yaw=50.0),
        Segment(3.0, pitch=-40.0),
        Segment(5.0, mouth=0.8),
        Segment(0.3, lids=0.05),
    ]
    start = 0.0
    for act in itertools.cycle(acts):
        last = start
        for observation in observations([*lap(), act, Segment(5.0)], FPS):
            last = start + observation.t
            if last >= HOUR_S:
                return
            yield replace(observation, t=last)
        start = last + 1 / FPS


def recorded(paths: list[Path]) -> Iterator[Observation]:
    """Yield the observations of the traces, repeated for an hour."""
    start = 0.0
    for path in itertools.cycle(paths):
        first, t = None, start
        for _, observation in trace_reader.read(path)[1]:
            first = observation.t if first is None else first
            t = start + observation.t - first
            if t >= HOUR_S:
                return
            yield replace(observation, t=t)
        if first is None:
            raise SystemExit(f"{path}: no frames in it; write it with: driver-monitor replay CLIP --trace")
        start = t + 1 / FPS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trace", type=Path, nargs="+", default=[], help="traces to use instead")
    parser.add_argument("--profile", default="default")
    options = parser.parse_args()
    frames = list(recorded(options.trace) if options.trace else driving())
    state, engine = StateTracker(), Engine(load_profile(options.profile)[0])
    taken = np.zeros(len(frames))
    alerts = 0
    for i, one in enumerate(frames):
        began = time.perf_counter()
        verdict = engine.update(state.update(one))
        taken[i] = time.perf_counter() - began
        alerts += sum(event.phase == "raised" for event in verdict.events)
    low, middle, high = np.percentile(taken, (5, 50, 99)) * 1e3
    print(f"{len(frames)} frames, {alerts} alerts: mean {taken.mean() * 1e3:.4f} ms a frame, median {middle:.4f},"
          f" 5 % {low:.4f}, 99 % {high:.4f}")  # fmt: skip
    state, engine = StateTracker(), Engine(load_profile(options.profile)[0])
    tracemalloc.start()
    quarter = len(frames) // QUARTERS
    for i, one in enumerate(frames, 1):
        engine.update(state.update(one))
        if i % quarter == 0:
            gc.collect()
            print(f"after {15 * (i // quarter)} min: {tracemalloc.get_traced_memory()[0] / 1024:.0f} KiB held")


if __name__ == "__main__":
    main()
