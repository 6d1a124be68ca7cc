"""Find the traces that a user names, and pair them with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from driver_monitor import demo
from driver_monitor.bench.batch.find_clips import SUFFIXES, find_files, is_folder
from driver_monitor.bench.batch.jobs import name_of
from driver_monitor.bench.runs.read_run import read_run
from driver_monitor.bench.runs.run_folder import RUN
from driver_monitor.bench.score.labels import ClipLabels, load_labels
from driver_monitor.errors import LabelError, RunError, UsageError
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
    files, wrong = _label_files(labels)
    faults += wrong
    pairs: dict[Path, LabelledTrace] = {}
    unused: set[str] = set()
    for file in files:
        try:
            clip_labels = load_labels(file)
            one = _trace_of(file, clip_labels, found)
        except LabelError as error:
            faults.append(str(error))
            unused.add(file.stem)
            continue
        if one.path in pairs:
            faults.append(
                f"{file}: {one.clip_name} has labels in {pairs[one.path].file} already; remove one of the two"
            )
            continue
        pairs[one.path] = LabelledTrace(one.path, one.clip_name, one.every, file, clip_labels)
    for one in found:
        if one.path not in pairs and Path(one.clip_name).stem not in unused:
            faults.append(f"{one.path}: {one.clip_name} has no labels; add them or leave out this trace")
    return [pairs[one.path] for one in found if one.path in pairs], faults


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
            info = read_run(path.parent).info
            every = info.get("every")
            return _Found(path, str(info["clip"]), every if isinstance(every, int) and every > 0 else 1)
        except RunError:
            pass  # The trace alone may still be good.
    return _Found(path, str(name_of(path)), 1)


def _label_files(labels: Sequence[Path]) -> tuple[list[Path], list[str]]:
    files: list[Path] = []
    faults: list[str] = []
    for path in labels:
        if str(path) == "demo" and not path.exists():
            files.append(demo.TRUTH)
        elif is_folder(path):
            found, wrong = find_files(path, frozenset({".json"}))
            files += found
            faults += wrong
            if not found and not wrong:
                raise LabelError(f"{path}: no labels (.json files) in this folder; check the path")
        else:
            files.append(path)
    return list(dict.fromkeys(files)), faults


def _trace_of(file: Path, labels: ClipLabels, found: Sequence[_Found]) -> _Found:
    wanted = labels.clip or file.stem
    same = [one for one in found if one.clip_name == wanted]
    same = same or [one for one in found if _stem(one.clip_name) == _stem(wanted) and _open(one.clip_name, wanted)]
    if len(same) > 1:
        raise LabelError(f"{file}: clip: {same[0].path} and {same[1].path} are traces of {wanted}; give one of them")
    if not same:
        raise LabelError(f"{file}: clip: {wanted} is not among the traces; add its trace or leave out this file")
    return same[0]


def _stem(name: str) -> str:
    return Path(name).stem if Path(name).suffix.lower() in SUFFIXES else name


def _open(one: str, other: str) -> bool:
    """Return whether one of two names has no suffix of a clip."""
    return any(Path(name).suffix.lower() not in SUFFIXES for name in (one, other))
