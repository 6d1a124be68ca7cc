"""Finds the hand labels of runs, and puts them on the time axis of a run."""

from __future__ import annotations

import functools
import os
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from driver_monitor import demo
from driver_monitor.bench.labelled.label_files import ClipLabelFile, LabelFiles
from driver_monitor.bench.labelled.names import name_in_labels, name_of_run
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.recording import digest
from driver_monitor.bench.report.columns import Columns
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.bench.score.labels import ClipLabels, Event, load_labels


@dataclass(frozen=True, slots=True)
class LabelledClip:
    """A clip that may have labels: the folder of its run, its name in labels, and what tells it apart."""

    folder: Path
    name: str
    identity: str


@dataclass(frozen=True, slots=True)
class LabelSpan:
    """One label on the time axis: `start` and `end` in seconds. `note`: its direction and confidence."""

    type: str
    start: float
    end: float
    note: str


def labels_of(runs: Sequence[Run], given: Path | None) -> tuple[dict[Path, ClipLabelFile], list[str]]:
    """Return folder of a run -> labels of its clip, and a line for each fault. Runs without labels are left out.

    `given`: see `pair`. None: only the bundled clip has labels.
    """
    found = {run.folder: ClipLabelFile(demo.TRUTH, _demo_truth()) for run in runs if _is_demo(run)}
    clips = [LabelledClip(run.folder, name_of_run(run), str(run.info.get("sha256"))) for run in runs]
    paired, faults = pair(clips, given, found)
    return found | paired, faults


def label_jobs(jobs: Sequence[ReplayJob], given: Path | None) -> tuple[list[ReplayJob], list[str]]:
    """Return the jobs, each with the label file of its clip, and a line for each fault. `given`: see `pair`."""
    bundled = {job.folder for job in jobs if job.clip == demo.CLIP}
    clips = [
        LabelledClip(job.folder, name_in_labels(job.clip.name, job.folder.name), os.path.realpath(job.clip))
        for job in jobs
    ]
    paired, faults = pair(clips, given, bundled)
    return [replace(job, labels=paired[job.folder].file if job.folder in paired else None) for job in jobs], faults


def pair(
    clips: Sequence[LabelledClip], given: Path | None, other: Container[Path] = ()
) -> tuple[dict[Path, ClipLabelFile], list[str]]:
    """Return folder -> labels, and a line for each fault. `other`: folders of clips that have labels anyway.

    `given`: a label file, or a folder with label files; subfolders count. A file belongs to the clip that it names, or
    else to the clip of its own name. A single file given for a single clip belongs to that clip. Faults: a damaged
    file, two files for one clip, different clips of one name, and labels for none of the clips.
    """
    if given is None:
        return {}, []
    labels = LabelFiles([given])
    faults = list(labels.faults)
    alone = next(iter(labels.files), None) if len(clips) == 1 and not given.is_dir() else None
    found = {clip.folder: fitting for clip in clips if (fitting := labels.of(clip.name) or alone) is not None}
    for file in {one.file for one in found.values()}:
        if len({clip.identity for clip in clips if clip.folder in found and found[clip.folder].file == file}) > 1:
            faults.append(f"{file}: different clips have this name; give one of them a new name, in its labels too")
            found = {folder: one for folder, one in found.items() if one.file != file}
    if labels.files and not found and not faults and not any(clip.folder in other for clip in clips):
        faults.append(f"{given}: has labels for none of these clips; name the clip in the key clip of each file")
    return found, faults


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
            _note(event),
        )
        for event in labels.events
    ]


def _note(event: Event) -> str:
    """Return direction and confidence of a label. Its sides are those of the image: the program's are the driver's."""
    words = [word for word in (event.direction or "").split("_") if word and word != "image"]
    direction = f"{' '.join(words)} in the image" if words else ""
    return ", ".join(filter(None, (direction, f"confidence {event.confidence}" if event.confidence else "")))
