"""The mean 3-D face of the teacher's meshes, symmetric, in `tools/mean_face.csv`: for measuring how far a face turns,
and a face whose points the tests know. The program does not need it.

Frontal, neutral faces with a closed mouth and open eyes are aligned on one another (generalised Procrustes: shift,
turn and scale) and averaged with their own mirror images. x to the driver's left, y up, z towards the camera, origin
between the outer eye corners, which are 1 apart and lie on the x axis; the face's plane of brows and chin is upright.
"""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
from mesh_teacher import MESH_OF_POINTS, MIRROR, MeshTeacher, eye_aspect_ratio
from numpy.typing import NDArray

MEAN_FACE = Path(__file__).with_name("mean_face.csv")
MOST = 400
LEAST_EAR, WIDEST_MOUTH, MOST_TURN = 0.22, 0.03, 0.05
"""Eyes open, inner lips closed (gap over mouth width), and the nose in the middle (share of the eyes' distance)."""


def meshes(data: Path, anchors: Path, held_out: frozenset[str]) -> NDArray[np.float64]:
    """Return (N, 70, 3) neutral frontal faces of the portraits and of the in-car persons that are not held out."""
    teacher = MeshTeacher(anchors)
    with (data / "portraits.csv").open() as file:
        paths = [data / "portraits" / row["file"] for row in csv.DictReader(file) if row["expression"] == "neutral"]
    with (data / "incar_stills" / "labels.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["mouth"] == "closed" and row["person"] not in held_out]
    paths = [data / "incar_stills" / row["file"] for row in rows if row["head"] == "forward"][:120] + paths
    found: list[NDArray[np.float64]] = []
    for path in paths:
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        seen = teacher.find(image) if image is not None else None
        if seen is not None and seen[1] > 0.9:
            points = np.asarray(seen[0][list(MESH_OF_POINTS)], np.float64) * [1, -1, -1]
            if _is_plain(points):
                found.append(points)
        if len(found) == MOST:
            break
    return np.stack(found)


def _is_plain(p: NDArray[np.float64]) -> bool:
    turn = abs(p[30, 0] - (p[36, 0] + p[45, 0]) / 2) / abs(p[45, 0] - p[36, 0])
    mouth = abs(p[62, 1] - p[66, 1]) / abs(p[48, 0] - p[54, 0])
    return bool(turn < MOST_TURN and mouth < WIDEST_MOUTH and eye_aspect_ratio(p[:, :2]).min() > LEAST_EAR)


def align(shape: NDArray[np.float64], to: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `shape` moved, turned and scaled to lie best on `to`."""
    a, b = shape - shape.mean(axis=0), to - to.mean(axis=0)
    turn = rotation(a, b)
    aligned = a @ turn.T
    return aligned * (aligned * b).sum() / (aligned * aligned).sum() + to.mean(axis=0)


def rotation(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation R (3, 3) for which a @ R.T lies best on b; both centred (Kabsch)."""
    u, _, v = np.linalg.svd(b.T @ a)
    return np.asarray(u @ np.diag([1, 1, np.sign(np.linalg.det(u @ v))]) @ v)


def mean_shape(faces: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the symmetric mean (70, 3), in the frame that the module's first lines tell."""
    mean = faces[0]
    for _ in range(10):
        mean = np.mean([align(face, mean) for face in faces], axis=0)
        mean = (mean + align(mean[list(MIRROR)] * [-1, 1, 1], mean)) / 2
        mean = mean / np.linalg.norm(mean[36] - mean[45])
    mean = mean - (mean[36] + mean[45]) / 2
    across = mean[45] - mean[36]
    up = (mean[19] + mean[24]) / 2 - mean[8]
    x = across / np.linalg.norm(across)
    y = up - x * (up @ x)
    y /= np.linalg.norm(y)
    mean = mean @ np.column_stack([x, y, np.cross(x, y)])
    return (mean + mean[list(MIRROR)] * [-1, 1, 1]) / 2


def write(shape: NDArray[np.float64], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["point", "x", "y", "z"])
        writer.writerows([i, *(f"{value:.5f}" for value in point)] for i, point in enumerate(shape))


def read(path: Path) -> NDArray[np.float64]:
    """Return what `write` wrote: points (70, 3)."""
    return np.loadtxt(path, delimiter=",", skiprows=1)[:, 1:]
