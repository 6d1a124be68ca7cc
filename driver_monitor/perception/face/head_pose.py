"""Where the head points, from the landmark net's rotation and the face's place in the picture.

The net sees a face by itself, as if the camera looked straight at it. On the labelled clips its rotation follows
MediaPipe's facial transformation matrix as well as solvePnP on the points did, and better in pitch, for nothing
(`tools.head_pose.measure`, models/landmarks.md).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import HeadPose

FOCAL_LENGTH = 1.0
"""Assumed focal length over the picture's longer side (53 degrees of view). A dashboard camera has 50 to 75 degrees;
the wrong one changes the angles of a face near the picture's middle by a few per cent."""
STEEPEST = 100.0
"""Yaw or pitch beyond which the face itself would be out of sight, degrees."""


def head_pose(turn: NDArray[np.float64], points: NDArray[np.floating], shape: tuple[int, int]) -> HeadPose | None:
    """Return the head's angles relative to the camera's axis, degrees, or None where they make no sense.

    `turn`: rotation (3, 3) relative to the ray from the camera to the head (`Landmarks.turn`); `points`: (68 or more,
    2), pixels of a picture of `shape` (H, W), which tell where that ray goes. Yaw + to the driver's left, pitch + up,
    roll + to the driver's right; applied as roll, then pitch, then yaw. A pure function of one frame.
    """
    height, width = shape
    focal = FOCAL_LENGTH * max(height, width)
    x, y = (points[:68].min(axis=0) + points[:68].max(axis=0)) / 2 - ((width - 1) / 2, (height - 1) / 2)
    if not (np.isfinite(turn).all() and math.isfinite(x) and math.isfinite(y)):
        return None
    return angles(_towards_camera(x / focal, y / focal) @ turn)


def _towards_camera(right: float, down: float) -> NDArray[np.float64]:
    """Return the rotation (3, 3) from the ray to what lies `right` and `down` of the axis (tangents) to the axis."""
    z = np.array([-right, down, 1.0]) / math.hypot(right, down, 1.0)
    axis = np.array([-z[1], z[0], 0.0])
    sine = math.hypot(z[0], z[1])
    if sine < 1e-9:
        return np.eye(3)
    return np.asarray(cv2.Rodrigues(axis / sine * math.asin(sine))[0], np.float64)


def angles(turn: NDArray[np.float64]) -> HeadPose | None:
    """Return the angles of a head's rotation (3, 3), x to its left, y up, z towards the camera; None: it looks away."""
    yaw = math.degrees(math.atan2(turn[0, 2], turn[2, 2]))
    pitch = math.degrees(math.asin(min(1.0, max(-1.0, turn[1, 2]))))
    roll = math.degrees(math.atan2(turn[1, 0], turn[1, 1]))
    if not (abs(yaw) < STEEPEST and abs(pitch) < STEEPEST):
        return None
    return HeadPose(yaw, pitch, roll)
