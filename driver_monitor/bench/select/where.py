"""Conditions of `--where`: which clips are meant, by their labels or by their earlier runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from driver_monitor.bench.labelled.label_files import LabelFiles, needed_labels
from driver_monitor.bench.labelled.names import name_in_labels
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.runs.read_run import read_run
from driver_monitor.bench.score.labels import TYPES, ClipLabels
from driver_monitor.errors import RunError, UsageError

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
    known = LabelFiles([])
    if any(one.key != "rule" for one in conditions):
        if labels is None:
            raise UsageError("--where label=... and person=... need --labels FOLDER, the folder of the labels")
        known = needed_labels([labels])
    fits: dict[str, Callable[[ReplayJob, str], bool]] = {
        "label": lambda job, value: (found := _labels(known, job)) is not None and bool(found.mask(value).any()),
        "person": lambda job, value: (found := _labels(known, job)) is not None and found.person == value,
        "rule": _raised,
    }
    found = [job for job in jobs if all(fits[one.key](job, one.value) for one in conditions)]
    if jobs and not found:
        wanted = " ".join(f"{one.key}={one.value}" for one in conditions)
        raise UsageError(f"--where {wanted}: none of {len(jobs):,} clips fits; check the names")
    return found, known.faults


def _labels(known: LabelFiles, job: ReplayJob) -> ClipLabels | None:
    found = known.of(name_in_labels(job.clip.name, job.folder.name))
    return None if found is None else found.labels


def _raised(job: ReplayJob, rule: str) -> bool:
    try:
        return any(alert.get("rule") == rule for alert in read_run(job.folder).alerts())
    except RunError:
        return False
