"""The figures of models/emotion.md on data that the project does not hold: skipped where ../shared is not there."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from driver_monitor.bench.score.nets.expression import classify, is_answered, score_emotion
from driver_monitor.config import resources
from driver_monitor.data.observation import EXPRESSIONS
from driver_monitor.perception.expression.net import ExpressionNet
from driver_monitor.state.expression.expression_tracker import ANSWER_FROM, NEGATIVE
from tests.conftest import SHARED

FER = SHARED / "data/emotion/ferplus48_train_valid.npz"
ANCHOR = SHARED / "anchors/vicksam_ferplus_pd.onnx"
PARITY = Path(__file__).parent / "data/emotion_fp32.onnx"
pytestmark = pytest.mark.skipif(not (FER.is_file() and ANCHOR.is_file()), reason="../shared is not here")
Faces = tuple[NDArray[np.uint8], NDArray[np.int64]]


@pytest.fixture(scope="module")
def valid() -> Faces:
    """The validation split with a majority label, those that stand in it twice left out."""
    z = np.load(FER)
    rows = np.flatnonzero((z["split"] == 1) & (z["label"] >= 0))
    spans = list(itertools.pairwise(z["offset"]))
    jpeg = z["jpeg"]  # each access to z reads and unpacks the whole array
    images = np.stack([np.asarray(cv2.imdecode(jpeg[slice(*spans[i])], 0)) for i in rows])
    _, which, count = np.unique(images.reshape(len(images), -1), axis=0, return_inverse=True, return_counts=True)
    once = count[which.reshape(-1)] == 1
    return np.asarray(images[once], np.uint8), z["label"][rows][once].astype(np.int64)


@pytest.fixture(scope="module")
def ours(valid: Faces) -> NDArray[np.float64]:
    return classify(valid[0], ExpressionNet(resources.path("models/emotion.onnx")).probabilities)


def mean_recall_of_six(p: NDArray[np.float64], label: NDArray[np.int64]) -> float:
    right = p.argmax(1) == label
    return float(np.mean([right[label == i].mean() for i, name in enumerate(EXPRESSIONS) if (label == i).sum() >= 45]))


def test_ok__int8_is_ahead_of_the_anchor(valid: Faces, ours: NDArray[np.float64]) -> None:
    images, label = valid
    anchor = onnxruntime.InferenceSession(str(ANCHOR), providers=["CPUExecutionProvider"])
    (p,) = anchor.run(None, {"input": images.astype(np.float32)[..., None] / np.float32(255)})
    assert (ours.argmax(1) == label).mean() >= (p.argmax(1) == label).mean() + 0.005
    assert mean_recall_of_six(ours, label) >= mean_recall_of_six(p, label) + 0.02


def test_ok__it_knows_how_often_it_is_right(valid: Faces, ours: NDArray[np.float64]) -> None:
    score = score_emotion(ours, valid[1])
    assert score.calibration_error.value is not None
    assert score.calibration_error.value <= 0.03
    assert score.accuracy_surest.value is not None
    assert score.accuracy_surest.value >= 0.935


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param((slice(31, 48), slice(9, 39), 0, 128), id="mouth"),
        pytest.param((slice(13, 24), slice(6, 42), 0, 15), id="eyes"),
        pytest.param((slice(0, 48), slice(0, 48), 1 / 16, 0), id="light"),
    ],
)
def test_ok__of_a_spoilt_face_it_says_less_and_not_more_often_wrong(
    valid: Faces, ours: NDArray[np.float64], spoil: tuple[slice, slice, float, float]
) -> None:
    images, label = valid
    rows, columns, kept, tone = spoil
    spoilt = images.copy()
    spoilt[:, rows, columns] = (images[:, rows, columns] * kept + tone).astype(np.uint8)
    p = classify(spoilt, ExpressionNet(resources.path("models/emotion.onnx")).probabilities)
    (share, right), (less, still) = (
        (sure.mean(), (answer.argmax(1) == label)[sure].mean())
        for answer in (ours, p)
        for sure in [answer.max(1) >= ANSWER_FROM]
    )
    assert less < share
    assert still >= right - 0.05


def test_ok__int8_loses_next_to_nothing(valid: Faces, ours: NDArray[np.float64]) -> None:
    images, label = valid
    full = classify(images, ExpressionNet(PARITY).probabilities)
    assert (ours.argmax(1) == label).mean() >= (full.argmax(1) == label).mean() - 0.005


def test_ok__it_rather_abstains_than_calls_an_unpleasant_face_neutral(valid: Faces, ours: NDArray[np.float64]) -> None:
    label, top, sure = valid[1], ours.argmax(1), is_answered(ours)
    assert (top == label)[sure].mean() >= 0.93
    for name in ("anger", "disgust"):
        assert (label == top)[top == EXPRESSIONS.index(name)].mean() >= 0.6
    unpleasant = np.isin(label, [EXPRESSIONS.index(name) for name in NEGATIVE])
    assert (sure & (top == 0))[unpleasant].mean() <= 0.05
