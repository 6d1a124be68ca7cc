"""How far the lids are apart, in a unit that people share."""

from __future__ import annotations

import numpy as np

RIGHT_EYE = (36, 37, 38, 39, 40, 41)
"""The driver's right eye, iBUG numbers: outer corner, two on the upper lid, inner corner, two on the lower lid."""
LEFT_EYE = (45, 44, 43, 42, 47, 46)
"""The driver's left eye in the same order."""

SHUT = 0.12
USUAL = 0.31
"""Eye aspect ratio (lid gap over eye width; Soukupova and Cech, 2016) as the eye net measures it, of an eye that is
as good as shut and of a usual open one: on in-car stills of people not seen the medians are 0.10 over closed eyes and
0.31 over open ones, in near-infrared 0.05 and 0.30. A closed eye in a car is often seen through glasses or in shade."""


def opening(ratio: float) -> float:
    """Return the eye aspect `ratio` as a share of a population's usual open eye: 0 shut, 1 usual, at most 2."""
    return float(np.clip((ratio - SHUT) / (USUAL - SHUT), 0.0, 2.0))
