"""Make `mean_face.csv`: the symmetric mean of the teacher's 3-D faces.

The tools measure with it how far a face is turned, and the tests use it as a face with known points. The program does
not need it. Frontal, neutral faces with a closed mouth and open eyes are aligned to each other (generalised Procrustes:
shift, rotation and scale) and averaged with their mirror images. Axes: x to the driver's left, y up, z towards the
camera. The origin is midway between the outer eye corners, which lie on the x axis at a distance of 1. The line from
chin to brows is upright.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.training.mesh_teacher import MESH_OF_POINTS, MIRROR, MeshTeacher, eye_aspect_ratio
from tools.training.pictures import read_grey

MEAN_FACE = Path(__file__).with_name("mean_face.csv")
MOST = 400
"""Largest number of faces."""
LEAST_EAR, WIDEST_MOUTH, MOST_TURN = 0.22, 0.03, 0.05
"""Limits of a plain face: eye aspect ratio, lip gap over mouth width, shift of the nose over the eyes' distance."""


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
        image = read_grey(path)
        seen = teacher.find(image)
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
    """Return `shape` shifted, rotated and scaled to fit `to` best."""
    a, b = shape - shape.mean(axis=0), to - to.mean(axis=0)
    turn = rotation(a, b)
    aligned = a @ turn.T
    return np.asarray(aligned * (aligned * b).sum() / (aligned * aligned).sum() + to.mean(axis=0))


def rotation(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation R (3, 3) for which a @ R.T fits b best; both are centred (Kabsch)."""
    u, _, v = np.linalg.svd(b.T @ a)
    return np.asarray(u @ np.diag([1, 1, np.sign(np.linalg.det(u @ v))]) @ v)


def mean_shape(faces: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the symmetric mean (70, 3), in the axes that the module describes."""
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
    return np.asarray((mean + mean[list(MIRROR)] * [-1, 1, 1]) / 2)


def write(shape: NDArray[np.float64], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["point", "x", "y", "z"])
        writer.writerows([i, *(f"{value:.5f}" for value in point)] for i, point in enumerate(shape))


def read(path: Path) -> NDArray[np.float64]:
    """Return the points (70, 3) that `write` wrote."""
    return np.loadtxt(path, delimiter=",", skiprows=1)[:, 1:]
