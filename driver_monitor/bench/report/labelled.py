"""Finds the hand labels of runs, and puts them on the time axis of a run."""

from __future__ import annotations

import functools
import os
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from driver_monitor import demo
from driver_monitor.bench.batch.find_clips import find_files
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.recording import digest
from driver_monitor.bench.report.columns import Columns
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.bench.score.labels import ClipLabels, load_labels
from driver_monitor.errors import LabelError
from driver_monitor.messages import trace


@dataclass(frozen=True, slots=True)
class RunLabels:
    """The labels of the clip of a run, and their `file`."""

    file: Path
    labels: ClipLabels


@dataclass(frozen=True, slots=True)
class LabelledClip:
    """A clip that may have labels: the folder of its run, the names labels may give it, and what tells it apart."""

    folder: Path
    names: tuple[str, ...]
    identity: str

    def among(self, by_name: Mapping[str, RunLabels]) -> list[RunLabels]:
        """Return the labels with one of the names of this clip, its full name first."""
        return [by_name[name] for name in self.names if name in by_name]


@dataclass(frozen=True, slots=True)
class LabelSpan:
    """One label on the time axis: `start` and `end` in seconds. `note`: its direction and confidence."""

    type: str
    start: float
    end: float
    note: str


def labels_of(runs: Sequence[Run], given: Path | None) -> tuple[dict[Path, RunLabels], list[str]]:
    """Return folder of a run -> labels of its clip, and a line for each fault. Runs without labels are left out.

    `given`: see `pair`. None: only the bundled clip has labels.
    """
    found = {run.folder: RunLabels(demo.TRUTH, _demo_truth()) for run in runs if _is_demo(run)}
    clips = [LabelledClip(run.folder, _names(run), str(run.info.get("sha256"))) for run in runs]
    paired, faults = pair(clips, given, found)
    return found | paired, faults


def label_jobs(jobs: Sequence[ReplayJob], given: Path | None) -> tuple[list[ReplayJob], list[str]]:
    """Return the jobs, each with the label file of its clip, and a line for each fault. `given`: see `pair`."""
    bundled = {job.folder for job in jobs if job.clip == demo.CLIP}
    clips = [
        LabelledClip(job.folder, names_of(job.clip.name, job.folder.name), os.path.realpath(job.clip)) for job in jobs
    ]
    paired, faults = pair(clips, given, bundled)
    return [replace(job, labels=paired[job.folder].file if job.folder in paired else None) for job in jobs], faults


def pair(
    clips: Sequence[LabelledClip], given: Path | None, other: Container[Path] = ()
) -> tuple[dict[Path, RunLabels], list[str]]:
    """Return folder -> labels, and a line for each fault. `other`: folders of clips that have labels anyway.

    `given`: a label file, or a folder with label files; subfolders count. A file belongs to the clip that it names, or
    else to the clip of its own name. A single file given for a single clip belongs to that clip. Faults: a damaged
    file, two files for one clip, different clips of one name, and labels for none of the clips.
    """
    if given is None:
        return {}, []
    files, faults = find_files(given, frozenset({".json"})) if given.is_dir() else ([given], [])
    by_name: dict[str, RunLabels] = {}
    for file in files:
        try:
            labels = RunLabels(file, load_labels(file))
        except LabelError as error:
            faults.append(str(error))
            continue
        name = labels.labels.clip or file.stem
        if name in by_name:
            faults.append(f"{file}: clip: {name} has labels in {by_name[name].file} already; remove one of the two")
        by_name.setdefault(name, labels)
    alone = list(by_name.values()) if len(clips) == 1 and not given.is_dir() else []
    found = {clip.folder: fitting[0] for clip in clips if (fitting := clip.among(by_name) or alone)}
    for file in {labels.file for labels in found.values()}:
        if len({clip.identity for clip in clips if clip.folder in found and found[clip.folder].file == file}) > 1:
            faults.append(f"{file}: different clips have this name; give one of them a new name, in its labels too")
            found = {folder: labels for folder, labels in found.items() if labels.file != file}
    if by_name and not found and not faults and not any(clip.folder in other for clip in clips):
        faults.append(f"{given}: has labels for none of these clips; name the clip in the key clip of each file")
    return found, faults


def names_of(clip: str, folder: str) -> tuple[str, ...]:
    """Return the names by which labels may call a clip. Traces are called alike: the name of the `folder` counts."""
    return (folder,) if trace.is_trace(Path(clip)) else (clip, Path(clip).stem)


def _names(run: Run) -> tuple[str, ...]:
    return names_of(str(run.info.get("clip", "")), Path(run.name).name)


def _is_demo(run: Run) -> bool:
    return run.info.get("clip") == demo.CLIP.name and run.info.get("sha256") == _demo_digest()


@functools.cache
def _demo_digest() -> str:
    return digest(demo.CLIP)


@functools.cache
def _demo_truth() -> ClipLabels:
    return load_labels(demo.TRUTH)


def spans(columns: Columns, labels: ClipLabels) -> list[LabelSpan]:
    """Return the labels on the time axis of a run. A label ends where the frame after its last one begins."""
    frames, t = columns.numbers["frame"], columns.t

    def time(frame: int) -> float:
        row = int(np.searchsorted(frames, frame))
        return float(t[row]) if row < len(t) else float(t[-1]) + (frame - float(frames[-1])) / labels.fps

    if not len(columns):
        return []
    return [
        LabelSpan(
            event.type,
            time(event.start),
            time(event.end + 1),
            " ".join(filter(None, (event.direction, f"confidence {event.confidence}" if event.confidence else None))),
        )
        for event in labels.events
    ]
