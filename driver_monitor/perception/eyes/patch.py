"""Cuts a patch of each eye, and the band around both eyes: level, of fixed size and contrast.

A left eye is mirrored to look like a right one. Training uses the same functions, so the net reads the same crops.
"""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.imaging import ibug
from driver_monitor.imaging.crop import Map, cut, share_inside

Patch = NDArray[np.uint8]

HEIGHT, WIDTH = 32, 48
_SIZE = (WIDTH, HEIGHT)
CORNER_SHARE = 0.60
"""Distance of the two eye corners over the width of the patch. Lids, lashes and the fold above fit, the brow rarely."""
CROP_EYE_SHARE = 0.75
"""Assumed eye width over crop width in loose eye crops: between web crops (about 0.85) and close-ups (about 0.65)."""

BAND_HEIGHT, BAND_WIDTH = 32, 64
BAND_SHARE = 0.5
"""Distance of the eyes' middles over the width of the band. Whole glasses fit, brows, half the nose, some cheek."""
NOSE_TO_SPAN = 1.25
"""Distance of the eyes' middles over the distance from the point between them to the nose's base, on the mean face.
Measured: 1.3; a little less is used. In a turned head the eyes come closer together; the nose then gives the size."""

_PLACES = np.array([*ibug.RIGHT_EYE_CORNERS, *ibug.LEFT_EYE_CORNERS, ibug.NOSE_BASE])
"""The points that give the place of all crops. As an array: a list would be converted at each call."""
_LOW, _HIGH = 0.02, 0.98
_LEAST_SPAN = 8.0
_BLACK, _WHITE = 20.0, 235.0

NO_BAND: Patch = np.zeros((BAND_HEIGHT, BAND_WIDTH), np.uint8)
"""The net's input where there is no band: a loose crop of one eye."""


def eye_crops(grey: NDArray[np.uint8], points: NDArray[np.float32]) -> tuple[Patch, list[float], Patch]:
    """Return patches, shares and bands of the left eye and the right eye, in this order.

    `grey`: (H, W). `points`: (68 or 70, 2) in its pixels, iBUG order. The left eye's patch and band are mirrored: the
    outer corner is on the left for both eyes. The contrast of all is stretched (`normalise`).

    - patches, (2, 32, 48): the eyes alone, for what lies between the lids. Black if the corners of the eye are less
      than 1 pixel apart or not finite.
    - shares: how much of each patch lies inside the picture, 0 to 1. 0 for a patch that is black for that reason.
    - bands, (2, 32, 64): both eyes with their surroundings, to see what hides an eye: a lens, a reflection, hair, a
      hand. Black if the eyes' middles are less than 1 pixel apart or not finite.
    """
    patches, bands = np.zeros((2, HEIGHT, WIDTH), np.uint8), np.zeros((2, BAND_HEIGHT, BAND_WIDTH), np.uint8)
    inside = [0.0, 0.0]
    places = points.take(_PLACES, 0).tolist()
    eyes = _eye_to_grey(places[2], places[3], mirrored=True), _eye_to_grey(places[0], places[1], mirrored=False)
    for index, to_grey in enumerate(eyes):
        if to_grey is not None:
            inside[index] = share_inside(to_grey, _SIZE, grey.shape)
            patches[index] = normalise(cut(grey, to_grey, _SIZE))
    band = _band_to_grey(places)
    if band is not None:
        bands[1] = normalise(cut(grey, band, (BAND_WIDTH, BAND_HEIGHT)))
        bands[0] = bands[1, :, ::-1]
    return patches, inside, bands


def crop_patch(crop: NDArray[np.uint8]) -> Patch:
    """Return the (32, 48) patch, stretched in contrast, of a loose grey crop (H, W) with one eye in its middle.

    The eye is assumed to fill `CROP_EYE_SHARE` of the crop's width. Outside the crop, its border is repeated.
    """
    high, wide = crop.shape[:2]
    x, y, half = (wide - 1) / 2, (high - 1) / 2, wide * CROP_EYE_SHARE / 2
    return normalise(cut(crop, _patch_to_grey((x - half, y), (x + half, y), mirrored=False), _SIZE))


