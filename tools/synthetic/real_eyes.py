"""The labelled photographs that the ablation learns from and is measured on: which net may see which picture."""

from __future__ import annotations

import numpy as np

from tools.training.people import CLIP_PERSONS

CLASSES = ("open", "lowered", "closed")
"""The classes of the small net, in the order of its answers."""
SHARES = {
    ("incar", "open"): 0.16, ("incar", "lowered"): 0.13, ("incar", "closed"): 0.12, ("made", "open"): 0.03,
    ("made", "lowered"): 0.08, ("made", "closed"): 0.08, ("taught", "open"): 0.14, ("wild", "open"): 0.05,
    ("wild", "lowered"): 0.04, ("wild", "closed"): 0.09, ("wild", "narrow"): 0.08,
}  # fmt: skip
"""Share of each kind in a batch of photographs. Near-infrared stills are only measured on. Loose crops are left out:
nobody knows their people."""


def prepare(data: dict[str, np.ndarray], place: dict[str, int]) -> dict[str, np.ndarray]:
    """Return the arrays of `tools.eyes.data` with the folds of each picture. `place`: `places` of the same module.

    `fold`, `other_fold`: of `person` and of `other`; -1 for people without one. Pictures of people in the labelled
    clips are left out.
    """
    out = dict(data)
    for name, fold in (("person", "fold"), ("other", "other_fold")):
        out[fold] = np.array([place.get(person, -1) for person in data[name]])
    keep = ~np.isin(data["person"], list(CLIP_PERSONS)) & ~np.isin(data["other"], list(CLIP_PERSONS))
    return {name: values[keep] for name, values in out.items()}


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
