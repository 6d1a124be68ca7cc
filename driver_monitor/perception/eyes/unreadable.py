"""Finds the reason why an eye cannot be read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import EyeReason, HeadPose, Light
from driver_monitor.imaging.frame import Image
from driver_monitor.imaging.ibug import Side
from driver_monitor.statistics.ranks import median
from driver_monitor.statistics.share import share_of

FAR_EYE_YAW = 40.0
"""Degrees of yaw beyond which the nose's bridge covers the far eye. At 45 its inner corner is out of sight."""
NEAR_EYE_YAW = 65.0
"""Degrees of yaw beyond which the near eye too is seen from the side, and its lid line is too short to measure."""
SUNGLASSES = 0.5
"""Least probability of sunglasses with which they are the reason for a hidden eye (even odds)."""
SATURATED, GLARE_SHARE = 250, 0.15
"""The reason is glare if more than `GLARE_SHARE` of the pixels around the eye have level `SATURATED` or more."""
LIGHT, LIGHT_OVER_SKIN = 235, 1.25
"""A pixel of this level that is so many times as bright as the median around the eye is light on the lens (ours)."""
LIGHT_SHARE = 0.07
"""Share of the area between the eye's corners that light may cover. A spot of this share is 5 mm wide, and covers half
of the iris. Reflections on the eyeball are smaller. How many real eyes have more: models/eyes.md (Light on lenses)."""
BETWEEN_LIDS = 0.22
"""Half the height of that area, in widths of the eye: an eye that is open wide is 0.4 high."""
MARGIN = 0.3
"""Margin around the eye's points, in widths of the eye. It includes the lens or the light that covers the eye."""
DARK = 20
"""The reason is dark if over 3/4 of the pixels around the eye are below this level, a small sensor's noise."""


def turned_away(side: Side, head: HeadPose | None) -> EyeReason | None:
    """Return "pose" if the head is turned too far to read this eye, or if `head` is None (unknown). Else return None.

    Too far is a yaw over `FAR_EYE_YAW` to this eye's own side, or over `NEAR_EYE_YAW` to the other side.
    """
    if head is None:
        return "pose"
    far = head.yaw if side == "left" else -head.yaw
    return "pose" if far > FAR_EYE_YAW or -far > NEAR_EYE_YAW else None


def why_hidden(grey: Image, eye: NDArray[np.float32], light: Light, sunglasses: float) -> EyeReason:
    """Return what hides an eye that the net cannot read. The first that applies counts.

    "dark" if `light` is "dark", "occluded" if the eye is outside the picture, "sunglasses", "glare" or "dark" by the
    pixels around the eye, else "occluded". `eye`: (6, 2) points in `grey` (H, W). `sunglasses`: the net's probability.
    """
    around = _around(grey, eye)
    if light == "dark":
        return "dark"
    if around.size == 0:
        return "occluded"
    if sunglasses >= SUNGLASSES:
        return "sunglasses"
    if share_of(around >= SATURATED) > GLARE_SHARE:
        return "glare"
    if share_of(around < DARK) > 0.75:
        return "dark"
    return "occluded"


def light_on_eye(grey: Image, eye: NDArray[np.float32]) -> bool:
    """Return whether a bright spot on a lens covers so much of an eye that it may hide the iris or the lid line.

    `eye`: (6, 2) points in `grey` (H, W). False if the eye is outside the picture.
    """
    left, top, right, bottom = _bounds(eye)
    half, middle = BETWEEN_LIDS * (right - left), (top + bottom) / 2
    between = _part(grey, (left, middle - half), (right, middle + half))
    # Without this share above the least level, the level need not be known.
    if between.size == 0 or share_of(between >= LIGHT) <= LIGHT_SHARE:
        return False
    # At most 254: where the skin is over-exposed, too, a spot cannot be brighter than the picture.
    level = min(max(LIGHT, LIGHT_OVER_SKIN * float(median(_around(grey, eye).ravel()))), 254)
    return share_of(between >= level) > LIGHT_SHARE


def _around(grey: Image, eye: NDArray[np.float32]) -> Image:
    """Return the part of `grey` around an eye, with `MARGIN`. It may be empty."""
    left, top, right, bottom = _bounds(eye)
    pad = MARGIN * (right - left)
    return _part(grey, (left - pad, top - pad), (right + pad, bottom + pad))


def _bounds(eye: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """Return the least x and y, and the largest x and y, of six points. For so few, lists are faster than arrays."""
    xs, ys = eye.T.tolist()
    return min(xs), min(ys), max(xs), max(ys)


def _part(grey: Image, low: tuple[float, float], high: tuple[float, float]) -> Image:
    """Return the part of `grey` from `low` to `high`, (x, y). It may be empty."""
    left, top = max(0, int(low[0])), max(0, int(low[1]))
    right, bottom = max(0, int(high[0]) + 1), max(0, int(high[1]) + 1)
    return grey[top:bottom, left:right]
