"""How far the irises turn from straight ahead, in the head's own frame, from the picture of the eyes."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import EyeView
from driver_monitor.perception.eyes.patch import (
    CORNER_SHARE,
    HEIGHT,
    WIDTH,
    Patch,
)

WIDTH_MM = 30.0
"""Width between the eye's corners (palpebral fissure), adults' mean about 30 mm (Farkas, Anthropometry, 1994)."""
EYEBALL_MM = 12.0
"""Radius of the eyeball, adults' mean about 12 mm (Bekerman et al., J. Ophthalmol. 2014)."""
IRIS_MM = 11.7
"""Diameter of the iris, adults' 11 to 12 mm (Rüfer et al., Cornea 24, 2005)."""
LEAST_OPENING = 0.4
"""Below it the lid covers so much of the iris that its middle is a guess."""
LEAST_CONTRAST = 48.0
"""Grey levels of the stretched patch by which the iris must be darker than what is left and right of it. Clear eyes
have 53 to 115 (medians of incar_4 and the phone clips); behind reflecting glasses (incar_1) and in deep shade with
glints (incar_3) it is 17 to 45, and what is found there jumps about."""
MOST_APART = 35.0
"""Degrees by which the two eyes may disagree. The corners of a face seen off-axis alone make up to 25 of it (incar_4);
beyond, one of the two is not an iris."""

_EYE = CORNER_SHARE * WIDTH
"""Width of the eye in its patch, pixels."""
_RADIUS = _EYE * IRIS_MM / WIDTH_MM / 2


def iris_turn(patches: tuple[Patch, ...], left: EyeView, right: EyeView) -> tuple[float, float] | None:
    """Return (yaw, pitch) of the irises in degrees, + to the driver's left and + up, mean of both eyes.

    `patches`: the left and the right eye as `patch.eye_patch` cuts them. None where not both irises can be told: one
    eye alone is off by up to ten degrees, by the place of its corners, which the other's error cancels. An offset of a
    few degrees of each face's own remains, which the learned straight-ahead takes out.
    """
    turns = []
    for patch, view, side in zip(patches, (left, right), (-1.0, 1.0), strict=True):
        found = None if view.opening is None or view.opening < LEAST_OPENING else _find(patch)
        if found is None:
            return None
        turns.append((side * _angle(found[0]), -_angle(found[1])))
    if abs(turns[0][0] - turns[1][0]) > MOST_APART:
        return None
    yaw, pitch = np.mean(turns, axis=0)
    return float(yaw), float(pitch)


def _disc() -> NDArray[np.float32]:
    """Return the filter that answers to a dark disc between bright sides; lids cover its top and bottom."""
    reach = math.ceil(_RADIUS + 4.5)
    y, x = np.mgrid[-3:4, -reach : reach + 1]
    distance = np.hypot(x, y)
    inside = distance <= _RADIUS - 0.5
    beside = (distance >= _RADIUS + 0.8) & (distance <= _RADIUS + 4.5) & (np.abs(y) <= 2)
    return np.asarray(beside / beside.sum() - inside / inside.sum(), np.float32)


def _expected() -> NDArray[np.float32]:
    """Return where the middle of an iris may be: anywhere along the eye, close to the line between its corners."""
    x = np.abs(np.arange(WIDTH) - (WIDTH - 1) / 2) / _EYE
    y = np.abs(np.arange(HEIGHT) - (HEIGHT - 1) / 2) / _EYE
    along, off = np.exp(-0.5 * (np.maximum(x - 0.25, 0) / 0.06) ** 2), np.exp(-0.5 * (y / 0.1) ** 2)
    return np.asarray(np.outer(off, along), np.float32)


_DISC, _EXPECTED = _disc(), _expected()


def _find(patch: Patch) -> tuple[float, float] | None:
    """Return how far right and down of the eye's middle its iris is, in widths of the eye; None where there is none."""
    # Glints are cut off: they lie on the iris and are no part of the white beside it.
    answer = cv2.filter2D(np.minimum(patch, 200).astype(np.float32), cv2.CV_32F, _DISC) * _EXPECTED
    _, best, _, (x, y) = cv2.minMaxLoc(answer)
    if not (best >= LEAST_CONTRAST and 0 < x < WIDTH - 1 and 0 < y < HEIGHT - 1):
        return None
    across, down = answer[y, x - 1 : x + 2], answer[y - 1 : y + 2, x]
    return (x + _peak(across) - (WIDTH - 1) / 2) / _EYE, (y + _peak(down) - (HEIGHT - 1) / 2) / _EYE


def _peak(three: NDArray[np.float32]) -> float:
    """Return where the parabola through three values is highest, relative to the middle one, -0.5 to 0.5."""
    before, middle, after = map(float, three)
    bend = before - 2 * middle + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0


def _angle(share: float) -> float:
    """Return the eyeball's turn, degrees, that moves its iris by `share` of the eye's width."""
    return math.degrees(math.asin(max(-1.0, min(1.0, share * WIDTH_MM / EYEBALL_MM))))
