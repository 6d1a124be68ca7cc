"""Where the head points, from the landmarks of one frame and the mean shape of a face (`models/face_shape.csv`)."""

from __future__ import annotations

import csv
import functools
import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor import resources
from driver_monitor.errors import ModelError
from driver_monitor.observation import HeadPose

SHAPE_FILE = "models/face_shape.csv"
RIGID = (0, 1, 2, 14, 15, 16, 27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45)
"""iBUG points that neither speech nor expression moves much: before the ears, nose, eye corners. The landmark net
learned from a 3-D mesh, so its points before the ears stay on the skull and do not slide along the outline."""
FOCAL_LENGTH = 1.0
"""Assumed focal length over the picture's longer side (53 degrees of view). A dashboard camera has 50 to 75 degrees;
the wrong one changes the angles of a face near the picture's middle by a few per cent."""
WORST_FIT = 0.15
"""Root mean square reprojection error, in distances of the outer eye corners, above which it is no face."""
STEEPEST = 100.0
"""Yaw or pitch beyond which the face itself would be out of sight, degrees."""
_FRAME_OF_CAMERA = np.diag([1.0, -1.0, -1.0])
"""OpenCV's camera has y down and z away from it; angles are told with y up and z towards it."""


@functools.cache
def face_shape() -> NDArray[np.float64]:
    """Return the mean face, (70, 3): x to the driver's left, y up, z towards the camera, 1 between outer eye corners.

    The origin is the middle of the outer eye corners. Raises `ModelError` when the file is missing or damaged.
    """
    return read_shape(resources.path(SHAPE_FILE))


def read_shape(path: Path) -> NDArray[np.float64]:
    """Read a shape file: columns point, x, y, z. Raises `ModelError` when it is missing or damaged."""
    try:
        with path.open(newline="") as file:
            rows = [(int(row["point"]), *(float(row[axis]) for axis in "xyz")) for row in csv.DictReader(file)]
    except OSError as error:
        raise ModelError(f"{path}: cannot read it: {error.strerror}; reinstall driver-monitor") from error
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise ModelError(f"{path}: not a face shape ({error}); reinstall driver-monitor") from error
    shape = np.array([row[1:] for row in rows])
    if [row[0] for row in rows] != list(range(70)) or not np.isfinite(shape).all():
        raise ModelError(f"{path}: not a face shape: expected points 0 to 69, finite; reinstall driver-monitor")
    return shape


def head_pose(points: NDArray[np.floating], size: tuple[int, int]) -> HeadPose | None:
    """Return the head's angles relative to the camera, degrees, or None where the points make no face.

    `points`: (68 or more, 2), frame pixels of a picture of `size` (width, height). Yaw + to the driver's left,
    pitch + up, roll + to the driver's right; applied as roll, then pitch, then yaw. A pure function of one frame.
    """
    seen = np.ascontiguousarray(points[list(RIGID)], np.float64)
    if not np.isfinite(seen).all():
        return None
    distance = float(np.linalg.norm(points[36] - points[45]))
    if not 1.0 < distance < 10.0 * max(size):
        return None
    focal = FOCAL_LENGTH * max(size)
    camera = np.array([[focal, 0, (size[0] - 1) / 2], [0, focal, (size[1] - 1) / 2], [0, 0, 1.0]])
    shape = np.ascontiguousarray(face_shape()[list(RIGID)])
    turn = _fit(shape, seen, camera, WORST_FIT * distance)
    return None if turn is None else angles(_FRAME_OF_CAMERA @ turn)


def _fit(
    shape: NDArray[np.float64], seen: NDArray[np.float64], camera: NDArray[np.float64], worst: float
) -> NDArray[np.float64] | None:
    """Return the rotation from face to camera, or None if no view of the face explains what is seen."""
    try:
        found, rotation, shift = cv2.solvePnP(shape, seen, camera, None, flags=cv2.SOLVEPNP_SQPNP)
        if not found:
            return None
        rotation, shift = cv2.solvePnPRefineLM(shape, seen, camera, None, rotation, shift)
    except cv2.error:
        return None
    again, _ = cv2.projectPoints(shape, rotation, shift, camera, None)
    error = float(np.sqrt(((again[:, 0] - seen) ** 2).sum(axis=1).mean()))
    if not (error < worst and shift[2, 0] > 0):
        return None
    return np.asarray(cv2.Rodrigues(rotation)[0], np.float64)


def angles(turn: NDArray[np.float64]) -> HeadPose | None:
    """Return the angles of a rotation (3, 3) of the face shape, in its own axes; None where the face looks away."""
    yaw = math.degrees(math.atan2(turn[0, 2], turn[2, 2]))
    pitch = math.degrees(math.asin(min(1.0, max(-1.0, turn[1, 2]))))
    roll = math.degrees(math.atan2(turn[1, 0], turn[1, 1]))
    if not (abs(yaw) < STEEPEST and abs(pitch) < STEEPEST):
        return None
    return HeadPose(yaw, pitch, roll)
