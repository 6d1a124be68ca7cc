"""Score the eye net alone on labelled eyes: how well it separates closed from open, and how often it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver_monitor.bench.score.intervals import Figure, bootstrap, bootstrap_share, in_words
from driver_monitor.bench.score.nets.arrays import INTERVALS, load_arrays, report
from driver_monitor.errors import LabelError
from driver_monitor.perception.eyes.eye_net import CLOSED, HIDDEN
from driver_monitor.perception.eyes.patch import HEIGHT, WIDTH, crop_patch
from driver_monitor.perception.eyes.reader import HIDDEN_FROM

BATCH = 256
"""Number of patches in one call of the net."""
EVEN = 0.5
"""An eye counts as closed if p(closed) / (p(open) + p(lowered) + p(closed)) is above this."""
NO_AUC = "-  (needs open and closed eyes)"
EyeClassifier = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Takes (n, 32, 48) patches and returns (n, 4) probabilities of open, lowered, closed, hidden: `EyeNet.classify`."""


@dataclass(frozen=True, slots=True)
class EyesScore:
    """The eye net's figures, from 0 to 1, over `images`, of which `closed` are labelled closed.

    `auc`: area under the ROC curve. `accuracy`: share of right answers. `answered`: share of images with p(hidden)
    below `HIDDEN_FROM`. `auc_answered`, `accuracy_answered`: over these images only.
    """

    images: int
    closed: int
    auc: Figure
    accuracy: Figure
    answered: Figure
    auc_answered: Figure
    accuracy_answered: Figure


def load_eyes(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return images (N, H, W), and whether each eye is closed (N,). Raises `LabelError`: wrong file, or not 0 or 1."""
    images, closed = load_arrays(path, "closed")
    if not np.isin(closed, (0, 1)).all():
        raise LabelError(f"{path}: closed: expected 0 or 1, found {int(closed[~np.isin(closed, (0, 1))][0])}")
    return images, closed.astype(bool)


def score_eyes(images: NDArray[np.uint8], closed: NDArray[np.bool_], net: EyeClassifier) -> EyesScore:
    """Return how well `net` separates `closed` (N,) from open eyes in `images` (N, H, W).

    Images of 32 rows and 48 columns are patches already. All others are loose crops of one eye, and are cut to patches.
    """
    p = classify(images, net)
    score = p[:, CLOSED] / np.maximum(p[:, :HIDDEN].sum(axis=1), 1e-9)
    answered = p[:, HIDDEN] < HIDDEN_FROM
    right = (score > EVEN) == closed
    return EyesScore(
        len(images),
        int(closed.sum()),
        bootstrap(len(images), Auc(score, closed)),
        bootstrap_share(right),
        bootstrap_share(answered),
        bootstrap(int(answered.sum()), Auc(score[answered], closed[answered])) if answered.any() else Figure(None),
        bootstrap_share(right[answered]),
    )


def classify(images: NDArray[np.uint8], net: EyeClassifier) -> NDArray[np.float64]:
    """Return the net's probabilities (N, 4) of open, lowered, closed, hidden. `images`: as for `score_eyes`."""
    rectified = images.shape[1:] == (HEIGHT, WIDTH)
    parts = (images[start : start + BATCH] for start in range(0, len(images), BATCH))
    answers = [net(part if rectified else np.stack([crop_patch(image) for image in part])) for part in parts]
    return np.concatenate(answers).astype(np.float64)


class Auc:
    """Computes the area under the ROC curve: how often closed eyes score higher than open ones. Ties count a half."""

    def __init__(self, score: NDArray[np.float64], closed: NDArray[np.bool_]) -> None:
        order, self._group = np.unique(score, return_inverse=True)
        self._groups, self._closed = len(order), closed

    def __call__(self, times: NDArray[np.int64]) -> float | None:
        """Return the area if image i counts `times[i]` times, None if one class is missing."""
        closed = np.bincount(self._group, times * self._closed, self._groups)
        open_ = np.bincount(self._group, times * ~self._closed, self._groups)
        pairs = float(closed.sum() * open_.sum())
        if not pairs:
            return None
        below = np.cumsum(open_) - open_ / 2
        return float(closed @ below) / pairs


def to_json(path: Path, score: EyesScore, model: str) -> dict[str, Any]:
    """Return the JSON object of `score eyes --json`; `model`: the net's SHA-256."""
    return report(path, model, asdict(score))


def sentences(path: Path, score: EyesScore) -> str:
    """Return the score as text."""
    shown = {
        "AUC": score.auc,
        f"accuracy at {EVEN}": score.accuracy,
        "answered (not hidden)": score.answered,
        "AUC of the answered": score.auc_answered,
        "accuracy of the answered": score.accuracy_answered,
    }
    lines = [f"{path}: {score.images} eyes, {score.closed} closed"]
    lines += [f"  {name:<26}{in_words(figure, NO_AUC)}" for name, figure in shown.items()]
    return "\n".join([*lines, f"  {INTERVALS}"])
