"""Cuts the crop of a face, and runs the landmark net on it.

The net gives 70 points: the 68 of `imaging.ibug`, then the iris centres of the driver's right and left eye. The two
iris centres mostly follow the head, so only training uses them (`eyes/iris.py` measures irises). Training
(`tools.landmarks.train`) imports the crop from here. Frame pixels are OpenCV's: whole numbers are pixel centres.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import Box
from driver_monitor.imaging import crop, ibug
from driver_monitor.imaging.frame import Image
from driver_monitor.nets.onnx_model import OnnxModel

POINTS = 70
IMAGE_SIZE = 112
"""Width and height of the net's input, pixels."""
CROP_MARGIN = 1.4
"""Side of the crop over the longer side of the points' box: room for the head's movement from one frame to the next."""

DetectorKind = Literal["net", "hog", "yunet"]
_BOX_TO_CROP: dict[DetectorKind, tuple[float, float, float]] = {
    "net": (0.0, 0.11, 1.14),
    "hog": (0.0, 0.11, 1.40),
    "yunet": (0.0, 0.14, 1.07),
}


@dataclass(frozen=True, slots=True)
class Crop:
    """A square of the frame, turned by `roll`.

    `cx`, `cy`: its centre; `side`: length of its sides; frame pixels. `roll`: degrees by which it is turned clockwise
    as seen in the image. A head that is tilted by `roll` stands upright in the crop.
    """

    cx: float
    cy: float
    side: float
    roll: float = 0.0

    def matrix(self, size: float = 1.0, first: float = 0.0) -> NDArray[np.float64]:
        """Return the (2, 3) map from crop units (0 to `size`, edge to edge) to frame pixels.

        `first`: the place of 0 in these units, on both axes: 0.5 if whole numbers are the centres of the crop's pixels.
        """
        angle, half = math.radians(self.roll), size / 2 - first
        c, s = math.cos(angle) * self.side / size, math.sin(angle) * self.side / size
        return np.array([[c, -s, self.cx - (c - s) * half], [s, c, self.cy - (s + c) * half]])

    def to_frame(self, units: NDArray[np.floating]) -> NDArray[np.float32]:
        """Convert points (..., 2) in crop units (0 to 1 inside the crop) to frame pixels."""
        places = cv2.transform(units.astype(np.float64).reshape(-1, 1, 2), self.matrix())
        return places.astype(np.float32).reshape(units.shape)

    def to_units(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Convert points (..., 2) in frame pixels to crop units (0 to 1 inside the crop)."""
        m = self.matrix()
        return np.asarray((points - m[:, 2]) @ np.linalg.inv(m[:, :2]).T, np.float32)

    def turn_back(self, turn: NDArray[np.floating]) -> NDArray[np.float64]:
        """Convert a rotation (3, 3), y up, relative to this crop to a rotation relative to the upright frame."""
        c, s = math.cos(math.radians(self.roll)), math.sin(math.radians(self.roll))
        first, second, third = turn.tolist()
        level = [c * a + s * b for a, b in zip(first, second, strict=True)]
        return np.array([level, [c * b - s * a for a, b in zip(first, second, strict=True)], third])

    def cut(self, grey: Image, size: int = IMAGE_SIZE) -> Image:
        """Return the crop (size, size) of a grey frame (H, W). Outside the frame, the frame's edge is repeated."""
        return crop.cut(grey, self.matrix(size, 0.5), (size, size))


def face_crop(points: NDArray[np.floating]) -> Crop:
    """Return the crop for a face whose points (68 or 70, 2) are known, usually from the frame before.

    The line between the eyes' centres gives the roll. An eye's centre is the middle of its two corners, which a blink
    does not move. Centre: of the 68 points' box, turned by the roll. Side: its longer side times `CROP_MARGIN`.
    """
    # As complex numbers, x + iy: one product turns them.
    places = np.ascontiguousarray(points[: ibug.COUNT], np.float64).view(np.complex128)
    (a, b), (c, d) = (map(places.item, corners) for corners in (ibug.LEFT_EYE_CORNERS, ibug.RIGHT_EYE_CORNERS))
    roll = cmath.phase((a + b) / 2 - (c + d) / 2)
    cosine, sine = math.cos(roll), math.sin(roll)
    left, top, right, bottom = ibug.bounds((places * complex(cosine, -sine)).view(np.float64))
    u, v = (left + right) / 2, (top + bottom) / 2
    side = CROP_MARGIN * max(right - left, bottom - top)
    return Crop(cosine * u - sine * v, sine * u + cosine * v, side, math.degrees(roll))


def crop_of_box(box: Box, detector: DetectorKind) -> Crop:
    """Return the upright crop for a face that `detector` found in `box`. Its landmarks then give a better `face_crop`.

    Shifts and factor depend on the detector. They are medians over in-car stills (`tools.landmarks.teach boxes`): place
    and size of `face_crop` of the teacher's points relative to the detector's box, in units of the box's longer side.
    """
    right, down, factor = _BOX_TO_CROP[detector]
    size = max(box.w, box.h)
    return Crop(box.x + box.w / 2 + right * size, box.y + box.h / 2 + down * size, factor * size)


@dataclass(frozen=True, eq=False)
class Landmarks:
    """The landmark net's answer for one crop.

    `points`: (70, 2) float32, frame pixels; they may lie outside the frame. `score`: probability that the crop holds a
    face; below 0.5 the rest means nothing. `mouth_hidden`: probability that something covers the mouth. `turn`:
    rotation (3, 3) of the head relative to the ray from the camera to it, with the frame upright; x to the driver's
    left, y up, z towards the camera.
    """

    points: NDArray[np.float32]
    score: float
    mouth_hidden: float
    turn: NDArray[np.float64]

    @cached_property
    def box(self) -> Box:
        """The box around the 68 points, frame pixels."""
        return ibug.box_of_points(self.points)


def rotation(six: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the head's rotation (3, 3) from the net's six numbers (6,), all 0 for a face straight to the crop.

    The numbers are the head's x and y axes minus those of a straight head. This function makes the axes orthogonal and
    of length 1 (Zhou et al., On the Continuity of Rotation Representations, CVPR 2019).
    """
    a, b, c, d, e, f = six.tolist()
    x = _unit(a + 1.0, b, c)
    along = x[0] * d + x[1] * (e + 1.0) + x[2] * f
    y = _unit(d - along * x[0], e + 1.0 - along * x[1], f - along * x[2])
    z = (x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0])
    return np.array([[x[0], y[0], z[0]], [x[1], y[1], z[1]], [x[2], y[2], z[2]]])


def _unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    length = math.hypot(x, y, z) + 1e-12
    return x / length, y / length, z / length


class LandmarkNet:
    """Runs the landmark net on a crop. `sha256`: SHA-256 of the model file in hexadecimal."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Load `models/landmarks.onnx`. Raises `ModelError` if it is missing, damaged or the wrong model."""
        self.model = OnnxModel(
            path,
            {"image": (None, 1, IMAGE_SIZE, IMAGE_SIZE)},
            {"points": (None, POINTS, 2), "face": (None,), "mouth_hidden": (None,), "turn": (None, 6)},
            threads,
        )
        self.sha256 = self.model.sha256

    def read(self, grey: Image, crop: Crop) -> Landmarks:
        """Return the net's answer for `crop` of a grey frame (H, W), also if there is no face (see `score`)."""
        image = np.divide(crop.cut(grey), np.float32(255.0), dtype=np.float32)
        points, face, hidden, turn = self.model.run({"image": image[None, None]})
        return Landmarks(crop.to_frame(points[0]), float(face[0]), float(hidden[0]), crop.turn_back(rotation(turn[0])))
