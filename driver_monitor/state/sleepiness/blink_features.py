"""Computes features of a row of blinks, and from them three probabilities. `tools` and the daemon use them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driver_monitor.statistics.ranks import median, quantile

Floats = NDArray[np.float64]

BLINKS = 30
"""Number of blinks in a row, as in UTA-RLDD (Ghoddoosian et al., CVPR workshops 2019)."""
LONG_Z, VERY_LONG_Z = 2.0, 5.0
"""A blink is long, or very long, if its duration is more standard deviations than this above the driver's own mean."""


def features(z: Floats) -> Floats:
    """Return (n, 18) features of n rows of m blinks: 15 statistics of the quantities, then 3 of long blinks.

    `z`: (n, m, 3): amplitude, duration and opening speed of each blink, in standard deviations above the driver's own
    mean when awake. The blink frequency is left out: in UTA-RLDD it depends on the recording as much as on the
    sleepiness. Most features use logarithms with sign: a single closure of seconds must not outweigh thirty blinks.
    """
    x = np.sign(z) * np.log1p(np.abs(z))
    blinks = x.swapaxes(1, 2)
    spread = [x.mean(1), median(blinks), x.std(1), quantile(blinks, 0.1), quantile(blinks, 0.9)]
    duration = z[:, :, 1]
    long = [(duration > LONG_Z).mean(1), (duration > VERY_LONG_Z).mean(1), np.log1p(np.clip(duration.max(1), 0, None))]
    return np.concatenate([*spread, np.stack(long, 1)], axis=1)


def probabilities(x: Floats, weights: Floats, mean: Floats, deviation: Floats) -> Floats:
    """Return (n, 3) probabilities of alert, low vigilance and drowsy for (n, 18) features.

    `weights`: (19, 3), the last row is the constant. `mean`, `deviation`: (18,), to standardise the features.
    """
    logits = (x - mean) / deviation @ weights[:-1] + weights[-1]
    e = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True), np.float64)
