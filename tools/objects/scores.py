"""Scores of single answers: area under the ROC curve, recall at a false rate, intervals over groups."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Score = Callable[[Array, Mask], float]


def auc(score: Array, truth: Mask) -> float:
    """Return the area under the ROC curve; ties count half."""
    both = np.concatenate([score[truth], score[~truth]])
    _, place, count = np.unique(both, return_inverse=True, return_counts=True)
    ranks = np.cumsum(count) - (count - 1) / 2
    positive = int(truth.sum())
    above = ranks[place[:positive]].sum() - positive * (positive + 1) / 2
    return float(above / (positive * (len(truth) - positive)))


def limit_at(score: Array, truth: Mask, false: float) -> float:
    """Return the lowest limit that at most the share `false` of those not `truth` exceed."""
    others = np.sort(score[~truth])[::-1]
    return float(others[min(len(others) - 1, int(false * len(others)))])


def recall_at(false: float) -> Score:
    """Return the score: share of `truth` above `limit_at(false)`."""
    return lambda score, truth: float((score[truth] > limit_at(score, truth, false)).mean())


def interval(
    score: Score, values: Array, truth: Mask, groups: NDArray[np.str_], rounds: int = 400
) -> tuple[float, float]:
    """Return the 95 % interval of `score` by bootstrap over `groups` (n,)."""
    rng = np.random.default_rng(1)
    names, of = np.unique(groups, return_inverse=True)
    members = [np.flatnonzero(of == k) for k in range(len(names))]
    found = []
    for _ in range(rounds):
        chosen = np.concatenate([members[k] for k in rng.integers(0, len(names), len(names))])
        if 0 < truth[chosen].sum() < len(chosen):
            found.append(score(values[chosen], truth[chosen]))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)
