"""The 70 points of a face, by a small net of our own, and the crop it looks at.

Points 0 to 67 are the iBUG 68-point scheme (Sagonas et al., 300 Faces in-the-Wild, ICCV-W 2013), 68 and 69 the iris
centres of the driver's right and left eye as far as the net can tell, which is little: they follow the head, and only
training reads them (irises: `eyes/iris.py`). Frame pixels are OpenCV's: whole numbers are pixel centres. Training
(`tools.landmarks.train`) imports the crop from here, so the net never sees another crop than it learned on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import Box
from driver_monitor.nets.onnx_model import OnnxModel

POINTS = 70
IMAGE_SIZE = 112
"""Width and height of the net's input, pixels."""
CROP_MARGIN = 1.4
"""Side of the crop over the longer side of the points' bounding box: leaves room for one frame's head movement."""

RIGHT_EYE_CORNERS = (36, 39)
LEFT_EYE_CORNERS = (42, 45)

DetectorKind = Literal["net", "hog", "yunet"]
_BOX_TO_CROP: dict[DetectorKind, tuple[float, float, float]] = {
    "net": (0.0, 0.11, 1.14),
    "hog": (0.0, 0.11, 1.40),
    "yunet": (0.0, 0.14, 1.07),
}


@dataclass(frozen=True, slots=True)
class Crop:
    """A square of the frame, turned by `roll`.

    `cx`, `cy`: its centre, `side`: its length, frame pixels. `roll`: degrees by which it is turned clockwise as seen
    in the image, so that a head tilted as much stands upright in it.
    """

    cx: float
    cy: float
    side: float
    roll: float = 0.0

    def matrix(self, size: float = 1.0) -> NDArray[np.float64]:
        """Return the (2, 3) map from crop units (0 to `size`, edge to edge) to frame pixels."""
        angle = math.radians(self.roll)
        c, s = math.cos(angle) * self.side, math.sin(angle) * self.side
        turn = np.array([[c, -s], [s, c]]) / size
        centre = np.array([self.cx, self.cy]) - turn @ np.array([size / 2, size / 2])
        return np.column_stack([turn, centre])

    def to_frame(self, units: NDArray[np.floating]) -> NDArray[np.float32]:
        """Turn points (..., 2) in crop units, 0 to 1, into frame pixels."""
        m = self.matrix()
        return np.asarray(units @ m[:, :2].T + m[:, 2], np.float32)

    def to_units(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Turn points (..., 2) in frame pixels into crop units, 0 to 1."""
        m = self.matrix()
        return np.asarray((points - m[:, 2]) @ np.linalg.inv(m[:, :2]).T, np.float32)

    def turn_back(self, turn: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the rotation (3, 3), y up, of what has the rotation `turn` in this crop, in the upright frame."""
        c, s = math.cos(math.radians(self.roll)), math.sin(math.radians(self.roll))
        return np.asarray(np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]]) @ turn, np.float64)

    def cut(self, image: NDArray[np.uint8], size: int = IMAGE_SIZE) -> NDArray[np.uint8]:
        """Return the crop (size, size) of a grey frame; beyond the frame its edge is repeated."""
        # A crop of several times the size is cut finer first and then averaged: sampling alone would alias lashes.
        fine = size * min(4, max(1, round(self.side / size)))
        m = self.matrix(fine)
        m[:, 2] += m[:, :2] @ np.array([0.5, 0.5])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        patch = cv2.warpAffine(image, m, (fine, fine), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        small = patch if fine == size else cv2.resize(patch, (size, size), interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.uint8)


def face_crop(points: NDArray[np.floating]) -> Crop:
    """Return the crop for a face whose points (68 or 70, 2) are known, usually from the frame before.

    It is derotated by the roll of the line between the eyes' centres (each the middle of its two corners, which a
    blink does not move); its centre and side come from the bounding box of the 68 points in that upright frame.
    """
    ibug = np.asarray(points, np.float64)[:68]
    across = ibug[list(LEFT_EYE_CORNERS)].mean(axis=0) - ibug[list(RIGHT_EYE_CORNERS)].mean(axis=0)
    roll = math.atan2(across[1], across[0])
    c, s = math.cos(roll), math.sin(roll)
    upright = ibug @ np.array([[c, -s], [s, c]])
    low, high = upright.min(axis=0), upright.max(axis=0)
    mx, my = (low + high) / 2
    side = CROP_MARGIN * float((high - low).max())
    return Crop(float(c * mx - s * my), float(s * mx + c * my), side, math.degrees(roll))


def crop_of_box(box: Box, detector: DetectorKind) -> Crop:
    """Return the upright crop to start from where `detector` found a face.

    The shifts and the factor were fitted on in-car stills (`tools.landmarks.teach boxes`): median place and size
    of `face_crop` of the teacher's points relative to the detector's box, in units of its longer side.
    """
    right, down, factor = _BOX_TO_CROP[detector]
    size = max(box.w, box.h)
    return Crop(box.x + box.w / 2 + right * size, box.y + box.h / 2 + down * size, factor * size)


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """What the net sees in one crop.

    `points`: (70, 2) float32, frame pixels; they may lie outside the frame. `score`: probability that the crop holds a
    face; below one half the rest means nothing. `mouth_hidden`: probability that something covers the mouth. `turn`:
    rotation (3, 3) of the head relative to the ray from the camera to it, with the frame upright; x to the driver's
    left, y up, z towards the camera.
    """

    points: NDArray[np.float32]
    score: float
    mouth_hidden: float
    turn: NDArray[np.float64]


def rotation(six: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the rotation (3, 3) of six numbers (6,), which are all 0 for a face that looks straight at the crop.

    They are the head's first two axes, less the straight ones, before they are made orthogonal (Zhou et al., On the
    Continuity of Rotation Representations, CVPR 2019).
    """
    x = np.add(six[:3], (1.0, 0.0, 0.0), dtype=np.float64)
    x /= math.sqrt(x @ x) + 1e-12
    y = np.add(six[3:], (0.0, 1.0, 0.0), dtype=np.float64)
    y -= (x @ y) * x
    y /= math.sqrt(y @ y) + 1e-12
    z = (x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0])
    return np.column_stack([x, y, z])


class LandmarkNet:
    """The landmark net. `sha256`: digest of the model file."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Load `models/landmarks.onnx`; raises `ModelError` when it is missing, damaged or another model."""
        self._model = OnnxModel(
            path,
            {"image": (None, 1, IMAGE_SIZE, IMAGE_SIZE)},
            {"points": (None, POINTS, 2), "face": (None,), "mouth_hidden": (None,), "turn": (None, 6)},
            threads,
        )
        self.sha256 = self._model.sha256

    def look(self, image: NDArray[np.uint8], crop: Crop) -> Landmarks:
        """Return what `crop` of a grey frame (H, W) shows."""
        patch = crop.cut(image).astype(np.float32) / 255.0
        points, face, hidden, turn = self._model.run({"image": patch[None, None]})
        return Landmarks(crop.to_frame(points[0]), float(face[0]), float(hidden[0]), crop.turn_back(rotation(turn[0])))
