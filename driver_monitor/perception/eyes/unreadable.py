"""Why an eye cannot be read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import EyeReason, HeadPose, Light
from driver_monitor.imaging.frame import Image
from driver_monitor.imaging.ibug import Side

FAR_EYE_YAW = 40.0
"""Degrees of yaw beyond which the nose's bridge covers the far eye. At 45 its inner corner is out of sight."""
NEAR_EYE_YAW = 65.0
"""Degrees of yaw beyond which the near eye too is seen from the side, and its lid line is too short to measure."""
SUNGLASSES = 0.5
"""Least probability of sunglasses, if the eye is hidden (even odds)."""
SATURATED, GLARE_SHARE = 250, 0.15
"""Glare: more than this share of the pixels around the eye is at this grey level or above."""
MARGIN = 0.3
"""Margin around the eye's points, in widths of the eye. It includes the lens or the light that covers the eye."""
DARK = 20
"""Grey level. An eye is dark if three quarters of the pixels around it are below: a small sensor's noise is as high."""


def turned_away(side: Side, head: HeadPose | None) -> EyeReason | None:
    """Return "pose" if the head is turned so far that this eye cannot be read, or if `head` is unknown.

    A head turned to its left (yaw above 0) hides the left eye from a camera ahead.
    """
    if head is None:
        return "pose"
    far = head.yaw if side == "left" else -head.yaw
    return "pose" if far > FAR_EYE_YAW or -far > NEAR_EYE_YAW else None


def why_hidden(grey: Image, eye: NDArray[np.float32], light: Light, sunglasses: float) -> EyeReason:
    """Return what hides an eye that the net cannot read.

    `eye`: (6, 2) its points in `grey` (H, W). `sunglasses`: the net's probability of sunglasses.
    """
    low, high = eye.min(axis=0), eye.max(axis=0)
    pad = MARGIN * float(high[0] - low[0])
    left, top = (max(0, int(value)) for value in low - pad)
    right, bottom = (max(0, int(value) + 1) for value in high + pad)
    around = grey[top:bottom, left:right]
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
