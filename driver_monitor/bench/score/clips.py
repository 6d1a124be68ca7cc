"""A folder of clips against a folder of labels: finds the pairs, replays them, and says what could not be scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TaskID

from driver_monitor.app.build import Plan
from driver_monitor.bench import processes
from driver_monitor.bench.score import clip as scored_clip
from driver_monitor.bench.score import summary
from driver_monitor.bench.score.clip import ClipScore, Scored, Task
from driver_monitor.bench.score.labels import load_labels
from driver_monitor.errors import DriverMonitorError, LabelError
from driver_monitor.messages.envelope import SCHEMA, Provenance

SUFFIXES = frozenset(
    {".avi", ".flv", ".m4v", ".mjpeg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"}
)
"""What a folder of clips is searched for; labels and notes beside them are left alone."""


def tasks_of(clips: Path, labels: Path, every: int) -> tuple[list[Task], list[str]]:
    """Pair the clips in one folder with the .json files in another, and return what is wrong, a line each.

    Labels name their clip by `clip`, or by their own name without its ending. Raises `LabelError` where a folder
    cannot be read or holds nothing of the kind.
    """
    files = _files(clips, SUFFIXES, "clips")
    sheets = _files(labels, frozenset({".json"}), "labels (.json files)")
    tasks: list[Task] = []
    faults: list[str] = []
    for sheet in sheets:
        try:
            read = load_labels(sheet)
            clip = _clip_of(sheet, read.clip, files)
        except LabelError as error:
            faults.append(str(error))
            files = [file for file in files if file.stem != sheet.stem]
            continue
        if any(task.clip == clip for task in tasks):
            faults.append(f"{sheet}: clip: {clip.name} has labels in another file already; remove one of the two")
            continue
        tasks.append(Task(clip, sheet, read, every))
    labelled = {task.clip for task in tasks}
    faults += [
        f"{file}: has no labels in {labels}; add {file.stem}.json or move the clip"
        for file in files
        if file not in labelled
    ]
    return tasks, faults


def _files(folder: Path, suffixes: frozenset[str], what: str) -> list[Path]:
    try:
        found = sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in suffixes and not path.name.startswith(".") and not path.is_dir()
        )
    except OSError as error:
        raise LabelError(f"{folder}: cannot read this folder: {error.strerror}; check the path") from error
    if not found:
        raise LabelError(f"{folder}: no {what} in this folder; check the path")
    return found


def _clip_of(sheet: Path, name: str | None, files: list[Path]) -> Path:
    same = [file for file in files if file.name == name] or [
        file for file in files if file.stem == (Path(name).stem if name else sheet.stem)
    ]
    if len(same) > 1:
        raise LabelError(f"{sheet}: clip: {' and '.join(file.name for file in same)} go by this name; name one, whole")
    if not same:
        raise LabelError(f"{sheet}: clip: {name or sheet.stem} is not among the clips; add it or remove the labels")
    return same[0]


def score_all(tasks: Sequence[Task], plan: Plan, at_a_time: int, console: Console) -> Iterator[Scored]:
    """Score each clip, `at_a_time` of them under way; `console` shows how far it is."""
    if at_a_time > 1:
        return processes.in_parallel(tasks, partial(scored_clip.attempt, plan=plan), _lost, at_a_time, console)
    return _one_by_one(tasks, plan, console)


def _one_by_one(tasks: Sequence[Task], plan: Plan, console: Console) -> Iterator[Scored]:
    with processes.progress_bar(console) as bar:
        for task in tasks:
            line = bar.add_task(escape(task.clip.name), total=None)
            progress: Callable[[int, int | None], None] = partial(_advance, bar, line)
            try:
                yield Scored(task.clip, scored_clip.score_clip(task, plan, progress))
            except DriverMonitorError as error:
                yield Scored(task.clip, error=str(error))
            bar.remove_task(line)


def _advance(bar: Progress, line: TaskID, done: int, total: int | None) -> None:
    bar.update(line, completed=done, total=total)


def _lost(task: Task) -> Scored:
    return Scored(task.clip, error=f"{task.clip}: not scored: {processes.KILLED}")


def report(scores: Sequence[ClipScore], faults: Sequence[str], origin: Provenance, every: int) -> dict[str, Any]:
    """Return everything as the one JSON object of `score clips --json`; `origin`: what the scores are of."""
    return {
        "schema": SCHEMA,
        "every": every,
        "model": origin.models,
        "config": origin.config,
        "profile": origin.profile,
        "clips": [scored_clip.to_json(score) for score in scores],
        "pooled": summary.to_json(summary.pool(scores)) if scores else None,
        "faults": list(faults),
    }
