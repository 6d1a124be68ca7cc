"""How far the lids are apart, from the landmarks alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RIGHT_EYE = (36, 37, 38, 39, 40, 41)
"""The driver's right eye, iBUG numbers: outer corner, two on the upper lid, inner corner, two on the lower lid."""
LEFT_EYE = (45, 44, 43, 42, 47, 46)
"""The driver's left eye in the same order."""

SHUT = 0.12
USUAL = 0.34
"""Eye aspect ratio of a shut and of a usual open eye as our landmark net places the lids: the medians of the eyes that
are read on in-car stills, 0.116 over 54 pictures of 20 persons with closed eyes and 0.338 over 415 of 44 with open ones
(in 80 % of them 0.05 to 0.21 and 0.24 to 0.45; most of these persons were trained on). In near-infrared stills, none
trained on, they are 0.069 over 5 pictures and 0.267 over 98 of 10 persons: there an open eye reads 0.7 until this
driver's own is learned. Measured by `tools/measure_lids.py ../shared/data/incar_stills ../shared/data/nir`."""


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
