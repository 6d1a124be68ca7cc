"""The expression net alone, on labelled faces: how often it is right, knows that it is, and answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.bench.score.intervals import Figure, bootstrap, in_words
from driver_monitor.bench.score.nets.arrays import load_arrays
from driver_monitor.data.observation import EXPRESSIONS, Expression
from driver_monitor.errors import LabelError
from driver_monitor.messages.envelope import SCHEMA
from driver_monitor.perception.expression.net import SIZE
from driver_monitor.state.expression.expression_tracker import ANSWER_FROM

BINS = 15
"""Bins of the calibration error, of equal width (Guo et al., ICML 2017)."""
SUREST = 0.85
"""Share of the images on which nets of different thresholds are compared."""
PERSONS = "persons unknown: intervals by bootstrap over images, too narrow where several are of one person"
Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


class FaceClassifier(Protocol):
    """The expression net for single crops."""

    def probabilities(self, crop: NDArray[np.uint8]) -> Expression:
        """Return the probabilities for one (48, 48) crop."""


@dataclass(frozen=True, slots=True)
class EmotionScore:
    """Figures over `images` labelled faces; shares 0 to 1.

    `recall`: by class, and `counts`: how many there were. `calibration_error`: expected calibration error of the
    winning class. `answered`: share whose winning probability reaches `ANSWER_FROM`, `accuracy_answered` over these;
    `accuracy_surest`: over the `SUREST` share with the highest winning probability.
    `confusion` (8, 8): rows are labels, columns answers.
    """

    images: int
    accuracy: Figure
    mean_recall: Figure
    calibration_error: Figure
    answered: Figure
    accuracy_answered: Figure
    accuracy_surest: Figure
    recall: Mapping[str, Figure]
    counts: Mapping[str, int]
    confusion: NDArray[np.int64]


def load_faces(path: Path) -> tuple[NDArray[np.uint8], Labels]:
    """Return the labelled images (N, H, W) and their labels (N,), those of -1 left out. Raises `LabelError`."""
    images, label = load_arrays(path, "label")
    wrong = (label < -1) | (label >= len(EXPRESSIONS))
    if wrong.any():
        names = ", ".join(f"{i} {name}" for i, name in enumerate(EXPRESSIONS))
        raise LabelError(f"{path}: label: expected {names}, or -1 for left out; found {int(label[wrong][0])}")
    if not (label >= 0).any():
        raise LabelError(f"{path}: label: no image has one; there is nothing to score")
    return images[label >= 0], label[label >= 0]


def classify(images: NDArray[np.uint8], net: FaceClassifier) -> Floats:
    """Return (N, 8) probabilities for loosely cropped faces (N, H, W), which are brought to the net's size."""
    return np.array([[*net.probabilities(_fitted(image)).p.values()] for image in images])


def _fitted(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.shape == (SIZE, SIZE):
        return image
    shrinks = min(image.shape) > SIZE
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (SIZE, SIZE), interpolation=way), np.uint8)


def score_emotion(p: Floats, label: Labels) -> EmotionScore:
    """Return how good the answers `p` (N, 8) to faces of expressions `label` (N,) are."""
    right, top = p.argmax(1) == label, p.max(1)
    answered = top >= ANSWER_FROM
    confusion = np.zeros((len(EXPRESSIONS), len(EXPRESSIONS)), np.int64)
    np.add.at(confusion, (label, p.argmax(1)), 1)
    return EmotionScore(
        len(label),
        _share(right),
        bootstrap(len(label), lambda times: _mean_recall(right, label, times)),
        bootstrap(len(label), lambda times: calibration_error(top, right, times)),
        _share(answered),
        _share(right[answered]),
        _share(right[np.argsort(-top, kind="stable")[: round(SUREST * len(label))]]),
        {name: _share(right[label == i]) for i, name in enumerate(EXPRESSIONS)},
        {name: int((label == i).sum()) for i, name in enumerate(EXPRESSIONS)},
        confusion,
    )


def calibration_error(top: Floats, right: NDArray[np.bool_], times: Labels) -> float:
    """Return the mean distance between what was claimed (`top`) and what was `right`, over bins of what was claimed.

    All (N,); image i counts `times[i]` times.
    """
    where = np.minimum((top * BINS).astype(int), BINS - 1)
    gap = np.bincount(where, times * (top - right), BINS)
    return float(np.abs(gap).sum() / times.sum())


def _mean_recall(right: NDArray[np.bool_], label: Labels, times: Labels) -> float:
    seen = np.bincount(label, times, len(EXPRESSIONS))
    found = np.bincount(label, times * right, len(EXPRESSIONS))
    return float((found[seen > 0] / seen[seen > 0]).mean())


def _share(of: NDArray[np.bool_]) -> Figure:
    return bootstrap(len(of), lambda times: float(times @ of) / len(of)) if len(of) else Figure(None)


def to_json(path: Path, score: EmotionScore, model: str) -> dict[str, Any]:
    """Return the score as the one JSON object of `score emotion --json`; `model`: the net's SHA-256."""
    return {
        "schema": SCHEMA,
        "file": str(path),
        "model": model,
        "images": score.images,
        **{name: _figure(getattr(score, name)) for name in _NAMES},
        "answered_from_p": ANSWER_FROM,
        "recall": {name: _figure(figure) for name, figure in score.recall.items()},
        "counts": dict(score.counts),
        "confusion": {"order": list(EXPRESSIONS), "rows_are_labels": score.confusion.tolist()},
        "persons": None,
        "intervals": f"95 %; {PERSONS}",
    }


_NAMES = ("accuracy", "mean_recall", "calibration_error", "answered", "accuracy_answered", "accuracy_surest")


def _figure(figure: Figure) -> dict[str, float | None]:
    rounded = {name: getattr(figure, name) for name in ("value", "low", "high")}
    return {name: None if value is None else round(value, 5) for name, value in rounded.items()}


def sentences(path: Path, score: EmotionScore) -> str:
    """Return the score for people."""
    lines = [f"{path}: {score.images} labelled faces"]
    lines += [f"  {name.replace('_', ' '):<22}{in_words(getattr(score, name))}" for name in _NAMES]
    lines += [f"  answered from p = {ANSWER_FROM}; the answers to each expression:"]
    lines += [f"  {'':<12}{'faces':>6}  {'recall':<26}{' '.join(f'{name[:5]:>5}' for name in EXPRESSIONS)}"]
    for i, name in enumerate(EXPRESSIONS):
        row = " ".join(f"{count:>5}" for count in score.confusion[i])
        lines.append(f"  {name:<12}{score.counts[name]:>6}  {in_words(score.recall[name]):<26}{row}")
    return "\n".join([*lines, f"  95 %; {PERSONS}"])
