"""Measures the direction of the irises relative to the head, from the patches of both eyes."""

from __future__ import annotations

import math
from dataclasses import dataclass

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
OPENING = (0.3, 0.5)
"""`EyeView.opening` from which the irises have a weight, and from which it is whole. With less, the lid covers so much
of the iris that the iris's middle cannot be measured."""
CONTRAST = (40.0, 56.0)
"""Grey levels of the patch by which the iris must be darker than the areas to its left and right, times `_EXPECTED`:
for a weight, and for the whole of it. Clear eyes have 53 to 115 (medians of incar_4 and the phone clips). Behind
reflecting glasses (incar_1) and in deep shade with glints (incar_3) the value is 17 to 45, and the measured place is
not stable."""
APART = (40.0, 30.0)
"""Difference of the two eyes' yaw, degrees, up to which there is a weight, and up to which it is whole. In a face seen
off-axis, the eye corners alone cause up to 25 (incar_4). Far above, one of the two found places is not an iris."""
CLEAR = (80.0, 110.0)
"""Contrast from which the iris of one eye alone has a weight, and from which it is whole, if the other eye is open and
shows none. In a head turned aside the far eye is narrow: of phone_3's look away half the frames show one iris, with a
contrast of 97 to 138. What is no iris behind glasses and in deep shade (incar_3) reaches 89."""
ONE_EYE = 0.6
"""Greatest weight of one eye alone (ours)."""

_EYE = CORNER_SHARE * WIDTH
"""Width of the eye in its patch, pixels."""
_RADIUS = _EYE * IRIS_MM / WIDTH_MM / 2
_GLINT = 200
"""Highest grey level. Brighter pixels are set to it: glints lie on the iris and are not the white beside it."""


def iris_turn(patches: Patch, left: EyeView, right: EyeView) -> tuple[float, float, float] | None:
    """Return (yaw, pitch, weight) of the irises: their turn relative to the head in degrees, the mean of both eyes.

    Yaw + is to the driver's left, pitch + is up. `patches`, (2, 32, 48): left and right eye of `patch.eye_crops`.
    Weight: how far the turn can be trusted, above 0 to 1. It fades between the two values of `OPENING`, `CONTRAST`,
    `APART` and `CLEAR`, so that no answer depends on a hair. None: an eye is unreadable, or the weight is 0. One eye
    alone is wrong by up to ten degrees, because of the place of its corners. The mean cancels that. An offset of a few
    degrees remains for each face. The learned straight-ahead direction removes it.
    """
    opened = [0.0 if view.opening is None else _share(view.opening, *OPENING) for view in (left, right)]
    if not all(opened):
        return None
    one, other = (_find(*each) for each in zip(_responses(patches), (-1.0, 1.0), strict=True))
    found = [0.0 if iris is None else _share(iris.contrast, *CONTRAST) for iris in (one, other)]
    seen: list[tuple[float, float, float]] = []
    if one is not None and other is not None:
        both = min(*found, _share(abs(one.yaw - other.yaw), *APART))
        seen.append(((one.yaw + other.yaw) / 2, (one.pitch + other.pitch) / 2, both))
    for iris, missing in ((one, 1 - found[1]), (other, 1 - found[0])):
        if iris is not None:
            alone = ONE_EYE * _share(iris.contrast, *CLEAR) * missing
            seen.append((iris.yaw, iris.pitch, max(alone - sum(weight for *_, weight in seen), 0.0)))
    total = sum(weight for *_, weight in seen)
    if not total:
        return None
    yaw, pitch = (sum(turn[axis] * turn[2] for turn in seen) / total for axis in (0, 1))
    return yaw, pitch, min(*opened, total)


def _share(value: float, none: float, whole: float) -> float:
    """Return 0 at `none`, 1 at `whole`, a linear share between them, and 0 or 1 beyond. NaN gives 0."""
    return max(0.0, min(1.0, (value - none) / (whole - none))) if math.isfinite(value) else 0.0


