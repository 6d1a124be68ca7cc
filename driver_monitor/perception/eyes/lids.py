"""Converts the eye aspect ratio to the opening: a share of an average person's open eye."""

from __future__ import annotations

import math

SHUT = 0.12
"""Eye aspect ratio (lid gap over eye width; Soukupova and Cech, 2016), as the eye net measures it, of a closed eye.
Measured on in-car stills of people the net has not seen: the median over closed eyes is 0.10, in near-infrared 0.05. A
closed eye in a car is often seen through glasses or in shade."""
USUAL = 0.31
"""Eye aspect ratio of an average open eye. The median over open eyes of the same stills is 0.31, near-infrared 0.30."""


def opening(ratio: float) -> float | None:
    """Return the opening for an eye aspect `ratio`: 0 at `SHUT` or less, 1 at `USUAL`, at most 2, linear between.

    None if `ratio` is not finite: such an eye is not shut, it is unknown.
    """
    if not math.isfinite(ratio):
        return None
    return min(2.0, max(0.0, (ratio - SHUT) / (USUAL - SHUT)))
