"""Decides which answers about objects a picture can give at all. The others are unknown, whatever the net says."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import Box, HeadPose
from driver_monitor.imaging.ibug import COUNT, Side, box_of_points
from driver_monitor.perception.reader import FacePicture

SMALLEST = 40.0
"""Least longer side of the points' box, pixels. In a smaller face a telephone is less than 10 pixels wide (ours)."""
FAR_EAR_YAW = 35.0
"""Degrees of yaw beyond which the cheek covers the far ear, and what is held at it (ours)."""
MOUTH_YAW = 60.0
"""Degrees of yaw beyond which half of the mouth and of the face is out of sight, as for `FaceView.mouth_opening`."""
NEAR_EAR_YAW = 75.0
"""Degrees of yaw beyond which the landmarks themselves are guessed, and with them the place of the crop (ours)."""
EAR_WIDE, EAR_INSIDE = 0.5, 0.7
"""Side of the square around an ear, in sides of the face: a hand's breadth. So much of it must be in the picture: else
the ear itself is at the picture's border, and the telephone beyond it (ours)."""
MOUTH_WIDE, MOUTH_INSIDE = 0.5, 0.8
"""The same for the mouth: what is held at it reaches beyond the lips (ours)."""
FACE_INSIDE = 0.8
"""So much of the face must be in the picture to say that there is no hand on it (ours)."""

EAR_POINTS: dict[Side, slice] = {"right": slice(0, 3), "left": slice(14, 17)}
"""iBUG points of the jaw's outline that are nearest to each ear; left and right are the driver's own."""
MOUTH_POINTS = slice(48, 60)
"""iBUG points of the outer lips."""
PHONE: dict[Side, str] = {"right": "phone_right", "left": "phone_left"}
AT_MOUTH = ("mask", "mouth_hidden")
"""What the mouth's surroundings tell. `at_mouth` is not among them: the net finds too few cups and cigarettes to say
that there is none (models/objects.md), so that answer is unknown."""


def readable(picture: FacePicture) -> frozenset[str]:
    """Return the answers that `picture` can give, by their fields of `ObjectsView`.

    None of them: in the dark, without a head pose or finite points, and in a face smaller than `SMALLEST`.
    """
    points, head = picture.face.points[:COUNT], picture.face.head
    if picture.light == "dark" or head is None or not np.isfinite(points).all():
        return frozenset()
    box = box_of_points(points)
    side = max(box.w, box.h)
    if not side >= SMALLEST:
        return frozenset()
    shape = picture.grey.shape[0], picture.grey.shape[1]
    found = {PHONE[ear] for ear in PHONE if _shows_ear(ear, head) and _has(shape, points[EAR_POINTS[ear]], side)}
    if abs(head.yaw) <= MOUTH_YAW:
        if _inside(_square(points[MOUTH_POINTS], MOUTH_WIDE * side), shape) >= MOUTH_INSIDE:
            found.update(AT_MOUTH)
        if _inside(Box(box.x + (box.w - side) / 2, box.y + (box.h - side) / 2, side, side), shape) >= FACE_INSIDE:
            found.add("hand")
    return frozenset(found)


def _shows_ear(ear: Side, head: HeadPose) -> bool:
    """Return whether the head is turned so that this ear can be seen. The far one is that to which the head turns."""
    far = head.yaw if ear == "left" else -head.yaw
    return -NEAR_EAR_YAW <= far <= FAR_EAR_YAW


def _has(shape: tuple[int, int], ear: NDArray[np.float32], side: float) -> bool:
    return _inside(_square(ear, EAR_WIDE * side), shape) >= EAR_INSIDE


def _square(points: NDArray[np.float32], side: float) -> Box:
    x, y = points.mean(axis=0, dtype=np.float64).tolist()
    return Box(x - side / 2, y - side / 2, side, side)


def _inside(box: Box, shape: tuple[int, int]) -> float:
    """Return the share of `box` inside a picture of `shape` (H, W)."""
    wide = min(box.x + box.w, shape[1]) - max(box.x, 0.0)
    high = min(box.y + box.h, shape[0]) - max(box.y, 0.0)
    share = max(wide, 0.0) / box.w * (max(high, 0.0) / box.h)
    return share if math.isfinite(share) else 0.0
