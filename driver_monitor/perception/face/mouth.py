"""How far the mouth is open, from the landmarks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import HeadPose

_INNER_LIPS = ((61, 67), (62, 66), (63, 65))
"""Upper and lower inner lip, iBUG numbers."""
_CORNERS = (48, 54)
_WIDEST_YAW = 60.0
"""Beyond this the far corner of the mouth is out of sight, and no correction helps, degrees."""


def mouth_opening(points: NDArray[np.float32], head: HeadPose | None) -> float | None:
    """Return the inner-lip gap over the mouth's width (mouth aspect ratio), or None where it cannot be told.

    `points`: (68 or more, 2), pixels. The width is that of the mouth seen from the front: turning the head by the
    yaw angle shortens it by the angle's cosine. 0 is closed.
    """
    if head is None or abs(head.yaw) > _WIDEST_YAW:
        return None
    width = float(np.linalg.norm(points[_CORNERS[0]] - points[_CORNERS[1]])) / math.cos(math.radians(head.yaw))
    if not width > 1.0:
        return None
    gap = float(np.mean([np.linalg.norm(points[upper] - points[lower]) for upper, lower in _INNER_LIPS]))
    return gap / width