def _disc() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return two filters, for the sides of a disc and for the disc. Their sum responds to a dark disc between bright
    sides, `_UNIT` for each grey level of difference. Lids cover the disc's top and bottom.
    """
    reach = math.ceil(_RADIUS + 4.5)
    y, x = np.mgrid[-_ROWS : _ROWS + 1, -reach : reach + 1]
    distance = np.hypot(x, y)
    inside = distance <= _RADIUS - 0.5
    beside = (distance >= _RADIUS + 0.8) & (distance <= _RADIUS + 4.5) & (np.abs(y) <= 2)
    return _cropped(beside * inside.sum()), _cropped(inside * -beside.sum())


def _cropped(weights: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return a filter (H, W), odd sides and symmetric, without the rows and columns around it that are 0."""
    rows, columns = np.flatnonzero(weights.any(1)), np.flatnonzero(weights.any(0))
    return weights[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)


def _expected() -> NDArray[np.float32]:
    """Return the weight of each place for the middle of an iris: all along the eye, near the line of its corners."""
    x = np.abs(np.arange(WIDTH) - (WIDTH - 1) / 2) / _EYE
    y = np.abs(np.arange(HEIGHT) - (HEIGHT - 1) / 2) / _EYE
    along, off = np.exp(-0.5 * (np.maximum(x - 0.25, 0) / 0.06) ** 2), np.exp(-0.5 * (y / 0.1) ** 2)
    return np.asarray(np.outer(off, along), np.float32)


_ROWS = 3
"""Rows of the filter above and below its middle."""
(_BESIDE, _INSIDE), _EXPECTED = _disc(), _expected()
_UNIT = _BESIDE.sum()
_FIRST = int(np.argmax(_EXPECTED.max(axis=1) * _GLINT >= CONTRAST[0])) - 1
"""First row that is searched. In the rows above, and likewise below, no response can reach `CONTRAST`."""
_WEIGHTS = _EXPECTED[_FIRST : HEIGHT - _FIRST] / _UNIT


@dataclass(frozen=True, slots=True)
class _Iris:
    """The iris of one eye: `yaw` and `pitch` relative to the head, degrees, and `contrast` in grey levels."""

    yaw: float
    pitch: float
    contrast: float


def _responses(patches: Patch) -> NDArray[np.float32]:
    """Return for each patch and place by how many grey levels the sides of a disc are brighter than the disc.

    Result: (n, rows, 48), the rows from `_FIRST` on, weighted by `_EXPECTED`. All patches are filtered in one picture:
    the rows in which they meet are left out. Two filters take a third of the time of one: from 130 weights on, OpenCV
    computes a Fourier transform. All weights and grey levels are whole numbers, so no sum is rounded.
    """
    near = np.minimum(patches[:, _FIRST - _ROWS : HEIGHT - _FIRST + _ROWS], _GLINT).astype(np.float32)
    stack = near.reshape(-1, WIDTH)
    sums = cv2.filter2D(stack, cv2.CV_32F, _BESIDE) + cv2.filter2D(stack, cv2.CV_32F, _INSIDE)
    return np.asarray(sums.reshape(near.shape)[:, _ROWS:-_ROWS] * _WEIGHTS, np.float32)


def _find(response: NDArray[np.float32], side: float) -> _Iris | None:
    """Return the iris of an eye, None if there is none. `side`: -1 for the left eye (a mirrored patch), else 1.

    `response`: of this eye's patch, from `_responses`.
    """
    _, best, _, (x, y) = cv2.minMaxLoc(response)
    if not (best > CONTRAST[0] and 0 < x < WIDTH - 1 and 0 < y < len(response) - 1):
        return None
    across, down = response[y, x - 1 : x + 2].tolist(), response[y - 1 : y + 2, x].tolist()
    right, below = x + _peak(*across) - (WIDTH - 1) / 2, y + _FIRST + _peak(*down) - (HEIGHT - 1) / 2
    return _Iris(side * _angle(right / _EYE), -_angle(below / _EYE), best)


def _peak(before: float, middle: float, after: float) -> float:
    """Return where the parabola through three values is highest, relative to the middle one, -0.5 to 0.5."""
    bend = before - 2 * middle + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0


def _angle(share: float) -> float:
    """Return the eyeball's turn, degrees, that moves its iris by `share` of the eye's width."""
    return math.degrees(math.asin(max(-1.0, min(1.0, share * WIDTH_MM / EYEBALL_MM))))
