"""Computes the head pose from the landmark net's rotation and the face's place in the picture.

The net's rotation is relative to the ray from the camera to the face. On the labelled clips the pose agrees with
MediaPipe's facial transformation matrix as well as solvePnP's did, and better in pitch, at no cost
(`tools.head_pose.measure`, models/landmarks.md).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import Box, HeadPose

FOCAL_LENGTH = 1.0
"""Assumed focal length over the picture's longer side (53 degrees of view). A dashboard camera has 50 to 75 degrees. A
wrong value changes the angles of a face near the picture's middle by a few per cent."""
STEEPEST = 100.0
"""Degrees of yaw from which there is no head pose, because the face itself would be out of sight. Pitch: 90 at most."""


def head_pose(turn: NDArray[np.float64], box: Box, shape: tuple[int, int]) -> HeadPose | None:
    """Return the head's angles to the camera's axis, degrees. None: |yaw| of `STEEPEST` or more, or not finite.

    `turn`: rotation (3, 3) relative to the ray from the camera to the head (`Landmarks.turn`). `box`: the face's place
    in a picture of `shape` (H, W), which gives the direction of that ray. Yaw + is to the driver's left, pitch + up,
    roll + to the driver's right. Applied as roll, then pitch, then yaw.
    """
    height, width = shape
    focal = FOCAL_LENGTH * max(height, width)
    right, down = (box.x + box.w / 2 - (width - 1) / 2) / focal, (box.y + box.h / 2 - (height - 1) / 2) / focal
    left, up, front = (_to_axis(right, down, *axis) for axis in turn.T.tolist())
    return _angles(left[1], up[1], front)


def _to_axis(right: float, down: float, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Return a vector (x, y, z), y up, turned from the ray `right` and `down` of the camera's axis (tangents) to it.

    The turn is the smallest one: about the line that is perpendicular to both (Rodrigues' formula).
    """
    length = math.hypot(right, down, 1.0)
    u, v, w = -right / length, down / length, 1.0 / length
    along = (u * x + v * y) / (1.0 + w) - z
    return x - u * along, y - v * along, w * z - u * x - v * y


def angles(turn: NDArray[np.float64]) -> HeadPose | None:
    """Return angles of a head's rotation (3, 3): x to its left, y up, z to the camera.

    None: |yaw| of `STEEPEST` or more, or not finite.
    """
    (_, _, x), (sine, cosine, y), (_, _, z) = turn.tolist()
    return _angles(sine, cosine, (x, y, z))


def _angles(sine: float, cosine: float, front: tuple[float, float, float]) -> HeadPose | None:
    """Return the angles. `sine`, `cosine`: how high the head's left and its top point. `front`: where its face points.

    All are components of vectors of length 1: x to the right of the picture, y up, z to the camera.
    """
    x, y, z = front
    # In a product of rotations, what is not finite reaches all of a column, or all of a row.
    if not math.isfinite(x + y + z + sine + cosine):
        return None
    yaw, pitch = math.degrees(math.atan2(x, z)), math.degrees(math.asin(min(1.0, max(-1.0, y))))
    if not (abs(yaw) < STEEPEST and abs(pitch) < STEEPEST):
        return None
    return HeadPose(yaw, pitch, math.degrees(math.atan2(sine, cosine)))
