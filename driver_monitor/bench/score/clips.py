"""Score a folder of clips against a folder of labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from driver_monitor import demo
from driver_monitor.bench.batch.find_clips import SUFFIXES, find_files
from driver_monitor.bench.score import clip as clip_scoring
from driver_monitor.bench.score import summary
from driver_monitor.bench.score.clip import ClipScore, ScoreJob
from driver_monitor.bench.score.labels import load_labels
from driver_monitor.errors import LabelError, UsageError
from driver_monitor.messages.envelope import SCHEMA, Provenance


def jobs_of(clips: Path, labels: Path, every: int) -> tuple[list[ScoreJob], list[str]]:
    """Pair the clips in one folder with the label files (.json) in another. Return the jobs, and a line for each fault.

    Each may also be a single file. Subfolders are searched too.
    A label file belongs to the clip named in its field `clip`, or else to the clip with the label file's own name. A
    name without the suffix of a clip fits any suffix. Faults: a label file that is wrong or without a clip, two label
    files for one clip, a clip without labels. They have no job. Raises `LabelError` if a folder is unreadable, or holds
    no clips or no labels.
    """
    jobs: list[ScoreJob] = []
    files, faults = _files(clips, SUFFIXES, "clips")
    label_files, unreadable = _files(labels, frozenset({".json"}), "labels (.json files)")
    faults += unreadable
    for label_file in label_files:
        try:
            clip_labels = load_labels(label_file)
            clip = _clip_of(label_file, clip_labels.clip, files)
        except LabelError as error:
            faults.append(str(error))
            files = [file for file in files if file.stem != label_file.stem]
            continue
        if any(job.clip == clip for job in jobs):
            faults.append(f"{label_file}: clip: {clip.name} has labels in another file already; remove one of the two")
            continue
        jobs.append(ScoreJob(clip, label_file, clip_labels, every))
    labelled = {job.clip for job in jobs}
    unlabelled = [file for file in files if file not in labelled]
    faults += [f"{file}: has no labels in {labels}; add {file.stem}.json or move the clip" for file in unlabelled]
    return jobs, faults


def labels_of(clips: Path, labels: Path | None) -> Path:
    """Return `labels`, or those of the bundled clip if `clips` is that clip. Raises `UsageError` if there are none."""
    if labels is not None:
        return labels
    if clips == demo.CLIP:
        return demo.TRUTH
    raise UsageError(f"{clips}: name its labels with --labels; only demo has labels of its own")


def _files(folder: Path, suffixes: frozenset[str], what: str) -> tuple[list[Path], list[str]]:
    if folder.is_file() and folder.suffix.lower() in suffixes:
        return [folder], []
    found, faults = find_files(folder, suffixes)
    if not found and len(faults) == 1:
        raise LabelError(faults[0])
    if not found and not faults:
        raise LabelError(f"{folder}: no {what} in this folder; check the path")
    return found, faults


def _clip_of(label_file: Path, name: str | None, files: list[Path]) -> Path:
    wanted = name or label_file.stem
    same = [file for file in files if file.name == wanted]
    if Path(wanted).suffix.lower() not in SUFFIXES:
        same = same or [file for file in files if file.stem == wanted]
    if len(same) > 1:
        names = " and ".join(file.name for file in same)
        raise LabelError(f"{label_file}: clip: {names} have this name; give the full name of one, with its suffix")
    if not same:
        raise LabelError(f"{label_file}: clip: {wanted} is not among the clips; add the clip or remove this file")
    return same[0]


def report(scores: Sequence[ClipScore], faults: Sequence[str], origin: Provenance, every: int) -> dict[str, Any]:
    """Return the JSON object of `score clips --json`. `origin`: models, configuration, profile. `faults`: texts."""
    return {
        "schema": SCHEMA,
        "every": every,
        "model": origin.models,
        "config": origin.config,
        "profile": origin.profile,
        "clips": [clip_scoring.to_json(score) for score in scores],
        "pooled": summary.to_json(summary.pool(scores)) if scores else None,
        "faults": list(faults),
    }
