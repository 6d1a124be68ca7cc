"""Why an eye cannot be read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import EyeReason, HeadPose, Light
from driver_monitor.imaging.frame import Image
from driver_monitor.perception.eyes.patch import Side

FAR_EYE_YAW = 40.0
"""Degrees of yaw beyond which the nose's bridge covers the far eye; at 45 its inner corner is out of sight."""
NEAR_EYE_YAW = 65.0
"""Degrees of yaw beyond which the near eye too is seen from the side and its lid line foreshortened away."""
SUNGLASSES = 0.5
"""Even odds of the net that what hides the eye is sunglasses."""
SATURATED, GLARE_SHARE = 250, 0.15
"""Glare: so much of what is around the eye at this grey level or above."""
MARGIN = 0.3
"""Around the eye reaches beyond its points by so much of its width: the lens, or the light, that covers it."""
DARK = 20
"""Grey level under which three quarters of what is around the eye lie when there is no light on it: noise of a small
sensor is as large."""


def turned_away(side: Side, head: HeadPose | None) -> EyeReason | None:
    """A head turned to its left (yaw above 0) hides the left eye from a camera in front of it, and so on."""
    if head is None:
        return "pose"
    far = head.yaw if side == "left" else -head.yaw
    return "pose" if far > FAR_EYE_YAW or -far > NEAR_EYE_YAW else None


def why_hidden(grey: Image, eye: NDArray[np.float32], light: Light, sunglasses: float) -> EyeReason:
    """Return what hides an eye that the net cannot read.

    `eye`: (6, 2) its points in `grey` (H, W); `sunglasses`: the net's probability of these.
    """
    around = _around(grey, eye)
    if light == "dark":
        return "dark"
    if around.size == 0:
        return "occluded"
    if sunglasses >= SUNGLASSES:
        return "sunglasses"
    if float(np.mean(around >= SATURATED)) > GLARE_SHARE:
        return "glare"
    if float(np.mean(around < DARK)) > 0.75:
        return "dark"
    return "occluded"


def _around(grey: Image, points: NDArray[np.float32]) -> Image:
    """Return the part of `grey` around `points`, wider by `MARGIN` of its width on every side."""
    low, high = points.min(axis=0), points.max(axis=0)
    pad = MARGIN * float(high[0] - low[0])
    left, top = (max(0, int(value)) for value in low - pad)
    right, bottom = (max(0, int(value) + 1) for value in high + pad)
    return grey[top:bottom, left:right]
