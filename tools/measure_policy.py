"""Measure what state and rules cost: an hour of synthetic driving, time a frame and memory at the end of each quarter.

    .venv/bin/python tools/measure_policy.py [--trace FILE.trace.jsonl.gz ...] [--profile default]

Driving is the lap of `spot-check` over and over, with a closure, a look away or a yawn in each, at 30 frames
a second; or traces of real clips, one after the other and over again with time going on. Memory is what Python holds
(tracemalloc, after a collection), after each quarter of an hour: a policy that remembers every blink would show.
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
from driver_monitor.messages import trace
from driver_monitor.rules.engine import Engine
from driver_monitor.state.tracker import StateTracker

FPS, HOUR_S, QUARTERS = 30.0, 3600.0, 4


def driving() -> Iterator[Observation]:
    """Return an hour of laps, each with something the rules have to deal with."""
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
        for seen in observations([*lap(), act, Segment(5.0)], FPS):
            last = start + seen.t
            if last >= HOUR_S:
                return
            yield replace(seen, t=last)
        start = last + 1 / FPS


def recorded(paths: list[Path]) -> Iterator[Observation]:
    """Return what the traces hold, over and over for an hour."""
    start = 0.0
    for path in itertools.cycle(paths):
        first, t = None, start
        for _, seen in trace.read(path)[1]:
            first = seen.t if first is None else first
            t = start + seen.t - first
            if t >= HOUR_S:
                return
            yield replace(seen, t=t)
        if first is None:
            raise SystemExit(f"{path}: holds no frame; write it with: driver-monitor replay CLIP --trace")
        start = t + 1 / FPS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trace", type=Path, nargs="+", default=[])
    parser.add_argument("--profile", default="default")
    options = parser.parse_args()
    seen = list(recorded(options.trace) if options.trace else driving())
    state, engine = StateTracker(), Engine(load_profile(options.profile)[0])
    taken = np.zeros(len(seen))
    alerts = 0
    for i, one in enumerate(seen):
        began = time.perf_counter()
        verdict = engine.update(state.update(one))
        taken[i] = time.perf_counter() - began
        alerts += sum(event.phase == "raised" for event in verdict.events)
    low, middle, high = np.percentile(taken, (5, 50, 99)) * 1e3
    print(f"{len(seen)} frames, {alerts} alerts: mean {taken.mean() * 1e3:.4f} ms a frame, median {middle:.4f},"
          f" 5 % {low:.4f}, 99 % {high:.4f}")  # fmt: skip
    state, engine = StateTracker(), Engine(load_profile(options.profile)[0])
    tracemalloc.start()
    quarter = len(seen) // QUARTERS
    for i, one in enumerate(seen, 1):
        engine.update(state.update(one))
        if i % quarter == 0:
            gc.collect()
            print(f"after {15 * (i // quarter)} min: {tracemalloc.get_traced_memory()[0] / 1024:.0f} KiB held")


if __name__ == "__main__":
    main()
