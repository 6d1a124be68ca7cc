"""Read a user's own pictures of faces: DIR/PERSON/EXPRESSION/*.jpg or .png, and cut the faces as the daemon does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from driver_monitor.app import build
from driver_monitor.bench.batch.find_clips import find_files
from driver_monitor.capture.recordings.images import read_image
from driver_monitor.data.observation import EXPRESSIONS
from driver_monitor.errors import LabelError, SourceError
from driver_monitor.imaging.frame import Frame
from driver_monitor.perception.expression.net import expression_crop
from driver_monitor.perception.face.tracker import FaceTracker

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
LEAST, LEAST_PERSONS = 40, 2
"""Fewest pictures and persons (ours): one person's face says nothing about the next."""
SEARCH_HZ = 10.0
LAYOUT = "DIR/PERSON/EXPRESSION/picture.jpg"


@dataclass(frozen=True)
class Faces:
    """`images` (n, 48, 48), `label` (n,): number of the expression, `person` (n,)."""

    images: NDArray[np.uint8]
    label: NDArray[np.int64]
    person: NDArray[np.str_]


def faces_of(folder: Path, said: Callable[[str], None]) -> Faces:
    """Return the faces of the labelled pictures in `folder`. A picture that is wrong is said in a line, and left out.

    Raises `LabelError` if too few are left.
    """
    paths, faults = find_files(folder, SUFFIXES)
    models = build.load_models(build.load_plan(build.Request()).config)
    images, labels, persons = [], [], []
    for path in paths:
        parts = path.relative_to(folder).parts
        if len(parts) != 3 or parts[1] not in EXPRESSIONS:
            faults.append(f"{path}: not {LAYOUT} with one of {', '.join(EXPRESSIONS)}; move it or remove it")
            continue
        try:
            grey = Frame(read_image(path), 0.0, 0, path.name).grey
        except SourceError as error:
            faults.append(str(error))
            continue
        face = FaceTracker(models.detector, models.landmarks, SEARCH_HZ).update(grey, 0.0)
        if face is None:
            faults.append(f"{path}: no face found; use the whole picture of the camera, or remove it")
            continue
        images.append(expression_crop(grey, face.points))
        labels.append(EXPRESSIONS.index(parts[1]))
        persons.append(parts[0])
    for fault in faults:
        said(f"left out: {fault}")
    if len(images) < LEAST or len(set(persons)) < LEAST_PERSONS:
        raise LabelError(
            f"{folder}: {len(images)} usable pictures of {len(set(persons))} person(s); at least {LEAST} pictures of "
            f"{LEAST_PERSONS} persons are needed, as {LAYOUT}"
        )
    return Faces(np.stack(images), np.array(labels, np.int64), np.array(persons))
