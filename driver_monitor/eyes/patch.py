"""Cut one eye out of a picture so that every eye looks alike: level, of one size, the driver's right one.

The same functions serve the training tool and the daemon, so that the net sees at run time what it learned from.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from driver_monitor.face.rectify import rectify, share_inside

Side = Literal["left", "right"]
Patch = NDArray[np.uint8]

HEIGHT, WIDTH = 32, 48
_SIZE = (WIDTH, HEIGHT)
CORNER_SHARE = 0.60
"""Distance of the two eye corners over the width of the patch: lids, lashes and the fold above fit, the brow rarely."""
CROP_EYE_SHARE = 0.75
"""Eye width over crop width in loose eye crops, between web crops (about 0.85) and close-ups (about 0.65)."""

_OUTER_INNER = {"right": (36, 39), "left": (45, 42)}
_LOW, _HIGH = 2.0, 98.0
_MIN_SPAN = 8.0
_BLACK, _WHITE = 20.0, 235.0


def eye_patch(grey: NDArray[np.uint8], points: NDArray[np.float32], side: Side) -> tuple[Patch, float]:
    """Return the rectified eye as (32, 48) uint8 and the share of it that lies inside the picture, 0 to 1.

    `grey`: (H, W). `points`: (68 or 70, 2) in its pixels, iBUG order. The outer corner comes to lie on the left,
    so the driver's left eye is mirrored. Where the corners coincide or are not finite, the share is 0.
    """
    outer, inner = (points[i].astype(np.float64) for i in _OUTER_INNER[side])
    width = float(np.hypot(*(inner - outer)))
    if not np.isfinite(width) or width < 1.0:
        return np.zeros((HEIGHT, WIDTH), np.uint8), 0.0
    to_grey = _patch_to_grey(outer, inner, mirrored=side == "left")
    return normalise(rectify(grey, to_grey, _SIZE)), share_inside(to_grey, _SIZE, grey.shape)


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
    low, high = np.percentile(patch, (_LOW, _HIGH))
    gain = (_WHITE - _BLACK) / max(float(high - low), _MIN_SPAN)
    stretched = (patch.astype(np.float32) - (low + high) / 2) * gain + (_BLACK + _WHITE) / 2
    return np.asarray(np.clip(stretched + 0.5, 0, 255), np.uint8)


def _patch_to_grey(outer: NDArray[np.float64], inner: NDArray[np.float64], mirrored: bool) -> NDArray[np.float64]:
    """Return the (2, 3) similarity from patch to picture pixels that lays the corners level."""
    scale = float(np.hypot(*(inner - outer))) / (CORNER_SHARE * WIDTH)
    right = (inner - outer) / np.hypot(*(inner - outer)) * scale
    down = np.array([right[1], -right[0]]) if mirrored else np.array([-right[1], right[0]])
    origin = (outer + inner) / 2 - right * (WIDTH - 1) / 2 - down * (HEIGHT - 1) / 2
    return np.column_stack([right, down, origin])
