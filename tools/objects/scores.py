"""Scores of single answers: area under the ROC curve, recall at a false rate, intervals over groups."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from driver_monitor.bench.score.intervals import Figure, bootstrap
from driver_monitor.bench.score.nets.eyes import Auc

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Score = Callable[[Array, Mask], float]


def auc(score: Array, truth: Mask) -> float:
    """Return the area under the ROC curve; ties count half. NaN if all or none are `truth`."""
    area = Auc(score, truth)(np.ones(len(score), np.int64))
    return float("nan") if area is None else area


def limit_at(score: Array, truth: Mask, false: float) -> float:
    """Return the lowest limit that at most the share `false` of those not `truth` exceed."""
    others = np.sort(score[~truth])[::-1]
    return float(others[min(len(others) - 1, int(false * len(others)))])


def recall_at(false: float) -> Score:
    """Return the score: share of `truth` above `limit_at(false)`."""
    return lambda score, truth: float((score[truth] > limit_at(score, truth, false)).mean())


def figure(score: Score, values: Array, truth: Mask, groups: NDArray[np.str_]) -> Figure:
    """Return `score` with its 95 % interval by bootstrap over `groups` (n,)."""
    names, of = np.unique(groups, return_inverse=True)

    def measured(times: NDArray[np.int64]) -> float | None:
        rows = np.repeat(np.arange(len(values)), times[of])
        return score(values[rows], truth[rows]) if 0 < truth[rows].sum() < len(rows) else None

    return bootstrap(len(names), measured)
