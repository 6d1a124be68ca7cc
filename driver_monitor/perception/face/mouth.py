"""Computes from the landmarks how far the mouth is open."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import HeadPose
from driver_monitor.imaging import ibug

_WIDEST_YAW = 60.0
"""Degrees. Beyond this yaw the far corner of the mouth is out of sight, and no correction helps."""


def mouth_opening(points: NDArray[np.float32], head: HeadPose | None) -> float | None:
    """Return the inner-lip gap over the mouth's width (mouth aspect ratio), 0 closed. None: unknown.

    `points`: (68 or more, 2), pixels. The width is divided by the cosine of the yaw, because a turned head shortens it.
    Unknown: `head` is None, yaw beyond 60 degrees, or a width of at most 1 pixel.
    """
    if head is None or abs(head.yaw) > _WIDEST_YAW:
        return None
    mouth = points[48 : ibug.COUNT].tolist()
    width = _distance(mouth, ibug.MOUTH_CORNERS) / math.cos(math.radians(head.yaw))
    if not width > 1.0:
        return None
    return sum(_distance(mouth, lips) for lips in ibug.INNER_LIPS) / len(ibug.INNER_LIPS) / width


def _distance(mouth: list[list[float]], pair: tuple[int, int]) -> float:
    return math.dist(mouth[pair[0] - 48], mouth[pair[1] - 48])
