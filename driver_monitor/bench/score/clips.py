"""Score a folder of clips against a folder of labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from driver_monitor import demo
from driver_monitor.bench.batch.find_clips import SUFFIXES, find_files
from driver_monitor.bench.labelled.label_files import needed_labels
from driver_monitor.bench.labelled.pairs import paired_labels
from driver_monitor.bench.score import clip as clip_scoring
from driver_monitor.bench.score import summary
from driver_monitor.bench.score.clip import ClipScore, ScoreJob
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
    files, faults = _clips(clips)
    pairs, wrong = paired_labels({file: file.name for file in files}, needed_labels([labels]), "clip")
    return [ScoreJob(clip, one.file, one.labels, every) for clip, one in pairs.items()], faults + wrong


def labels_of(clips: Path, labels: Path | None) -> Path:
    """Return `labels`, or those of the bundled clip if `clips` is that clip. Raises `UsageError` if there are none."""
    if labels is not None:
        return labels
    if clips == demo.CLIP:
        return demo.TRUTH
    raise UsageError(f"{clips}: name its labels with --labels; only demo has labels of its own")


def _clips(folder: Path) -> tuple[list[Path], list[str]]:
    if folder.is_file() and folder.suffix.lower() in SUFFIXES:
        return [folder], []
    found, faults = find_files(folder, SUFFIXES)
    if not found and len(faults) == 1:
        raise LabelError(faults[0])
    if not found and not faults:
        raise LabelError(f"{folder}: no clips in this folder; check the path")
    return found, faults


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
