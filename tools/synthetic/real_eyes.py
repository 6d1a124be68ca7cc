"""The labelled photographs that the ablation learns from and is measured on: which net may see which picture."""

from __future__ import annotations

import csv
import re
import zlib
from pathlib import Path

import numpy as np

from tools.training.people import CLIP_PERSONS, FOLDS, folds

CLASSES = ("open", "lowered", "closed")
"""The classes of the small net, in the order of its answers."""
SHARES = {
    ("incar", "open"): 0.16, ("incar", "lowered"): 0.13, ("incar", "closed"): 0.12, ("made", "open"): 0.03,
    ("made", "lowered"): 0.08, ("made", "closed"): 0.08, ("taught", "open"): 0.14, ("wild", "open"): 0.05,
    ("wild", "lowered"): 0.04, ("wild", "closed"): 0.09, ("wild", "narrow"): 0.08,
}  # fmt: skip
"""Share of each kind in a batch of photographs. Near-infrared stills are only measured on. Loose crops are left out:
nobody knows their people."""


def prepare(data: dict[str, np.ndarray], wild: Path, stills: Path) -> dict[str, np.ndarray]:
    """Return the arrays of `tools.eyes.data` with the labels of `eyes_wild.csv`, and a `fold` for each picture.

    Pictures named in the file get the source "wild", its label and its person. `fold`: -1 for people without one.
    Other pictures of a wild person belong to the same fold. Pictures of people in the labelled clips are left out.
    """
    with wild.open(newline="") as lines:
        rows = {Path(row["file"]).name: row for row in csv.DictReader(lines)}
    people = {_name(file): row["person"] for file, row in rows.items()}
    out = {name: values.copy() for name, values in data.items()}
    out["source"], out["label"] = out["source"].astype("U16"), out["label"].astype("U16")
    place = folds(stills)
    fold = np.full(len(out["label"]), -1)
    for i, (source, picture) in enumerate(zip(data["source"], data["picture"], strict=True)):
        if source == "taught" and picture in rows:
            out["source"][i], out["label"][i] = "wild", rows[picture]["eyes"]
        if source == "taught" and _name(picture) in people:
            out["person"][i] = people[_name(picture)]
            fold[i] = wild_fold(people[_name(picture)])
        elif source in ("incar", "made"):
            fold[i] = place[data["person"][i]]
    out["fold"] = fold
    out["other_fold"] = np.array([place.get(name, -1) for name in data["other"]])
    keep = ~np.isin(out["person"], list(CLIP_PERSONS)) & ~np.isin(out["other"], list(CLIP_PERSONS))
    return {name: values[keep] for name, values in out.items()}


def wild_fold(person: str) -> int:
    """Return the fold of a person of `eyes_wild.csv`."""
    return zlib.crc32(person.encode()) % FOLDS


def targets(label: np.ndarray) -> np.ndarray:
    """Return the class of each label, -1 for those that teach nothing. Narrow eyes with a visible iris are open."""
    named = np.where(label == "narrow", "open", label)
    return np.select([named == name for name in CLASSES], list(range(len(CLASSES))), -1)


def weights(source: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Return the probability of each photograph to be drawn."""
    out = np.zeros(len(label))
    for (of, kind), share in SHARES.items():
        rows = (source == of) & (label == kind)
        out[rows] = share / max(rows.sum(), 1)
    return np.asarray(out / out.sum())


def _name(picture: str) -> str:
    """Return the part of a file's name that tells the person: without the number at its end."""
    return re.sub(r"_?\d*\.\w+$", "", picture).lower()
