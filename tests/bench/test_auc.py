"""The area under the curve, and what the shares of `score eyes` are shares of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.bench.score.nets.eyes import Auc, score_eyes

pairs = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40)


@given(pairs)
def test_ok__the_area_is_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    score, closed = np.array([float(s) for s, _ in rows]), np.array([c for _, c in rows])
    shut, open_ = score[closed], score[~closed]
    found = Auc(score, closed)(np.ones(len(rows), np.int64))
    if not len(shut) or not len(open_):
        assert found is None
        return
    order = (shut[:, None] > open_[None]).mean() + (shut[:, None] == open_[None]).mean() / 2
    assert found == pytest.approx(order)


@given(pairs, st.randoms())
def test_ok__counting_an_image_twice_is_having_it_twice(rows: list[tuple[int, bool]], chance: Any) -> None:
    times = np.array([chance.randint(0, 3) for _ in rows])
    score, closed = np.array([float(s) for s, _ in rows]), np.array([c for _, c in rows])
    copied = Auc(np.repeat(score, times), np.repeat(closed, times))(np.ones(times.sum(), np.int64))
    assert Auc(score, closed)(times) == (None if copied is None else pytest.approx(copied))


class PixelNet:
    """A net that answers what the first pixel of the patch says: 0 open, 1 closed, 2 hidden, 3 shyly closed."""

    P = np.array(
        [[0.7, 0.2, 0.1, 0.0], [0.05, 0.05, 0.9, 0.0], [0.05, 0.05, 0.1, 0.8], [0.1, 0.1, 0.3, 0.5]], np.float32
    )

    def classify(self, patches: Any) -> Any:
        return self.P[patches[:, 0, 0]]


def test_ok__hidden_is_no_answer() -> None:
    images = np.zeros((8, 32, 48), np.uint8)
    images[:, 0, 0] = [0, 0, 0, 1, 1, 1, 2, 3]
    closed = np.array([0, 0, 1, 1, 1, 0, 1, 1], bool)
    score = score_eyes(images, closed, PixelNet().classify)
    assert score.answered.value == 6 / 8
    assert score.accuracy_answered.value == pytest.approx(4 / 6)
    assert score.accuracy.value == pytest.approx(5 / 8)
    for figure in (score.auc, score.accuracy, score.answered):
        assert figure.low is not None
        assert figure.value is not None
        assert figure.high is not None
        assert figure.low <= figure.value <= figure.high
