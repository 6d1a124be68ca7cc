"""Measures the direction of the irises relative to the head, from the patches of both eyes."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import EyeView
from driver_monitor.perception.eyes.patch import CORNER_SHARE, HEIGHT, WIDTH, Patch

WIDTH_MM = 30.0
"""Width between the eye's corners (palpebral fissure), adults' mean about 30 mm (Farkas, Anthropometry, 1994)."""
EYEBALL_MM = 12.0
"""Radius of the eyeball, adults' mean about 12 mm (Bekerman et al., J. Ophthalmol. 2014)."""
IRIS_MM = 11.7
"""Diameter of the iris, adults' 11 to 12 mm (Rüfer et al., Cornea 24, 2005)."""
LEAST_OPENING = 0.4
"""Least `EyeView.opening`. Below, the lid covers so much of the iris that the iris's middle cannot be measured."""
LEAST_CONTRAST = 48.0
"""Grey levels of the patch by which the iris must be darker than the areas to its left and right, times `_EXPECTED`.
Clear eyes have 53 to 115 (medians of incar_4 and the phone clips). Behind reflecting glasses (incar_1) and in deep
shade with glints (incar_3) the value is 17 to 45, and the measured place is not stable."""
MOST_APART = 35.0
"""Greatest difference of the two eyes' yaw, degrees. In a face seen off-axis, the eye corners alone cause up to 25
(incar_4). Above the limit, one of the two found places is not an iris."""

_EYE = CORNER_SHARE * WIDTH
"""Width of the eye in its patch, pixels."""
_RADIUS = _EYE * IRIS_MM / WIDTH_MM / 2
_GLINT = 200
"""Highest grey level. Brighter pixels are set to it: glints lie on the iris and are not the white beside it."""


def iris_turn(patches: tuple[Patch, ...], left: EyeView, right: EyeView) -> tuple[float, float] | None:
    """Return (yaw, pitch) of the irises relative to the head, degrees, the mean of both eyes.

    Yaw + is to the driver's left, pitch + is up. `patches`: the left and the right eye as `patch.eye_crops` cuts them.
    None: an eye is unreadable, has an opening below `LEAST_OPENING` or no clear iris, or the two yaws differ by more
    than `MOST_APART`. One eye alone is wrong by up to ten degrees, because of the place of its corners. The mean
    cancels that. An offset of a few degrees remains for each face. The learned straight-ahead direction removes it.
    """
    turns = []
    for patch, view, side in zip(patches, (left, right), (-1.0, 1.0), strict=True):
        place = None if view.opening is None or view.opening < LEAST_OPENING else _find(patch)
        if place is None:
            return None
        turns.append((side * _angle(place[0]), -_angle(place[1])))
    (left_yaw, left_pitch), (right_yaw, right_pitch) = turns
    if abs(left_yaw - right_yaw) > MOST_APART:
        return None
    return (left_yaw + right_yaw) / 2, (left_pitch + right_pitch) / 2


def _disc() -> NDArray[np.float32]:
    """Return the filter that responds to a dark disc between bright sides. Lids cover the disc's top and bottom."""
    reach = math.ceil(_RADIUS + 4.5)
    y, x = np.mgrid[-_ROWS : _ROWS + 1, -reach : reach + 1]
    distance = np.hypot(x, y)
    inside = distance <= _RADIUS - 0.5
    beside = (distance >= _RADIUS + 0.8) & (distance <= _RADIUS + 4.5) & (np.abs(y) <= 2)
    return np.asarray(beside / beside.sum() - inside / inside.sum(), np.float32)


def _expected() -> NDArray[np.float32]:
    """Return the weight of each place for the middle of an iris: all along the eye, near the line of its corners."""
    x = np.abs(np.arange(WIDTH) - (WIDTH - 1) / 2) / _EYE
    y = np.abs(np.arange(HEIGHT) - (HEIGHT - 1) / 2) / _EYE
    along, off = np.exp(-0.5 * (np.maximum(x - 0.25, 0) / 0.06) ** 2), np.exp(-0.5 * (y / 0.1) ** 2)
    return np.asarray(np.outer(off, along), np.float32)


_ROWS = 3
"""Rows of the filter above and below its middle."""
_DISC, _EXPECTED = _disc(), _expected()
_FIRST = int(np.argmax(_EXPECTED.max(axis=1) * _GLINT >= LEAST_CONTRAST)) - 1
"""First row that is searched. In the rows above, and likewise below, no response can reach `LEAST_CONTRAST`."""
_SEARCHED = _EXPECTED[_FIRST : HEIGHT - _FIRST]


def _find(patch: Patch) -> tuple[float, float] | None:
    """Return how far right and down of the eye's middle its iris is, in widths of the eye. None: not found."""
    near = np.minimum(patch[_FIRST - _ROWS : HEIGHT - _FIRST + _ROWS], _GLINT).astype(np.float32)
    response = cv2.filter2D(near, cv2.CV_32F, _DISC)[_ROWS:-_ROWS] * _SEARCHED
    _, best, _, (x, y) = cv2.minMaxLoc(response)
    if not (best >= LEAST_CONTRAST and 0 < x < WIDTH - 1 and 0 < y < len(response) - 1):
        return None
    across, down = response[y, x - 1 : x + 2].tolist(), response[y - 1 : y + 2, x].tolist()
    return (x + _peak(*across) - (WIDTH - 1) / 2) / _EYE, (y + _FIRST + _peak(*down) - (HEIGHT - 1) / 2) / _EYE


def _peak(before: float, middle: float, after: float) -> float:
    """Return where the parabola through three values is highest, relative to the middle one, -0.5 to 0.5."""
    bend = before - 2 * middle + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0


def _angle(share: float) -> float:
    """Return the eyeball's turn, degrees, that moves its iris by `share` of the eye's width."""
    return math.degrees(math.asin(max(-1.0, min(1.0, share * WIDTH_MM / EYEBALL_MM))))
