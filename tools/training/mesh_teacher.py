"""The teacher of the landmark net: MediaPipe's face mesh of 478 points (Apache-2.0), reduced to our 70 points."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from driver_monitor.data.observation import Box
from driver_monitor.perception.face.landmarks import Crop, face_crop

# fmt: off
MESH_OF_IBUG = (
    127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356,  # jaw
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,  # brows
    168, 6, 195, 4, 98, 97, 2, 326, 327,  # nose
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,  # lids
    61, 39, 37, 0, 267, 269, 291, 321, 314, 17, 84, 91,  # outer lips
    78, 82, 13, 312, 308, 317, 14, 87,  # inner lips
)
MIRROR = (
    *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31,
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65, 69, 68,
)
# fmt: on
"""The index of each of the 70 points after the picture is mirrored."""
MESH_OF_POINTS = (*MESH_OF_IBUG, 468, 473)
MESH_SIZE = 256
MESH_MARGIN = 1.5 / 1.4
"""Side of the mesh's crop in sides of ours. MediaPipe adds 25 % to the face box on each side, our crop 40 % in all."""


class MeshTeacher:
    """Find a face with YuNet, then run the mesh twice: on the box, and on the upright crop from the first result."""

    def __init__(self, anchors: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._mesh = onnxruntime.InferenceSession(str(anchors / "face_mesh_478_256.onnx"), options)
        self._yunet = cv2.FaceDetectorYN.create(str(anchors / "yunet_2023mar.onnx"), "", (320, 320), 0.5)

    def detect(self, image: NDArray[np.uint8], width: int = 320) -> Box | None:
        """Return the best face box of a grey image, None without a face.

        A border is added first, because YuNet misses faces that fill the picture.
        """
        border = max(image.shape) // 4
        padded = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE)
        scale = width / padded.shape[1]
        small = cv2.resize(padded, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        self._yunet.setInputSize((small.shape[1], small.shape[0]))
        _, faces = self._yunet.detect(cv2.cvtColor(small, cv2.COLOR_GRAY2BGR))
        if faces is None or not len(faces):
            return None
        x, y, w, h = (faces[int(np.argmax(faces[:, 14]))][:4] / scale).tolist()
        return Box(x - border, y - border, w, h)

    def look(self, image: NDArray[np.uint8], crop: Crop) -> tuple[NDArray[np.float32], float]:
        """Return the mesh (478, 3), all in frame pixels, and the probability that a face is there."""
        patch = crop.cut(image, MESH_SIZE).astype(np.float32) / 255
        mesh, presence, _ = self._mesh.run(None, {"input": np.repeat(patch[None, :, :, None], 3, axis=3)})
        points = mesh.reshape(478, 3) / MESH_SIZE
        flat = crop.to_frame(points[:, :2])
        return np.column_stack([flat, points[:, 2] * crop.side]), float(1 / (1 + np.exp(-presence.item())))

    def find(self, image: NDArray[np.uint8], box: Box | None = None) -> tuple[NDArray[np.float32], float] | None:
        """Detect a face (or take `box`) and run the mesh twice, see the class. None without a face."""
        found = box or self.detect(image)
        if found is None:
            return None
        size = max(found.w, found.h) * 1.5
        mesh, _ = self.look(image, Crop(found.x + found.w / 2, found.y + found.h / 2, size))
        return self.look(image, points_crop(points70(mesh)))

    def find_steady(self, image: NDArray[np.uint8], box: Box | None) -> tuple[NDArray[np.float32], float, float] | None:
        """Like `find`, but the mean of four runs: two margins, each also mirrored.

        Returns points, score and the spread of the four, in distances of the outer eye corners.
        """
        first = self.find(image, box)
        if first is None:
            return None
        crop = points_crop(points70(first[0]))
        looks, scores = [], []
        mirrored = np.ascontiguousarray(image[:, ::-1])
        for margin in (0.94, 1.06):
            near = Crop(crop.cx, crop.cy, crop.side * margin, crop.roll)
            back = Crop(image.shape[1] - 1 - crop.cx, crop.cy, crop.side * margin, -crop.roll)
            mesh, score = self.look(image, near)
            other, other_score = self.look(mirrored, back)
            other[:, 0] = image.shape[1] - 1 - other[:, 0]
            looks += [points70(mesh), points70(other)[list(MIRROR)]]
            scores += [score, other_score]
        looks_array = np.stack(looks)
        mean = looks_array.mean(axis=0)
        distance = float(np.linalg.norm(mean[36] - mean[45])) + 1e-6
        spread = float(np.linalg.norm(looks_array - mean, axis=2).mean() / distance)
        return mean, float(np.mean(scores)), spread


def points70(mesh: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the 70 points (70, 2) of a mesh."""
    return mesh[list(MESH_OF_POINTS), :2]


def points_crop(points: NDArray[np.float32]) -> Crop:
    """Return the crop that the mesh needs for a face with known points (70, 2)."""
    crop = face_crop(points)
    return Crop(crop.cx, crop.cy, crop.side * MESH_MARGIN, crop.roll)


def eye_aspect_ratio(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the aspect ratios (..., 2) of the right and the left eye of points (..., 70, 2), in any square unit."""
    p = np.asarray(points, np.float64)
    ratios = []
    for a in (36, 42):
        gap = np.linalg.norm(p[..., a + 1, :] - p[..., a + 5, :], axis=-1)
        gap = gap + np.linalg.norm(p[..., a + 2, :] - p[..., a + 4, :], axis=-1)
        ratios.append(gap / (2 * np.linalg.norm(p[..., a, :] - p[..., a + 3, :], axis=-1) + 1e-9))
    return np.stack(ratios, axis=-1)
