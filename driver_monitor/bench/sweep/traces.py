"""Find the traces that a user names, and pair them with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from driver_monitor.bench.batch.find_clips import find_files, is_folder
from driver_monitor.bench.batch.jobs import name_of
from driver_monitor.bench.labelled.label_files import needed_labels
from driver_monitor.bench.labelled.names import name_of_run
from driver_monitor.bench.labelled.pairs import paired_labels
from driver_monitor.bench.runs.read_run import read_run
from driver_monitor.bench.runs.run_folder import RUN
from driver_monitor.bench.score.labels import ClipLabels
from driver_monitor.errors import RunError, UsageError
from driver_monitor.messages import trace


@dataclass(frozen=True, slots=True)
class LabelledTrace:
    """A trace, and the labels of its clip from `file`. `clip_name`: of the clip. `every`: has every Nth frame."""

    path: Path
    clip_name: str
    every: int
    file: Path
    labels: ClipLabels


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    clip_name: str
    every: int


def labelled_traces(paths: Sequence[Path], labels: Sequence[Path]) -> tuple[list[LabelledTrace], list[str]]:
    """Return the traces in `paths` with their labels, in order of path, and a line for each fault.

    `paths`: traces, folders of runs, folders with such below. `labels`: folders with label files (.json), or one file.
    A label file belongs to the clip that it names, or else to the clip with its own name; a name without the suffix of
    a clip fits any. Faults: a label file that is wrong or without a trace, two for one trace, a trace without labels.
    Raises `UsageError` or `LabelError`: there are no traces or no labels.
    """
    found, faults = _traces(paths)
    pairs, wrong = paired_labels({one.path: one.clip_name for one in found}, needed_labels(labels), "trace")
    labelled = [(one, pairs[one.path]) for one in found if one.path in pairs]
    return [
        LabelledTrace(one.path, one.clip_name, one.every, labels.file, labels.labels) for one, labels in labelled
    ], faults + wrong


def _traces(paths: Sequence[Path]) -> tuple[list[_Found], list[str]]:
    files: list[Path] = []
    faults: list[str] = []
    for path in paths:
        if not is_folder(path):
            if not trace.is_trace(path):
                raise UsageError(f"{path}: not a trace (*{trace.SUFFIX}); write one with replay --trace")
            files.append(path)
            continue
        below, wrong = find_files(path, frozenset({Path(trace.SUFFIX).suffix}))
        files += [one for one in below if trace.is_trace(one)]
        faults += wrong
    if not files and not faults:
        raise UsageError(f"{paths[0]}: no traces (*{trace.SUFFIX}) in this folder; write them with replay --trace")
    unique = {path.resolve(): path for path in reversed(files)}
    return sorted(map(_named, unique.values()), key=lambda one: one.path), faults


def _named(path: Path) -> _Found:
    """Return the trace with the name of its clip: from the run.json beside it, else from its own path."""
    if path.name == trace.NAME and (path.parent / RUN).is_file():
        try:
            run = read_run(path.parent)
            every = run.info.get("every")
            return _Found(path, name_of_run(run), every if isinstance(every, int) and every > 0 else 1)
        except RunError:
            pass  # The trace alone may still be good.
    return _Found(path, str(name_of(path)), 1)
