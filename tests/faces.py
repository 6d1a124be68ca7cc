"""A drawn face for tests: 70 points of an upright, open-eyed face, and helpers to change them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import FaceView, HeadPose
from driver_monitor.imaging.ibug import LEFT_EYE, RIGHT_EYE, box_of_points

Points = NDArray[np.float32]
EYE_WIDTH = 40.0


def points(aspect: float = 0.27, iris: tuple[float, float] = (0.0, 0.0), mouth: float = 0.0) -> Points:
    """Points with both eyes at this aspect ratio, irises moved by `iris` eye widths, mouth open by `mouth` widths."""
    face = np.zeros((70, 2), np.float32)
    face[:17] = [(100 + 12.5 * i, 200 + 120 * np.sin(np.pi * i / 16)) for i in range(17)]
    face[17:27] = [(120 + 18 * i, 150) for i in range(10)]
    face[27:36] = [(200, 180 + 8 * i) for i in range(9)]
    for eye, x, iris_index in ((RIGHT_EYE, 150.0, 68), (LEFT_EYE, 250.0, 69)):
        side = -1 if eye is RIGHT_EYE else 1
        half = EYE_WIDTH / 2
        lid = aspect * EYE_WIDTH / 2
        outer, upper_a, upper_b, inner, lower_b, lower_a = eye
        face[outer], face[inner] = (x + side * half, 180), (x - side * half, 180)
        face[[upper_a, upper_b]] = [(x + side * half / 3, 180 - lid), (x - side * half / 3, 180 - lid)]
        face[[lower_a, lower_b]] = [(x + side * half / 3, 180 + lid), (x - side * half / 3, 180 + lid)]
        face[iris_index] = (x + iris[0] * EYE_WIDTH, 180 - iris[1] * EYE_WIDTH)
    width = 60.0
    face[48:60] = [(200 + width / 2 * np.cos(a), 270 - 10 * np.sin(a)) for a in np.linspace(np.pi, -np.pi, 12, False)]
    face[48], face[54] = (170, 270), (230, 270)
    face[60], face[64] = (172, 270), (228, 270)
    for upper, lower, x in ((61, 67, 185), (62, 66, 200), (63, 65, 215)):
        face[upper], face[lower] = (x, 270 - mouth * width / 2), (x, 270 + mouth * width / 2)
    return face


def view(face: Points, yaw: float = 0.0, pitch: float = 0.0) -> FaceView:
    """The face view of `face` with the head turned so."""
    return FaceView(box_of_points(face), 0.99, face, HeadPose(yaw, pitch, 0.0), 0.0)
