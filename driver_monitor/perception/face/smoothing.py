"""Landmarks and head pose without the tremble that a camera's noise puts into them, and without lag."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import HeadPose
from driver_monitor.perception.face.one_euro import OneEuro

POINTS_STILL_HZ, POINTS_EAGER = 1.0, 20.0
"""Cut-off of still points, and what a speed of one distance of the outer eye corners a second adds to it. On stills
with fresh noise the tremble falls to about a third; on the clips points and yaw come a third of a frame late
(`tools.measure.stability`, models/landmarks.md)."""
HEAD_STILL_HZ, HEAD_EAGER = 1.0, 0.4
"""The same for the head's angles: a speed of one degree a second."""
_EYES = ((36, 39, (37, 38, 40, 41)), (42, 45, (43, 44, 46, 47)))
"""Outer and inner corner of each eye, and the points on its lids."""
_LEAST_UNIT = 1.0


class FaceSmoother:
    """Filters one face; `reset` between two."""

    def __init__(self) -> None:
        self._points = OneEuro(POINTS_STILL_HZ, POINTS_EAGER)
        self._head = OneEuro(HEAD_STILL_HZ, HEAD_EAGER)

    def reset(self) -> None:
        """Forget the face: the next one is another, or was not seen for a while."""
        self._points.reset()
        self._head.reset()

    def points(self, t: float, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the filtered points (70, 2) at `t` seconds.

        The lids keep their distance from each other as it was seen: a blink lasts three frames, and any filter that
        calms still lids would make it shallower. They move with their eye's corners.
        """
        unit = max(_LEAST_UNIT, float(np.linalg.norm(points[36] - points[45])))
        steady = self._points.update(t, points, unit)
        for first, last, lids in _EYES:
            moved = (steady[first] + steady[last] - points[first] - points[last]) / 2
            steady[list(lids)] = points[list(lids)] + moved
        return np.asarray(steady, np.float32)

    def head(self, t: float, head: HeadPose | None) -> HeadPose | None:
        """Return the filtered angles at `t` seconds."""
        if head is None:
            self._head.reset()
            return None
        yaw, pitch, roll = self._head.update(t, np.array([head.yaw, head.pitch, head.roll])).tolist()
        return HeadPose(yaw, pitch, roll)
