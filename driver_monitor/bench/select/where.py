"""Conditions of `--where`: which clips are meant, by their labels or by their earlier runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from driver_monitor.bench.batch.find_clips import SUFFIXES, find_files
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.runs.read_run import read_run
from driver_monitor.bench.score.labels import TYPES, ClipLabels, Event, load_labels
from driver_monitor.errors import LabelError, RunError, UsageError

KEYS = ("label", "person", "rule")
EXPECTED = "expected label=TYPE, person=NAME or rule=NAME"


@dataclass(frozen=True, slots=True)
class ClipCondition:
    """`key` is one of `KEYS`. A clip fits if it has this label or person, or if its run in --out raised this rule."""

    key: str
    value: str


def condition(text: str) -> ClipCondition:
    """Return the condition in `text`, such as "label=yawn". Raises `UsageError`."""
    key, equals, value = text.partition("=")
    if not equals or key not in KEYS or not value:
        raise UsageError(f"--where {text}: {EXPECTED}")
    if key == "label" and value not in TYPES:
        raise UsageError(f"--where {text}: no such type of label; there are {', '.join(sorted(TYPES))}")
    return ClipCondition(key, value)


def chosen(
    jobs: Sequence[ReplayJob], conditions: Sequence[ClipCondition], labels: Path | None
) -> tuple[list[ReplayJob], list[str]]:
    """Return the jobs that fit all `conditions`, and a line for each file with labels that cannot be used.

    `labels`: the folder of the labels. A clip without labels has none, and one without a run raised no rule. Raises
    `UsageError` if `labels` is missing and needed, or no job fits; `LabelError` if the folder cannot be read.
    """
    faults: list[str] = []
    of_clip: dict[str, ClipLabels] = {}
    if any(one.key != "rule" for one in conditions):
        if labels is None:
            raise UsageError("--where label=... and person=... need --labels FOLDER, the folder of the labels")
        of_clip, faults = _labels_in(labels)
    fits: dict[str, Callable[[ReplayJob, str], bool]] = {
        "label": lambda job, value: any(one.type == value for one in _events(of_clip, job.clip)),
        "person": lambda job, value: (found := _labels(of_clip, job.clip)) is not None and found.person == value,
        "rule": _raised,
    }
    found = [job for job in jobs if all(fits[one.key](job, one.value) for one in conditions)]
    if jobs and not found:
        wanted = " ".join(f"{one.key}={one.value}" for one in conditions)
        raise UsageError(f"--where {wanted}: none of {len(jobs):,} clips fits; check the names")
    return found, faults


def _labels_in(folder: Path) -> tuple[dict[str, ClipLabels], list[str]]:
    """Return name of a clip, with or without suffix -> its labels; and a line for each file that cannot be used."""
    files, faults = find_files(folder, frozenset({".json"}))
    if not files:
        raise LabelError(faults[0] if faults else f"{folder}: no labels (.json files) in this folder; check the path")
    of_clip: dict[str, ClipLabels] = {}
    for file in files:
        try:
            labels = load_labels(file)
        except LabelError as error:
            faults.append(str(error))
            continue
        of_clip[labels.clip or file.stem] = labels
    return of_clip, faults


def _labels(of_clip: dict[str, ClipLabels], clip: Path) -> ClipLabels | None:
    # As in `score clips`: a name without the suffix of a clip fits any suffix.
    plain = of_clip.get(clip.stem) if Path(clip.stem).suffix.lower() not in SUFFIXES else None
    return of_clip.get(clip.name, plain)


def _events(of_clip: dict[str, ClipLabels], clip: Path) -> Sequence[Event]:
    found = _labels(of_clip, clip)
    return [] if found is None else found.events


def _raised(job: ReplayJob, rule: str) -> bool:
    try:
        return any(alert.get("rule") == rule for alert in read_run(job.folder).alerts())
    except RunError:
        return False
