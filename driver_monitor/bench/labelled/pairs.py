"""Pairs label files with recordings, one with one: what scores need."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from driver_monitor.bench.labelled.label_files import ClipLabelFile, LabelFiles, twice
from driver_monitor.bench.labelled.names import NameIndex, bare
from driver_monitor.errors import LabelError


def paired_labels(
    names: Mapping[Path, str], labels: LabelFiles, what: str
) -> tuple[dict[Path, ClipLabelFile], list[str]]:
    """Return recording -> its labels, in order of label file, and a line for each fault, those of `labels` first.

    `names`: recording -> name of its clip. `what`: "clip" or "trace", for the faults: labels for none or for several of
    the recordings, two label files for one, a recording without labels.
    """
    index = NameIndex(names, lambda path: names[path])
    faults = list(labels.faults)
    pairs: dict[Path, ClipLabelFile] = {}
    unused = set(labels.damaged)
    for one in labels.files:
        try:
            path = _only(index.of(one.clip), one, what)
        except LabelError as error:
            faults.append(str(error))
            unused.add(one.file.stem)
            continue
        if path in pairs:
            faults.append(twice(one.file, names[path], pairs[path].file))
            continue
        pairs[path] = one
    # Where the labels of a clip are a fault already, a second line would only say the same.
    without = [path for path in names if path not in pairs and bare(names[path]) not in unused]
    faults += [f"{path}: has no labels; add {bare(names[path])}.json, or leave out this {what}" for path in without]
    return pairs, faults


def _only(found: list[Path], labels: ClipLabelFile, what: str) -> Path:
    if len(found) > 1:
        paths = " and ".join(map(str, found))
        raise LabelError(f"{labels.file}: clip: {paths} have this name; leave out one, or name one with its suffix")
    if not found:
        raise LabelError(
            f"{labels.file}: clip: {labels.clip} is not among the {what}s; add the {what} or leave out this file"
        )
    return found[0]
