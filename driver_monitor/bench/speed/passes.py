"""Replays a clip with stopwatches, without them, and with the bare nets alone: block by block, in turns.

Other load on the computer, heat and a lower clock then meet all three alike.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from driver_monitor.app.build import Models, Plan, as_it_is
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.recording import Recording, opened
from driver_monitor.bench.replays.replay import replayed
from driver_monitor.bench.replays.writers import ReplayedFrame, RunWriter, open_writers
from driver_monitor.bench.runs.run_folder import RunFolder
from driver_monitor.bench.speed.nets import BareNet, recording, run_bare
from driver_monitor.bench.speed.stopwatch import OF_STEP, STAGES, Stopwatch
from driver_monitor.capture.camera import RecordingFacts

BLOCK = 15
"""Frames in a block: half a second of most clips."""
WARM_UP = 30
"""Frames that are replayed before anything is measured (ours): memory is taken, and the clock rises."""
Floats = NDArray[np.float64]


@dataclass
class Times:
    """Seconds of all passes; a row for each repeat.

    `stages`: (repeats, frames, stages, 2), wall and processor.

    `plain`: (repeats, frames), wall seconds of a whole frame without stopwatches. `plain_cpu`: (repeats, blocks),
    processor seconds of a block of all threads. `nets`: the same of the bare nets. `changes`: (repeats,) changes of the
    stage in a pass. `runs`: processor seconds of each run of a net, by name. `facts`, `size`: of the clip.
    """

    stages: Floats
    plain: Floats
    plain_cpu: Floats
    nets: Floats
    changes: Floats
    runs: dict[str, list[float]] = field(default_factory=dict)
    facts: RecordingFacts | None = None
    size: tuple[int, int] = (0, 0)

    def step_cpu(self) -> Floats:
        """Return (repeats, blocks): processor seconds of the stages of `Pipeline.step`."""
        indices = [STAGES.index(name) for name in OF_STEP]
        frames = self.stages[:, :, indices, 1].sum(2)
        return np.stack([part.sum(1) for part in np.split(frames, range(BLOCK, frames.shape[1], BLOCK), 1)], 1)


class Replaying:
    """A replay that goes on block by block, and writes into a folder that is removed at the end."""

    def __init__(self, recording: Recording, plan: Plan, writers: list[RunWriter]) -> None:
        self.recording = recording
        self._frames, self._writers = replayed(recording, plan), writers
        self.size = (0, 0)

    def block(self, count: int) -> tuple[list[float], float]:
        """Replay `count` frames, or fewer at the end. Return the wall seconds of each, and the processor seconds."""
        wall, cpu = [], time.process_time()
        for _ in range(count):
            begin = time.perf_counter()
            frame = next(self._frames, None)
            if frame is None:
                break
            self._write(frame)
            wall.append(time.perf_counter() - begin)
        return wall, time.process_time() - cpu

    def watched_block(self, count: int, watch: Stopwatch) -> list[list[list[float]]]:
        """Do the same with stopwatches. Return the seconds of each frame by stage and clock."""
        spent = []
        for _ in range(count):
            watch.begin("messages")
            frame = next(self._frames, None)
            if frame is None:
                break
            watch.change("writing")
            self._write(frame)
            spent.append(list(watch.end().values()))
        return spent

    def _write(self, frame: ReplayedFrame) -> None:
        for writer in self._writers:
            writer.write(frame)
        if frame.picture is not None and not self.size[0]:
            height, width = frame.picture.grey.shape
            self.size = (width, height)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What is measured: the replay of `job` with `plan`, `models` and the bare `nets` of these. `sha256`: of the clip.

    The first `frames` frames are measured, `repeats` times.
    """

    job: ReplayJob
    plan: Plan
    models: Models
    nets: dict[str, BareNet]
    sha256: str
    frames: int
    repeats: int

    @contextmanager
    def replaying(self, watch: Stopwatch | None = None) -> Iterator[Replaying]:
        """Open a replay; with `watch`, its parts are measured."""
        models, around = (self.models, as_it_is) if watch is None else (_watched(self.models, watch), watch.around)
        with TemporaryDirectory() as name, ExitStack() as files:
            folder = files.enter_context(RunFolder(Path(name) / "run", "bench"))
            clip = files.enter_context(opened(self.job, self.plan, models, self.sha256, around))
            yield Replaying(clip, self.plan, open_writers(self.job, clip, folder, files))


def _watched(models: Models, watch: Stopwatch) -> Models:
    """Return `models` whose detector and landmark net are stages. The other nets are measured with their readers."""
    parts: dict[str, Any] = {name: watch.around(name, getattr(models, name)) for name in ("detector", "landmarks")}
    return replace(models, **cast(Any, parts))


def measure(subject: Subject) -> Times:
    """Replay the clip in each way. Raises `DriverMonitorError` if it cannot be read."""
    with subject.replaying() as warm:
        warm.block(WARM_UP)
    runs: dict[str, list[float]] = {}
    passes = [_one_pass(subject, repeat, runs) for repeat in range(subject.repeats)]
    joined = {
        name: np.concatenate([getattr(one, name) for one in passes])
        for name in ("stages", "plain", "plain_cpu", "nets", "changes")
    }
    return Times(**joined, runs=runs, facts=passes[-1].facts, size=passes[-1].size)


def _one_pass(subject: Subject, repeat: int, runs: dict[str, list[float]]) -> Times:
    watch = Stopwatch()
    stages: list[list[list[float]]] = []
    plain: list[float] = []
    blocks: list[tuple[float, float]] = []
    with subject.replaying() as bare_loop, subject.replaying(watch) as watched_loop:
        while len(plain) < subject.frames:
            count = min(BLOCK, subject.frames - len(plain))
            first = bare_loop.block(count) if (len(blocks) + repeat) % 2 else None
            with recording(subject.nets) as calls:
                spent = watched_loop.watched_block(count, watch)
            wall, plain_cpu = first or bare_loop.block(count)
            if not wall:
                break
            stages += spent
            plain += wall
            blocks.append((plain_cpu, run_bare(subject.nets, calls, runs)))
        camera = bare_loop.recording.camera
        facts = None if camera is None else camera.facts()
    plain_cpu_s, nets_s = np.array(blocks).T[:, None]
    rows = np.array(stages)[None], np.array(plain)[None]
    return Times(*rows, plain_cpu_s, nets_s, np.array([watch.changes]), facts=facts, size=bare_loop.size)