def normalise(patch: NDArray[np.uint8]) -> Patch:
    """Return `patch` with its grey levels stretched: the 2nd and the 98th percentile become 20 and 235.

    A glint or a bright infrared pupil (under 2 % of the patch) must not set the scale, so percentiles do. Percentiles
    less than 8 grey levels apart count as 8 apart, because there is only noise between them.
    """
    up_to = np.bincount(patch.ravel(), minlength=256).cumsum()
    low, high = up_to.searchsorted(_ranks(patch.size), side="right").tolist()
    gain = (_WHITE - _BLACK) / max(float(high - low), _LEAST_SPAN)
    shift = (_BLACK + _WHITE) / 2 - gain * float(low + high) / 2
    # A weighted sum with weight 0: the one OpenCV call that scales, shifts, rounds and saturates bytes.
    return np.asarray(cv2.addWeighted(patch, gain, patch, 0.0, shift), np.uint8)


@cache
def _ranks(pixels: int) -> NDArray[np.intp]:
    """Return at which places, from 0, the two percentiles stand among so many sorted pixels."""
    return np.array([round(_LOW * (pixels - 1)), round(_HIGH * (pixels - 1))])


def band_to_grey(points: NDArray[np.float32]) -> Map | None:
    """Return the map (2, 3) from band to picture pixels: eyes level. None: eyes under 1 pixel apart or not finite."""
    return _band_to_grey(points.take(_PLACES, 0).tolist())


def _band_to_grey(places: list[list[float]]) -> Map | None:
    """Return `band_to_grey` of the points (x, y) that `_PLACES` lists."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy), (nx, ny) = places
    right_x, right_y, left_x, left_y = (ax + bx) / 2, (ay + by) / 2, (cx + dx) / 2, (cy + dy) / 2
    middle_x, middle_y = (right_x + left_x) / 2, (right_y + left_y) / 2
    apart = math.hypot(left_x - right_x, left_y - right_y)
    span = max(apart, NOSE_TO_SPAN * math.hypot(nx - middle_x, ny - middle_y))
    if not math.isfinite(span) or apart < 1.0:
        return None
    scale = span / (BAND_SHARE * BAND_WIDTH) / apart
    along = ((left_x - right_x) * scale, (left_y - right_y) * scale)
    return _similarity(along, (-along[1], along[0]), (middle_x, middle_y), (BAND_WIDTH, BAND_HEIGHT))


def _eye_to_grey(outer: list[float], inner: list[float], mirrored: bool) -> Map | None:
    """Return the map (2, 3) from an eye's patch to picture pixels. None: its corners are less than 1 pixel apart.

    `outer`, `inner`: the corners (x, y).
    """
    width = math.dist(outer, inner)
    if not math.isfinite(width) or width < 1.0:
        return None
    return _patch_to_grey((outer[0], outer[1]), (inner[0], inner[1]), mirrored)


def _patch_to_grey(outer: tuple[float, float], inner: tuple[float, float], mirrored: bool) -> Map:
    """Return the similarity (2, 3) from patch to picture pixels that lays the corners level."""
    (ox, oy), (ix, iy) = outer, inner
    along = ((ix - ox) / (CORNER_SHARE * WIDTH), (iy - oy) / (CORNER_SHARE * WIDTH))
    down = (along[1], -along[0]) if mirrored else (-along[1], along[0])
    return _similarity(along, down, ((ox + ix) / 2, (oy + iy) / 2), _SIZE)


def _similarity(
    along: tuple[float, float], down: tuple[float, float], middle: tuple[float, float], size: tuple[int, int]
) -> Map:
    """Return the (2, 3) map that brings the middle of a crop of `size` (width, height) to `middle`."""
    half_wide, half_high = (size[0] - 1) / 2, (size[1] - 1) / 2
    x = middle[0] - along[0] * half_wide - down[0] * half_high
    y = middle[1] - along[1] * half_wide - down[1] * half_high
    return np.array([[along[0], down[0], x], [along[1], down[1], y]])
