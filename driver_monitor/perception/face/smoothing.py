"""Removes the camera's noise from landmarks and head pose, with little delay."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import HeadPose
from driver_monitor.imaging import ibug
from driver_monitor.perception.face.one_euro import OneEuro

POINTS_STILL_HZ, HEAD_STILL_HZ = 1.0, 1.0
"""Cut-off frequencies for still points and still angles. On stills with fresh noise the noise of the points falls to a
third; on the clips points and yaw come a third of a frame late (`tools.measure.stability`, models/landmarks.md)."""
POINTS_SPEED_GAIN, HEAD_SPEED_GAIN = 20.0, 0.4
"""Hz added for a speed of one distance of the outer eye corners a second, and of one degree a second."""
_LEAST_UNIT = 1.0

_EYES = np.array([ibug.RIGHT_EYE, ibug.LEFT_EYE])
_CORNERS = _EYES[:, [0, 3]]
_LIDS = _EYES[:, [1, 2, 4, 5]]


class FaceSmoother:
    """Smooths one face. Call `reset` before another face."""

    def __init__(self) -> None:
        self._points = OneEuro(POINTS_STILL_HZ, POINTS_SPEED_GAIN)
        self._head = OneEuro(HEAD_STILL_HZ, HEAD_SPEED_GAIN)

    def reset(self) -> None:
        """Forget the face: the next one is another, or was not seen for a while."""
        self._points.reset()
        self._head.reset()

    def points(self, t: float, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the smoothed points (70, 2) at `t` seconds.

        The lids keep their measured distance from each other. A blink lasts three frames, and any filter that smooths
        still lids makes it shallower. The lids move with the corners of their eye.
        """
        unit = max(_LEAST_UNIT, math.dist(*points[_CORNERS[:, 0]].tolist()))
        smooth = self._points.update(t, points, unit)
        moved = (smooth - points)[_CORNERS].sum(axis=1, keepdims=True) / 2
        smooth[_LIDS] = points[_LIDS] + moved
        return smooth.astype(np.float32)

    def head(self, t: float, head: HeadPose | None) -> HeadPose | None:
        """Return the smoothed angles at `t` seconds."""
        if head is None:
            self._head.reset()
            return None
        yaw, pitch, roll = self._head.update(t, np.array([head.yaw, head.pitch, head.roll])).tolist()
        return HeadPose(yaw, pitch, roll)
