"""The labels of runs, found by the name of the clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from driver_monitor.bench.batch.find_clips import SUFFIXES, find_files
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.bench.score.labels import ClipLabels, load_labels
from driver_monitor.errors import LabelError


@dataclass(frozen=True, slots=True)
class ClipLabelFile:
    """The labels in a file."""

    file: Path
    labels: ClipLabels


class LabelFolder:
    """The label files in `folder` and its subfolders. `faults`: a line for each that is wrong, or for a second one.

    As in `score clips`, a file belongs to the clip that its field `clip` names, else to the clip with the file's own
    name. A name without the suffix of a clip fits any suffix. Raises `LabelError`: no labels, or the folder cannot be
    read.
    """

    def __init__(self, folder: Path) -> None:
        files, self.faults = find_files(folder, frozenset({".json"}))
        if not files:
            raise LabelError(self.faults[0] if self.faults else f"{folder}: no labels (.json files) in this folder")
        self._by_name: dict[str, ClipLabelFile] = {}
        for file in files:
            try:
                found = ClipLabelFile(file, load_labels(file))
            except LabelError as error:
                self.faults.append(str(error))
                continue
            first = self._by_name.setdefault(found.labels.clip or file.stem, found)
            if first is not found:
                self.faults.append(f"{file}: {first.file} has labels of the same clip; remove one of the two")

    def of(self, run: Run) -> ClipLabelFile | None:
        """Return the labels of the clip that `run` is of, None if there are none."""
        clip = Path(str(run.info["clip"]))
        named = self._by_name.get(clip.name)
        return named or (self._by_name.get(clip.stem) if clip.suffix.lower() in SUFFIXES else None)
