"""The label files that a user names, loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from driver_monitor.bench.batch.find_clips import find_files, is_folder
from driver_monitor.bench.labelled.names import NameIndex
from driver_monitor.bench.score.labels import ClipLabels, load_labels
from driver_monitor.errors import LabelError


@dataclass(frozen=True, slots=True)
class ClipLabelFile:
    """The `labels` of one clip, and their `file`."""

    file: Path
    labels: ClipLabels

    @property
    def clip(self) -> str:
        """The name of the clip: in the labels, or else the file's own name without .json."""
        return self.labels.clip or self.file.stem


class LabelFiles:
    """The label files (.json) in `paths`: files, and folders with their subfolders.

    `files`: the good ones, one for each name of a clip. `damaged`: the names, without .json, of those that are wrong.
    `faults`: a line for each of these, for a second file of one clip, and for what cannot be read.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.files: list[ClipLabelFile] = []
        self.faults: list[str] = []
        self.damaged: set[str] = set()
        first: dict[str, Path] = {}
        for path in self._found(paths):
            try:
                one = ClipLabelFile(path, load_labels(path))
            except LabelError as error:
                self.faults.append(str(error))
                self.damaged.add(path.stem)
                continue
            if one.clip in first:
                self.faults.append(twice(path, one.clip, first[one.clip]))
                continue
            first[one.clip] = path
            self.files.append(one)
        self._by_name = NameIndex(self.files, lambda one: one.clip)

    def _found(self, paths: Sequence[Path]) -> list[Path]:
        files: list[Path] = []
        for path in paths:
            found, wrong = find_files(path, frozenset({".json"})) if is_folder(path) else ([path], [])
            files += found
            self.faults += wrong
            if not found and not wrong:
                self.faults.append(f"{path}: no labels (.json files) in this folder; check the path")
        return list(dict.fromkeys(files))

    def of(self, name: str) -> ClipLabelFile | None:
        """Return the labels of the clip `name` (`names.NameIndex`), None if there are none."""
        return next(iter(self._by_name.of(name)), None)


def needed_labels(paths: Sequence[Path]) -> LabelFiles:
    """Return the label files in `paths`. Raises `LabelError`: a folder has none, or the only file named is wrong."""
    labels = LabelFiles(paths)
    in_folder = labels.damaged and any(map(is_folder, paths))
    if not labels.files and not in_folder and len(labels.faults) == 1:
        raise LabelError(labels.faults[0])
    return labels


def twice(file: Path, clip: str, first: Path) -> str:
    """Return the line about a second `file` with labels of one clip."""
    return f"{file}: clip: {clip} has labels in {first} already; remove one of the two"
