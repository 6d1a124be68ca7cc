"""Cut the eyes out of the labelled stills in `../shared`, to measure what a fine-tuned net has forgotten.

A user does not have these pictures. The start net has learned from most of them, so its own figures there are too good;
the difference to the new net is what counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from driver_monitor.app import build
from driver_monitor.app.build import Models, Plan
from driver_monitor.imaging.frame import Frame
from driver_monitor.perception.face.tracker import FaceTracker
from tools.eyes.own.crops import CLOSED, LOWERED, OPEN, EyeCrops, cut_eyes, read_crops, write_crops
from tools.eyes.own.table import EyeTable
from tools.eyes.stills import Row, labelled, picture

SETS = {"incar_stills": "stills of drivers in cars", "eyes_wild": "web faces", "nir": "near-infrared stills"}
STATES = {"open": OPEN, "narrow": OPEN, "lowered": LOWERED, "closed": CLOSED}
SEARCH_HZ = 10.0


def stills_of(data: Path, cache: Path, plan: Plan, said: Callable[[str], None]) -> Iterator[tuple[str, EyeTable]]:
    """Yield title and eyes of each set in the folder `data`; nothing for a set that is not there. `cache`: a folder."""
    models = build.load_models(plan.config)
    for name, title in SETS.items():
        if not (data / name).is_dir() and not (data / f"{name}.csv").is_file():
            continue
        rows = [row for row in labelled(data, name) if row["eyes"] in STATES]
        key = hashlib.sha256(f"{models.digest}{[(row['file'], row['eyes']) for row in rows]}".encode()).hexdigest()
        path = cache / f"{name}.{key[:16]}.npz"
        if not path.exists():
            said(f"{title}: finding the eyes")
            write_crops(_crops(data, rows, models), path)
        crops = read_crops(path)
        persons = np.array([rows[index]["person"] for index in crops.frame])
        yield title, EyeTable(crops, np.repeat(name, len(crops)), persons)


def _crops(data: Path, rows: list[Row], models: Models) -> EyeCrops:
    found = []
    for number, row in enumerate(rows):
        grey = Frame(picture(data, row), 0.0, 0, row["file"]).grey
        face = FaceTracker(models.detector, models.landmarks, SEARCH_HZ).update(grey, 0.0)
        cut = None if face is None else cut_eyes(grey, face)
        if cut is not None:
            found.append((np.int64(number), np.str_(STATES[row["eyes"]]), np.int64(number), *cut))
    return EyeCrops(*(np.stack(column) for column in zip(*found, strict=True)))
