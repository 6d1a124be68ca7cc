"""Cut one eye, and the band around both, out of a picture so that all look alike: level, of one size, the right eye's.

The same functions serve the training tool and the daemon, so that the net sees at run time what it learned from.
"""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.imaging.rectify import rectify, share_inside

Side = Literal["left", "right"]
Patch = NDArray[np.uint8]

HEIGHT, WIDTH = 32, 48
_SIZE = (WIDTH, HEIGHT)
CORNER_SHARE = 0.60
"""Distance of the two eye corners over the width of the patch: lids, lashes and the fold above fit, the brow rarely."""
CROP_EYE_SHARE = 0.75
"""Eye width over crop width in loose eye crops, between web crops (about 0.85) and close-ups (about 0.65)."""

BAND_HEIGHT, BAND_WIDTH = 32, 64
BAND_SHARE = 0.5
"""Distance of the eyes' middles over the width of the band: whole glasses fit, brows, half the nose, some cheek."""
NOSE_TO_SPAN = 1.25
"""Distance of the eyes' middles over that from between them to the nose's base on the mean face, a little less than
measured (1.3): a turned head brings the eyes together, its nose stays as long and sets the band's size."""

_OUTER_INNER = {"right": (36, 39), "left": (45, 42)}
_BAND_POINTS = [36, 39, 42, 45, 33]
"""Corners of the right and of the left eye, base of the nose."""
_LOW, _HIGH = 0.02, 0.98
_MIN_SPAN = 8.0
_BLACK, _WHITE = 20.0, 235.0

NO_BAND: Patch = np.zeros((BAND_HEIGHT, BAND_WIDTH), np.uint8)
"""What the net is given instead of a band where there is none: a loose crop of one eye."""


def eye_patch(grey: NDArray[np.uint8], points: NDArray[np.float32], side: Side) -> tuple[Patch, float]:
    """Return the rectified eye as (32, 48) uint8 and the share of it that lies inside the picture, 0 to 1.

    `grey`: (H, W). `points`: (68 or 70, 2) in its pixels, iBUG order. The outer corner comes to lie on the left,
    so the driver's left eye is mirrored. Where the corners coincide or are not finite, the share is 0.
    """
    outer, inner = (points[i] for i in _OUTER_INNER[side])
    width = math.dist(outer, inner)
    if not math.isfinite(width) or width < 1.0:
        return np.zeros((HEIGHT, WIDTH), np.uint8), 0.0
    to_grey = _patch_to_grey(outer, inner, mirrored=side == "left")
    return normalise(rectify(grey, to_grey, _SIZE)), share_inside(to_grey, _SIZE, grey.shape)


def eye_bands(grey: NDArray[np.uint8], points: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return both eyes with what surrounds them as (2, 32, 64) uint8: for the left eye (mirrored) and for the right.

    The single eye shows what is between the lids, the band shows why nothing can be seen there: the whole lens, the
    reflection that goes on beyond the lid, hair, a hand. Blank where the points do not span anything.
    """
    to_grey = band_to_grey(points)
    if to_grey is None:
        return np.stack([NO_BAND, NO_BAND])
    band = normalise(_averaged(grey, to_grey, (BAND_WIDTH, BAND_HEIGHT)))
    return np.stack([band[:, ::-1], band])


def crop_patch(crop: NDArray[np.uint8]) -> Patch:
    """Return a loose grey eye crop (H, W), one eye in its middle, as a (32, 48) uint8 patch.

    The eye is taken to fill `CROP_EYE_SHARE` of the crop's width; beyond its edges the crop is continued.
    """
    high, wide = crop.shape[:2]
    middle = np.array([(wide - 1) / 2, (high - 1) / 2])
    half = np.array([wide * CROP_EYE_SHARE / 2, 0.0])
    return normalise(rectify(crop, _patch_to_grey(middle - half, middle + half, mirrored=False), _SIZE))


def normalise(patch: NDArray[np.uint8]) -> Patch:
    """Stretch the contrast so that the 2nd and 98th percentile come to lie at 20 and 235.

    Percentiles, because a glint or a bright infrared pupil (under 2 % of the patch) must not set the scale. A span
    of less than 8 grey levels is stretched as if it were 8: below that there is only noise.
    """
    last = patch.size - 1
    ranks = round(_LOW * last), round(_HIGH * last)
    low, high = np.partition(patch, ranks, axis=None)[list(ranks)].astype(np.float32)
    gain = (_WHITE - _BLACK) / max(float(high - low), _MIN_SPAN)
    shift = (_BLACK + _WHITE) / 2 - gain * float(low + high) / 2
    # A weighted sum with nothing: OpenCV's one call that scales, shifts, rounds and saturates bytes.
    return np.asarray(cv2.addWeighted(patch, gain, patch, 0.0, shift), np.uint8)


def band_to_grey(points: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Return the (2, 3) similarity from band to picture pixels that lays the eyes level, None without two eyes."""
    ax, ay, bx, by, cx, cy, dx, dy, nx, ny = points[_BAND_POINTS].ravel().tolist()
    right_x, right_y, left_x, left_y = (ax + bx) / 2, (ay + by) / 2, (cx + dx) / 2, (cy + dy) / 2
    middle_x, middle_y = (right_x + left_x) / 2, (right_y + left_y) / 2
    apart = math.hypot(left_x - right_x, left_y - right_y)
    span = max(apart, NOSE_TO_SPAN * math.hypot(nx - middle_x, ny - middle_y))
    if not math.isfinite(span) or apart < 1.0:
        return None
    scale = span / (BAND_SHARE * BAND_WIDTH) / apart
    along = ((left_x - right_x) * scale, (left_y - right_y) * scale)
    return _similarity(along, (-along[1], along[0]), (middle_x, middle_y), (BAND_WIDTH, BAND_HEIGHT))


def _averaged(grey: NDArray[np.uint8], to_grey: NDArray[np.float64], size: tuple[int, int]) -> Patch:
    """Return the crop of `size` (width, height) cut finer by a whole factor, then averaged, and no pixel is lost."""
    fine = min(8, max(1, round(float(np.hypot(to_grey[0, 0], to_grey[1, 0])))))
    finer = to_grey / np.array([fine, fine, 1.0])
    finer[:, 2] -= finer[:, :2] @ np.full(2, (fine - 1) / 2)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    wide, high = size
    cut = cv2.warpAffine(grey, finer, (wide * fine, high * fine), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut if fine == 1 else cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)


def _patch_to_grey(outer: NDArray[np.floating], inner: NDArray[np.floating], mirrored: bool) -> NDArray[np.float64]:
    """Return the (2, 3) similarity from patch to picture pixels that lays the corners level."""
    (ox, oy), (ix, iy) = outer.tolist(), inner.tolist()
    along = ((ix - ox) / (CORNER_SHARE * WIDTH), (iy - oy) / (CORNER_SHARE * WIDTH))
    down = (along[1], -along[0]) if mirrored else (-along[1], along[0])
    return _similarity(along, down, ((ox + ix) / 2, (oy + iy) / 2), _SIZE)


def _similarity(
    along: tuple[float, float], down: tuple[float, float], middle: tuple[float, float], size: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the (2, 3) map that brings the middle of a crop of `size` (width, height) to `middle`."""
    half_wide, half_high = (size[0] - 1) / 2, (size[1] - 1) / 2
    x = middle[0] - along[0] * half_wide - down[0] * half_high
    y = middle[1] - along[1] * half_wide - down[1] * half_high
    return np.array([[along[0], down[0], x], [along[1], down[1], y]])
