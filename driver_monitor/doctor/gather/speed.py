"""Measures the pipeline and each net on frames of the bundled demo, in which there is a face."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from driver_monitor.doctor.gather.machine import Machine
from driver_monitor.doctor.verdicts.speed import SpeedFacts
from driver_monitor.errors import DriverMonitorError

if TYPE_CHECKING:
    from driver_monitor.app.build import Models, Plan

WARM_UP = 10
"""First frames that do not count: the face is searched, and memory is taken."""


class Stopwatch:
    """Stands for a net, and adds up the time of all calls of its methods in `spent`: milliseconds and calls."""

    def __init__(self, net: object, clock: Callable[[], float]) -> None:
        self._net, self._clock = net, clock
        self.spent = [0.0, 0]

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._net, name)
        if not callable(value):
            return value

        def timed(*arguments: Any, **options: Any) -> Any:
            start = self._clock()
            answer = value(*arguments, **options)
            self.spent[0] += (self._clock() - start) * 1000.0
            self.spent[1] += 1
            return answer

        return timed


def measure_speed(machine: Machine, plan: Plan, models: Models, fps: float) -> SpeedFacts:
    """Return the time of a frame and of each net, at `fps` frames a second."""
    from driver_monitor import demo
    from driver_monitor.app.build import NET_FILES, build_pipeline
    from driver_monitor.capture.recordings.clip import ClipCamera

    watches = {name: Stopwatch(net, machine.clock) for name in NET_FILES if (net := getattr(models, name)) is not None}
    pipeline = build_pipeline(plan, replace(models, **cast(Any, watches)))
    spent: dict[str, float] = defaultdict(float)
    try:
        with ClipCamera(demo.CLIP) as clip:
            frames = list(islice(iter(clip.read, None), WARM_UP + machine.frames))
        for number, frame in enumerate(frames):
            if number == WARM_UP:
                for watch in watches.values():
                    watch.spent = [0.0, 0]
            _ = frame.grey
            start = machine.clock()
            pipeline.step(frame)
            spent["loop"] += (machine.clock() - start) * 1000.0 if number >= WARM_UP else 0.0
    except DriverMonitorError as error:
        return SpeedFacts(fps, fault=str(error))
    nets = {name: watch.spent[0] / watch.spent[1] for name, watch in watches.items() if watch.spent[1]}
    return SpeedFacts(fps, spent["loop"] / max(1, len(frames) - WARM_UP), len(frames) - WARM_UP, nets)
