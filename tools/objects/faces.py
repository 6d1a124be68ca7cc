"""The faces that teach and test the objects net: their crops, what is at them, and the fold of each.

`labels.csv` was written by eye, from enlarged crops, for this project: what is at each face of `objects/`,
`incar_stills/`, `nir/` and `portraits/`. `objects/` was looked at twice; where the looks differ, a flag is unsure.
"""

from __future__ import annotations

import csv
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.training.columns import rows_of

FOLDS = 4
PHONE_RIGHT, PHONE_LEFT = 1, 0
"""Columns of the answers. The driver's right ear is at the left side of the image."""
HAND, AT_MOUTH, MASK, MOUTH_HIDDEN = 2, 3, 4, 5
UNKNOWN = -1.0
LABELS = Path(__file__).with_name("labels.csv")
SEEN = ("objects", "incar_stills", "nir", "portraits")
"""Folders of which every face was looked at."""

Key = tuple[str, str, int]
"""Folder, file, and number of the face in its picture."""


@dataclass(frozen=True, eq=False)
class Faces:
    """`crops` (n, 240, 240), `points` (n, 70, 2) in units of the crop, `targets` (n, 6): 1, 0 or `UNKNOWN`.

    `fold` (n,): 0 to `FOLDS` - 1. `source` (n,): folder, of `objects/` with its subfolder. `landmarks` (n,): whether
    the program would see the face. `flags` (n,): as in `labels.csv`.
    """

    crops: NDArray[np.uint8]
    points: NDArray[np.float32]
    targets: NDArray[np.float32]
    fold: NDArray[np.int64]
    source: NDArray[np.str_]
    landmarks: NDArray[np.bool_]
    yaw: NDArray[np.float32]
    flags: NDArray[np.str_]
    files: NDArray[np.str_]
    groups: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.crops)


def load(cache: Path, labels: Path = LABELS) -> Faces:
    """Load what `tools.objects.crops` wrote to `cache`, without the crops that show no face."""
    with (cache / "crops.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    stored = np.load(cache / "crops.npz")
    flags = read_labels(labels)
    own = np.array([flags.get((row["source"], row["file"], int(row["face"])), "") for row in rows])
    kept = np.array(["X" not in flag for flag in own])
    faces = Faces(
        stored["crops"],
        stored["points"],
        np.array([targets(row["source"], flag) for row, flag in zip(rows, own, strict=True)], np.float32),
        np.array([zlib.crc32(row["group"].encode()) % FOLDS for row in rows]),
        np.array([_source(row["source"], row["file"]) for row in rows]),
        np.array([row["landmarks"] == "1" for row in rows]),
        np.array([float(row["yaw"]) for row in rows], np.float32),
        own,
        np.array([row["file"] for row in rows]),
        np.array([row["group"] for row in rows]),
    )
    return rows_of(faces, kept)


def read_labels(path: Path) -> dict[Key, str]:
    """Return the flags of each labelled face."""
    with path.open(newline="") as file:
        return {(row["source"], row["file"], int(row["face"])): row["flags"] for row in csv.DictReader(file)}


def targets(source: str, flags: str) -> list[float]:
    """Return the six answers of a face from its flags. A flag with a question mark is `UNKNOWN`.

    A telephone before the mouth (`F`) is none at an ear, but looks like one: `UNKNOWN`. Of a face that nobody looked at
    only mask and telephone are known: next to none has one.
    """
    looked_at = source in SEEN or bool(flags)
    # The flag R is the right side of the image: the driver's left ear.
    left, right, hand, mouth, mask, hidden = (_answer(flags, letter) for letter in "RLHOMC")
    if "F" in flags:
        left = right = mouth = UNKNOWN
    if not looked_at:
        hand = mouth = hidden = UNKNOWN
    return [left, right, hand, mouth, mask, hidden]


def _answer(flags: str, letter: str) -> float:
    at = flags.find(letter)
    if at < 0:
        return 0.0
    return UNKNOWN if flags[at + 1 : at + 2] == "?" else 1.0


def _source(folder: str, file: str) -> str:
    return file.split("/", maxsplit=1)[0] if folder == "objects" else folder
