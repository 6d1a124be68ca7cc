"""The expression net on labelled arrays: figures that can be worked out by hand, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.bench.score.nets.expression import (
    calibration_error,
    classify,
    load_faces,
    score_emotion,
)
from driver_monitor.data.observation import EXPRESSIONS, Expression
from driver_monitor.errors import LabelError
from tests.conftest import Cli


def sure_of(answers: list[int], p: float = 0.9) -> np.ndarray[Any, Any]:
    table = np.full((len(answers), 8), (1 - p) / 7)
    table[np.arange(len(answers)), answers] = p
    return table


def test_ok__figures_worked_out_by_hand() -> None:
    label = np.array([0, 0, 0, 1, 1, 4, 4, 4, 4, 6])
    p = sure_of([0, 0, 1, 1, 1, 4, 4, 4, 0, 4])
    p[-2] = sure_of([0], 0.5)[0]  # an answer that is not sure enough
    score = score_emotion(p, label)
    assert score.accuracy.value == 0.7
    assert score.mean_recall.value == pytest.approx((2 / 3 + 1 + 3 / 4 + 0) / 4)
    assert score.answered.value == 0.9
    assert score.accuracy_answered.value == pytest.approx(7 / 9)
    assert score.accuracy_surest.value == pytest.approx(7 / 8)
    assert score.calibration_error.value == pytest.approx((abs(9 * 0.9 - 7) + 0.5) / 10)
    assert score.recall["contempt"].value is None
    assert score.counts["anger"] == 4
    assert score.confusion[4].tolist() == [1, 0, 0, 0, 3, 0, 0, 0]
    assert score.confusion.sum() == 10


def test_ok__a_face_is_answered_as_the_daemon_would_answer_it() -> None:
    p = sure_of([0, 0, 1, 4])
    p[1] = [0.8, 0.02, 0.02, 0.12, 0.04, 0, 0, 0]  # neutral, but perhaps sad: the daemon says uncertain
    p[3] = [0.1, 0.05, 0.05, 0.4, 0.4, 0, 0, 0]  # the daemon says negative, which is none of the eight
    score = score_emotion(p, np.array([0, 3, 1, 4]))
    assert score.answered.value == 0.5
    assert score.accuracy_answered.value == 1.0


@given(st.lists(st.tuples(st.floats(0.13, 1), st.booleans()), min_size=1, max_size=60))
def test_ok__the_calibration_error_lies_in_its_bounds_and_knows_repetition(
    seen: list[tuple[float, bool]],
) -> None:
    top, right = np.array([p for p, _ in seen]), np.array([good for _, good in seen])
    once = calibration_error(top, right, np.ones(len(seen), np.int64))
    assert 0 <= once <= 1
    assert abs(top.mean() - right.mean()) <= once + 1e-9
    assert calibration_error(top, right, np.full(len(seen), 3)) == pytest.approx(once)


class Sizes:
    """Remembers the sizes it was asked for."""

    def __init__(self) -> None:
        self.seen: set[tuple[int, ...]] = set()

    def probabilities(self, crop: np.ndarray[Any, Any]) -> Expression:
        self.seen.add(crop.shape)
        return Expression(dict.fromkeys(EXPRESSIONS, 0.125))


@pytest.mark.parametrize("shape", [(48, 48), (224, 224), (1, 1), (20, 300), (49, 47)])
def test_ok__faces_of_any_size_are_brought_to_the_nets(shape: tuple[int, int]) -> None:
    net = Sizes()
    p = classify(np.zeros((2, *shape), np.uint8), net.probabilities)
    assert p.shape == (2, 8)
    assert net.seen == {(48, 48)}


def faces(path: Path, **change: Any) -> Path:
    chance = np.random.default_rng(3)
    arrays: dict[str, Any] = {"images": chance.integers(0, 255, (6, 48, 48), np.uint8), "label": np.arange(6) - 1}
    arrays |= change
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


def test_ok__what_has_no_label_is_left_out(tmp_path: Path) -> None:
    images, label = load_faces(faces(tmp_path / "faces.npz"))
    assert images.shape == (5, 48, 48)
    assert label.tolist() == [0, 1, 2, 3, 4]


def test_ok__people_get_a_table_and_programs_an_object(command: Cli, tmp_path: Path) -> None:
    path = faces(tmp_path / "faces.npz")
    outcome = command("score", "emotion", path, "--json")
    assert (outcome.code, outcome.lines) == (0, [])
    found = json.loads(outcome.out)
    assert (found["images"], found["schema"], found["persons"]) == (5, 1, None)
    for key in ("accuracy", "mean_recall", "calibration_error", "answered", "accuracy_answered", "accuracy_surest"):
        assert set(found[key]) == {"value", "low", "high"}
    assert np.sum(found["confusion"]["rows_are_labels"]) == 5
    text = command("score", "emotion", path).out
    assert "calibration error" in text
    assert "contempt" in text


def test_ok__it_is_measured_also_where_the_daemon_has_it_switched_off(command: Cli, tmp_path: Path) -> None:
    (tmp_path / "off.yaml").write_text("emotion: {enabled: false}")
    outcome = command("score", "emotion", faces(tmp_path / "faces.npz"), "--config", "off.yaml")
    assert (outcome.code, outcome.lines) == (0, [])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label": None}, "faces.npz: label: missing; the file holds images"),
        ({"label": np.full(6, 2**64 - 1, np.uint64)}, "whole number"),
        ({"images": None}, "images: missing"),
        ({"label": np.array([0, 1, 2, 3, 4, 8])}, "0 neutral, 1 happiness"),
        ({"label": np.array([0, 1, 2, 3, 4, -2])}, "found -2"),
        ({"label": np.full(6, -1)}, "no image has one"),
        ({"label": np.zeros(5, int)}, "one whole number for each of 6 images"),
        ({"label": np.zeros(6)}, "whole number"),
        ({"images": np.zeros((6, 48, 48, 3), np.uint8)}, "images: expected uint8 (N, H, W)"),
        ({"images": np.zeros((6, 48, 48))}, "images: expected uint8"),
        ({"images": np.zeros((0, 48, 48), np.uint8), "label": np.zeros(0, int)}, "images: expected uint8"),
        ({"images": np.array([{}] * 6)}, "damaged, cut short, or with values that are not numbers; save it again"),
    ],
)
def test_fail__what_cannot_be_scored_is_one_line(
    command: Cli, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    path = faces(tmp_path / "faces.npz", **change)
    with pytest.raises(LabelError):
        load_faces(path)
    outcome = command("score", "emotion", path)
    assert (outcome.code, outcome.out, len(outcome.lines)) == (1, "", 1)
    assert str(path) in outcome.lines[0]
    assert words in outcome.lines[0]
