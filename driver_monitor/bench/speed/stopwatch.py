"""Measures the time of each stage of a frame from outside: a stopwatch stands for each part, and calls it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

from driver_monitor.app.build import Part

STAGES = (
    "decode", "detector", "landmarks", "face", "eyes", "expression", "objects", "scene", "state", "rules", "other",
    "messages", "writing",
)  # fmt: skip
"""The stages of a frame, in their order. docs/speed.md says what belongs to each."""
OF_STEP = STAGES[1 : STAGES.index("messages")]
"""The stages of `Pipeline.step`: those between the decoded picture and the messages."""
ROUNDS, CALLS = 5, 2000
"""Rounds of calls by which the cost of a stopwatch is measured; the shortest counts (ours)."""
_STAGE_OF = {
    "camera": "decode", "pipeline": "other", "perception": "scene", "repeats": "scene", "orientation": "scene",
    "face_light": "scene",
}  # fmt: skip
"""The stage of each part whose name is none. A reader that is not named here is a stage of its own, in `scene`."""


class StageWatch:
    """Adds up the time of each stage, in seconds. Time inside a part that another one calls belongs to the inner one.

    Two clocks are read at each change of the stage: a monotonic one, and the processor time of this thread.
    `changes`: how often that was done.
    """

    def __init__(self) -> None:
        self.changes = 0
        self._stage, self._wall, self._cpu = "other", 0.0, 0.0
        self._spent: dict[str, list[float]] = {}

    def begin(self, stage: str) -> None:
        """Begin a frame, in this stage."""
        self._spent = {name: [0.0, 0.0] for name in STAGES}
        self._stage, self._wall, self._cpu = stage, time.perf_counter(), time.thread_time()

    def end(self) -> dict[str, list[float]]:
        """End the frame. Return the seconds by both clocks of each stage."""
        self.change("other")
        return self._spent

    def change(self, stage: str) -> str:
        """Count the time from now on for `stage`. Return the stage before."""
        wall, cpu = time.perf_counter(), time.thread_time()
        spent = self._spent.get(self._stage)
        if spent is not None:
            spent[0] += wall - self._wall
            spent[1] += cpu - self._cpu
        before, self._stage = self._stage, stage
        self.changes += 1
        self._wall, self._cpu = wall, cpu
        return before

    def around(self, name: str, part: Part) -> Part:
        """Return what stands for `part` and counts the time in its methods for its stage (see `Around`)."""
        stage = name if name in STAGES else _STAGE_OF.get(name, "scene")
        return cast(Part, _Timed(part, stage, self))


class _Timed:
    """Stands for a part. Its methods are wrapped once, and everything else is that of the part."""

    def __init__(self, part: object, stage: str, watch: StageWatch) -> None:
        self._part = part
        for name in dir(type(part)):
            if not name.startswith("_") and callable(getattr(type(part), name)):
                setattr(self, name, _timed(getattr(part, name), stage, watch))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._part, name)


def _timed(call: Callable[..., Any], stage: str, watch: StageWatch) -> Callable[..., Any]:
    def timed(*arguments: Any, **options: Any) -> Any:
        before = watch.change(stage)
        try:
            return call(*arguments, **options)
        finally:
            watch.change(before)

    return timed


def cost_of_change() -> float:
    """Return the processor time of one change of the stage, with its share of the call around it: seconds."""
    timed = _timed(_nothing, STAGES[0], StageWatch())
    rounds = []
    for _ in range(ROUNDS):
        begin = time.thread_time()
        for _ in range(CALLS):
            timed()
        rounds.append(time.thread_time() - begin)
    return min(rounds) / (2 * CALLS)


def _nothing() -> None:
    """Stand for a part that does nothing."""
