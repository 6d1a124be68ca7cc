"""Gives the median and quantiles of arrays: the numbers of numpy's own functions, to the bit.

The first call of `np.median`, `np.percentile` or `np.quantile` imports `numpy.ma`. That takes 26 ms: as long as three
frames, in the middle of one. A call also takes 2 to 10 times as long as one here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def median(values: NDArray[Any]) -> Any:
    """Return the median of `values` (..., n) along the last axis: (...). They must be finite, n at least 1."""
    low, high = (values.shape[-1] - 1) // 2, values.shape[-1] // 2
    return np.partition(values, (low, high), axis=-1)[..., low : high + 1].mean(axis=-1)


def quantile(values: NDArray[np.floating], share: float) -> Any:
    """Return the quantile of finite `values` (..., n), n at least 2, along the last axis: (...).

    `share`: of the values that are smaller, at least 0 and less than 1. Linear between the two nearest.
    """
    place = (values.shape[-1] - 1) * share
    low = int(place)
    ranked = np.partition(values, (low, low + 1), axis=-1)
    below, above, part = ranked[..., low], ranked[..., low + 1], place - low
    # From the nearer one, as numpy does: the last bit depends on it.
    return below + (above - below) * part if part < 0.5 else above - (above - below) * (1 - part)
