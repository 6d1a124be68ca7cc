"""Score the expression net alone on labelled faces: accuracy, calibration, and how often it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.bench.score.intervals import Figure, bootstrap, bootstrap_share, in_words
from driver_monitor.bench.score.nets.arrays import INTERVALS, load_arrays, report
from driver_monitor.data.observation import EXPRESSIONS, Expression
from driver_monitor.errors import LabelError
from driver_monitor.perception.expression.net import SIZE
from driver_monitor.state.expression.expression_tracker import ANSWER_FROM, label_of

BINS = 15
"""Bins of equal width for the calibration error (Guo et al., ICML 2017)."""
SUREST = 0.85
"""Share of images, those with the highest probabilities, that makes nets with different thresholds comparable. Ours."""
Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
FaceClassifier = Callable[[NDArray[np.uint8]], Expression]
"""Takes one (48, 48) crop and returns the probability of each expression: `ExpressionNet.probabilities`."""


@dataclass(frozen=True, slots=True)
class EmotionScore:
    """The expression net's figures over `images` labelled faces. All figures are from 0 to 1.

    `mean_recall`: mean over the expressions with faces. `calibration_error`: expected calibration error of the highest
    probability. `answered`: share of images with an answer (`is_answered`). `accuracy_answered`: over these images.
    `accuracy_surest`: over the `SUREST` share with the highest probabilities. `recall`, `counts` (faces): by labelled
    expression. `confusion` (8, 8): rows are labels, columns are answers.
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
    """Return images (N, H, W) and labels (N,), without images of label -1. Raises `LabelError`: bad file, none left."""
    images, label = load_arrays(path, "label")
    wrong = (label < -1) | (label >= len(EXPRESSIONS))
    if wrong.any():
        names = ", ".join(f"{i} {name}" for i, name in enumerate(EXPRESSIONS))
        raise LabelError(f"{path}: label: expected {names}, or -1 for left out; found {int(label[wrong][0])}")
    if not (label >= 0).any():
        raise LabelError(f"{path}: label: no image has one; there is nothing to score")
    return images[label >= 0], label[label >= 0]


def classify(images: NDArray[np.uint8], net: FaceClassifier) -> Floats:
    """Return the net's (N, 8) probabilities, in the order of `EXPRESSIONS`, for loosely cropped faces (N, H, W)."""
    return np.array([[*net(_resized(image)).p.values()] for image in images])


def _resized(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    method = cv2.INTER_AREA if min(image.shape) > SIZE else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (SIZE, SIZE), interpolation=method), np.uint8)


def score_emotion(p: Floats, label: Labels) -> EmotionScore:
    """Return the figures of N faces: `p` (N, 8) probabilities, `label` (N,) labels, in the order of `EXPRESSIONS`."""
    right, top = p.argmax(1) == label, p.max(1)
    answered = is_answered(p)
    confusion = np.zeros((len(EXPRESSIONS), len(EXPRESSIONS)), np.int64)
    np.add.at(confusion, (label, p.argmax(1)), 1)
    return EmotionScore(
        len(label),
        bootstrap_share(right),
        bootstrap(len(label), lambda times: _mean_recall(right, label, times)),
        bootstrap(len(label), lambda times: calibration_error(top, right, times)),
        bootstrap_share(answered),
        bootstrap_share(right[answered]),
        bootstrap_share(right[np.argsort(-top, kind="stable")[: round(SUREST * len(label))]]),
        {name: bootstrap_share(right[label == i]) for i, name in enumerate(EXPRESSIONS)},
        {name: int((label == i).sum()) for i, name in enumerate(EXPRESSIONS)},
        confusion,
    )


def is_answered(p: Floats) -> NDArray[np.bool_]:
    """Return for which rows of `p` (N, 8) the daemon would answer one of the eight expressions, by day."""
    return np.array([label_of(dict(zip(EXPRESSIONS, row, strict=True)), "day") in EXPRESSIONS for row in p.tolist()])


def calibration_error(top: Floats, right: NDArray[np.bool_], times: Labels) -> float:
    """Return the mean over `BINS` bins of |mean of `top` - share of true values in `right`|, weighted by images.

    All (N,). `top`: the highest probability, which sets an image's bin. Image i counts `times[i]` times.
    """
    bins = np.minimum((top * BINS).astype(int), BINS - 1)
    gap = np.bincount(bins, times * (top - right), BINS)
    return float(np.abs(gap).sum() / times.sum())


def _mean_recall(right: NDArray[np.bool_], label: Labels, times: Labels) -> float:
    faces = np.bincount(label, times, len(EXPRESSIONS))
    correct = np.bincount(label, times * right, len(EXPRESSIONS))
    return float((correct[faces > 0] / faces[faces > 0]).mean())


def to_json(path: Path, score: EmotionScore, model: str) -> dict[str, Any]:
    """Return the JSON object of `score emotion --json`; `model`: the net's SHA-256."""
    confusion = {"order": list(EXPRESSIONS), "rows_are_labels": score.confusion.tolist()}
    return report(path, model, {**asdict(score), "answered_from_p": ANSWER_FROM, "confusion": confusion})


_NAMES = ("accuracy", "mean_recall", "calibration_error", "answered", "accuracy_answered", "accuracy_surest")


def sentences(path: Path, score: EmotionScore) -> str:
    """Return the score as text."""
    lines = [f"{path}: {score.images} labelled faces"]
    lines += [f"  {name.replace('_', ' '):<22}{in_words(getattr(score, name))}" for name in _NAMES]
    lines += [f"  answered from p = {ANSWER_FROM}; answers by expression:"]
    lines += [f"  {'':<12}{'faces':>6}  {'recall':<26}{' '.join(f'{name[:5]:>5}' for name in EXPRESSIONS)}"]
    for i, name in enumerate(EXPRESSIONS):
        row = " ".join(f"{count:>5}" for count in score.confusion[i])
        lines.append(f"  {name:<12}{score.counts[name]:>6}  {in_words(score.recall[name]):<26}{row}")
    return "\n".join([*lines, f"  {INTERVALS}"])
