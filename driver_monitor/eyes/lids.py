"""How far the lids are apart, from the landmarks alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RIGHT_EYE = (36, 37, 38, 39, 40, 41)
"""The driver's right eye, iBUG numbers: outer corner, two on the upper lid, inner corner, two on the lower lid."""
LEFT_EYE = (45, 44, 43, 42, 47, 46)
"""The driver's left eye in the same order."""

SHUT = 0.08
USUAL = 0.27
"""Eye aspect ratio of a shut and of a usual open eye as our landmark net places the lids; models/landmarks.md."""


def eye_aspect_ratio(points: NDArray[np.float32], eye: tuple[int, ...]) -> float | None:
    """Return the mean height of the eye over its width (Soukupova and Cech, 2016); None for a vanished eye.

    `points`: (68 or more, 2), pixels; `eye`: `RIGHT_EYE` or `LEFT_EYE`.
    """
    outer, upper_a, upper_b, inner, lower_b, lower_a = (points[index] for index in eye)
    width = float(np.linalg.norm(outer - inner))
    if not width > 2.0:
        return None
    return float(np.linalg.norm(upper_a - lower_a) + np.linalg.norm(upper_b - lower_b)) / (2.0 * width)


def opening(ratio: float) -> float:
    """Return the eye aspect `ratio` as a share of a population's usual open eye: 0 shut, 1 usual, at most 2."""
    return float(np.clip((ratio - SHUT) / (USUAL - SHUT), 0.0, 2.0))
