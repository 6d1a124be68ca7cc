"""Measures how sharp the picture is, by itself and against its best: a lens out of focus, or greasy. Pure.

Defocus takes the fine differences between pixels and leaves the coarse ones. The energy of both is compared in blocks
of the picture; the noise of the sensor, which looks like fine differences, is taken out before.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.imaging.frame import Image
from driver_monitor.statistics.ranks import median, quantile

Blocks = NDArray[np.float32]
"""A value for each block of the picture: (6, 8)."""

BLOCKS = (8, 6)
"""Width and height in blocks."""
FINE = (320, 240)
"""Width and height of the picture whose differences are the fine ones: the detail that eyes need."""
COARSE = (80, 60)
"""Width and height of the picture whose differences are the coarse ones."""
LEAST_COARSE = 200.0
"""Least energy of the coarse differences (Sobel) for a block to count, grey levels squared: an edge, not noise."""
LEAST_BLOCKS = 6
"""Least number of such blocks, of 48. With fewer, nothing can be said."""
NOISE_PERCENT = 10
"""The noise has the energy of the blocks with the least fine differences: so many percent have less."""
NOISE_ERROR = 0.1
"""Share of the noise's energy that may be left when it is taken out."""
LEAST_DETAIL = 0.05
"""Least energy of the fine differences, grey levels squared: that of rounding to whole levels."""
RISE_S, FALL_S = 5.0, 1800.0
"""Time constants with which the best sharpness is learned and forgotten, seconds: grease comes over minutes (ours)."""
READY_S = 4.0
"""Seconds with a face after which the picture is compared with its best (ours)."""


def sharpness(grey: Image) -> Blocks:
    """Return the logarithm (base 2) of fine over coarse energy for each block of `grey` (H, W). NaN: too few edges."""
    fine = np.asarray(cv2.resize(grey, FINE, interpolation=cv2.INTER_AREA), np.uint8)
    small = np.asarray(cv2.resize(fine, COARSE, interpolation=cv2.INTER_AREA), np.uint8)
    coarse = _block_means(cv2.Sobel(small, cv2.CV_16S, 1, 0)) + _block_means(cv2.Sobel(small, cv2.CV_16S, 0, 1))
    detail = _block_means(cv2.Laplacian(fine, cv2.CV_16S, ksize=1))
    noise = float(quantile(detail.ravel(), NOISE_PERCENT / 100))
    detail = np.maximum(detail - noise, NOISE_ERROR * noise + LEAST_DETAIL)
    return np.where(coarse >= LEAST_COARSE, np.log2(detail / np.maximum(coarse, LEAST_COARSE)), np.nan)


def _block_means(levels: NDArray[Any] | cv2.Mat) -> Blocks:
    """Return the mean of the squares for each block."""
    size = levels.shape[1] // BLOCKS[0] * BLOCKS[0], levels.shape[0] // BLOCKS[1] * BLOCKS[1]
    squares = cv2.multiply(levels, levels, dtype=cv2.CV_32F)
    return np.asarray(cv2.resize(squares[: size[1], : size[0]], BLOCKS, interpolation=cv2.INTER_AREA), np.float32)


class SharpnessMeter:
    """Learns the best sharpness of each block, and measures how much of it is gone."""

    def __init__(self) -> None:
        self._best: Blocks | None = None
        self._learned_s = 0.0

    def learn(self, now: Blocks, dt: float) -> None:
        """Take the sharpness of a picture that shows the driver. `dt`: seconds since the last call."""
        if self._best is None:
            self._best = now.copy()
        self._learned_s += dt
        first = np.isnan(self._best)
        self._best[first] = now[first]
        rise, fall = (1 - math.exp(-dt / tau) for tau in (RISE_S, FALL_S))
        change = now - self._best
        step = np.where(change > 0, rise, fall) * change
        self._best += np.where(np.isnan(step), 0.0, step).astype(np.float32)

    def median(self, now: Blocks) -> float | None:
        """Return the median of the blocks: how sharp the picture is by itself. None: too few edges."""
        known = now[~np.isnan(now)]
        return float(median(known)) if known.size >= LEAST_BLOCKS else None

    def lost(self, now: Blocks) -> float | None:
        """Return how often the sharpness has halved against the best: 0 is as sharp. None: not learned, or no edges."""
        if self._best is None or self._learned_s < READY_S:
            return None
        change = (self._best - now)[~np.isnan(self._best - now)]
        return float(median(change)) if change.size >= LEAST_BLOCKS else None
