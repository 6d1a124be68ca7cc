"""Measures how the light lies on the driver's face: for the installer, who aims the camera and its lamp."""

from __future__ import annotations

import numpy as np

from driver_monitor.data.observation import FaceLight
from driver_monitor.imaging.frame import Image
from driver_monitor.imaging.ibug import box_of_points
from driver_monitor.perception.reader import FacePicture
from driver_monitor.perception.scene.quality import SATURATED
from driver_monitor.timing.periodic import PeriodicTimer

HZ = 2.0
"""Measurements a second. An installer moves a lamp by hand; 2 Hz follow it (ours)."""
SIDE = 48
"""Pixels of the shorter side of the face that are read, at least, if it has so many. The rest is left out: a mean over
2,300 pixels is good to a grey level."""
AROUND_STRIDE = 8
"""Every eighth row and column of the rest of the picture is read: 4,800 pixels at 640x480, in 20 microseconds."""
NOSE_BRIDGE = slice(27, 31)
"""Numbers of the iBUG points on the bridge of the nose. They divide the face into its left and right half."""
LEAST_HALF = 0.25
"""Least width of a half, as a share of the face. If one is narrower, the head is turned, and both halves are None: the
far half shows the ear side of the other cheek only (ours)."""


class FaceLightReader:
    """Measures the light on the face `HZ` times a second."""

    field = "face_light"

    def __init__(self) -> None:
        self._timer = PeriodicTimer(1.0 / HZ)

    def read(self, picture: FacePicture) -> FaceLight | None:
        """Return the light on the face. None: no measurement is due, or the face lies outside the picture."""
        if not self._timer.due(picture.t):
            return None
        points = picture.face.points
        box = box_of_points(points)
        left, right = max(0, int(box.x)), min(picture.grey.shape[1], int(box.x + box.w) + 1)
        top, bottom = max(0, int(box.y)), min(picture.grey.shape[0], int(box.y + box.h) + 1)
        if right - left < 2 or bottom - top < 2:
            return None
        stride = max(1, min(right - left, bottom - top) // SIDE)
        face = picture.grey[top:bottom:stride, left:right:stride]
        nose = (float(points[NOSE_BRIDGE, 0].mean()) - left) / (right - left)
        halves: tuple[float | None, float | None] = (None, None)
        if LEAST_HALF <= nose <= 1 - LEAST_HALF:
            middle = max(1, round(nose * face.shape[1]))
            # The driver's right is on the left side of the picture.
            halves = float(face[:, middle:].mean()), float(face[:, :middle].mean())
        return FaceLight(
            mean=float(face.mean()),
            around=_around(picture.grey, (left, top, right, bottom)),
            clipped=float((face >= SATURATED).mean()),
            left=halves[0],
            right=halves[1],
        )


def _around(grey: Image, face: tuple[int, int, int, int]) -> float | None:
    """Return the mean grey level of `grey` (H, W) without the face. None: the face fills the picture.

    `face`: left, top, right, bottom, pixels.
    """
    left, top, right, bottom = (value // AROUND_STRIDE for value in face)
    small = grey[::AROUND_STRIDE, ::AROUND_STRIDE]
    inside = small[top : bottom + 1, left : right + 1]
    rest = small.size - inside.size
    return float(small.sum(dtype=np.int64) - inside.sum(dtype=np.int64)) / rest if rest > 0 else None
