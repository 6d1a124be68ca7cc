"""How far the irises turn from straight ahead, in the head's own frame."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from driver_monitor.eyes.lids import LEFT_EYE, RIGHT_EYE
from driver_monitor.observation import EyeView

WIDTH_MM = 30.0
"""Width between the eye's corners (palpebral fissure), adults' mean about 30 mm (Farkas, Anthropometry, 1994)."""
EYEBALL_MM = 12.0
"""Radius of the eyeball, adults' mean about 12 mm (Bekerman et al., J. Ophthalmol. 2014)."""
LEAST_OPENING = 0.4
"""Below it the lid covers so much of the iris that its centre is a guess."""
_RIGHT_IRIS, _LEFT_IRIS = 68, 69


def iris_turn(points: NDArray[np.float32], left: EyeView, right: EyeView) -> tuple[float, float] | None:
    """Return (yaw, pitch) of the irises in degrees, + to the driver's left and + up, mean of the readable eyes.

    `points`: (70, 2) pixels. None where no eye is open enough to tell. The pitch has an offset of a few degrees of
    each face's own (the iris does not rest on the line between the corners), which the learned straight-ahead takes
    out.
    """
    turns = [
        _turn(points, eye, iris)
        for view, eye, iris in ((left, LEFT_EYE, _LEFT_IRIS), (right, RIGHT_EYE, _RIGHT_IRIS))
        if view.opening is not None and view.opening >= LEAST_OPENING
    ]
    if not turns:
        return None
    yaw, pitch = np.mean(turns, axis=0)
    return float(yaw), float(pitch)


def _turn(points: NDArray[np.float32], eye: tuple[int, ...], iris: int) -> tuple[float, float]:
    corners = sorted((points[eye[0]], points[eye[3]]), key=lambda corner: float(corner[0]))
    across = corners[1] - corners[0]
    width = max(float(np.hypot(*across)), 1.0)
    unit = across / width
    offset = points[iris] - (corners[0] + corners[1]) / 2
    sideways = float(offset @ unit) / width
    upwards = float(offset @ np.array([unit[1], -unit[0]])) / width
    return _angle(sideways), _angle(upwards)


def _angle(share: float) -> float:
    """Return the eyeball's turn, degrees, that moves its iris by `share` of the eye's width."""
    return math.degrees(math.asin(max(-1.0, min(1.0, share * WIDTH_MM / EYEBALL_MM))))
