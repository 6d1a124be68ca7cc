"""Lists which of the 68 iBUG points are eyes, nose and mouth (Sagonas et al., 300 Faces in-the-Wild, ICCV-W 2013).

Points are given by their numbers, from 0. Left and right are the driver's own.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import Box

Side = Literal["left", "right"]

COUNT = 68
"""Number of iBUG points. In an array of 70, the last two are the iris centres: right eye, then left eye."""
RIGHT_EYE = (36, 37, 38, 39, 40, 41)
"""Point numbers of the right eye: outer corner, two on the upper lid, inner corner, two on the lower lid."""
LEFT_EYE = (45, 44, 43, 42, 47, 46)
"""Point numbers of the left eye, in the same order as `RIGHT_EYE`."""
EYES = {"left": LEFT_EYE, "right": RIGHT_EYE}
RIGHT_EYE_CORNERS, LEFT_EYE_CORNERS = (36, 39), (45, 42)
"""Point numbers of the outer and the inner corner of each eye."""
NOSE_TIP, NOSE_BASE = 30, 33
MOUTH_CORNERS = (48, 54)
"""Point numbers of the right and the left corner of the mouth."""
INNER_LIPS = ((61, 67), (62, 66), (63, 65))
"""Three pairs of point numbers: inner edge of the upper lip, and the point below on the inner edge of the lower lip."""


def box_of_points(points: NDArray[np.floating]) -> Box:
    """Return the box around the first 68 of `points` (68 or more, 2), from brows to chin, pixels."""
    left, top, right, bottom = bounds(points[:COUNT])
    return Box(left, top, right - left, bottom - top)


def bounds(points: NDArray[np.floating]) -> tuple[float, float, float, float]:
    """Return the least x and y, and the largest x and y, of `points` (n, 2). NaN among them gives NaN."""
    # Along rows in memory numpy is twice as fast as across them.
    rows = np.ascontiguousarray(points.T)
    (left, top), (right, bottom) = np.minimum.reduce(rows, 1).tolist(), np.maximum.reduce(rows, 1).tolist()
    return left, top, right, bottom
