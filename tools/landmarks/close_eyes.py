"""Copy closed eyes from one face to another, because pictures of faces with closed eyes are rare.

An affine map of brow, eye corners and nose bridge moves the eyelids. Poisson cloning blends them in. Then the teacher
labels the new face. Faces whose eyes it does not see as closed are dropped.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.training.mesh_teacher import MIRROR, MeshTeacher, eye_aspect_ratio, points70, points_crop

AROUND = ((*range(17, 22), 36, 39, 27, 29), (*range(22, 27), 42, 45, 27, 29))
CORNERS = ((36, 39), (42, 45))
DONOR_EAR, TAKER_EAR = 0.16, 0.22
"""Mean eye aspect ratio, by the teacher, below which eyes are closed, and above which they are clearly open."""


def turn_of(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how far heads (N, 70, 2) are turned: the place of the nose between the outer eye corners, 0 is frontal."""
    right, left = points[:, 36, 0], points[:, 45, 0]
    return np.asarray((points[:, 30, 0] - (left + right) / 2) / np.maximum(left - right, 0.02), np.float64)


def carry(
    donor: NDArray[np.uint8], given: NDArray[np.float32], taker: NDArray[np.uint8], taken: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Return `taker` with the eyes of `donor`; points (70, 2) in pixels."""
    out = cv2.cvtColor(taker, cv2.COLOR_GRAY2BGR)
    for around, (outer, inner) in zip(AROUND, CORNERS, strict=True):
        ones = np.column_stack([given[list(around)], np.ones(len(around))])
        affine, *_ = np.linalg.lstsq(ones, taken[list(around)], rcond=None)
        moved = cv2.warpAffine(donor, affine.T, taker.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
        centre, across = (taken[outer] + taken[inner]) / 2, taken[inner] - taken[outer]
        width = float(np.linalg.norm(across))
        mask = np.zeros(taker.shape, np.uint8)
        axes = (max(3, round(width * 0.8)), max(3, round(width * 0.5)))
        angle = float(np.degrees(np.arctan2(across[1], across[0])))
        at = (round(float(centre[0])), round(float(centre[1])))
        cv2.ellipse(mask, at, axes, angle, 0, 360, 255, -1)
        x, y, w, h = cv2.boundingRect(mask)
        out = cv2.seamlessClone(
            cv2.cvtColor(moved, cv2.COLOR_GRAY2BGR), out, mask, (x + w // 2, y + h // 2), cv2.NORMAL_CLONE
        )
    return np.asarray(cv2.cvtColor(out, cv2.COLOR_BGR2GRAY), np.uint8)


def closed_faces(
    crops: NDArray[np.uint8],
    points: NDArray[np.float32],
    teacher: MeshTeacher,
    count: int,
    pairs: NDArray[np.bool_] | None,
    seed: int = 3,
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32], int, int]]:
    """Yield faces with closed eyes, their points (70, 2) in crop units, and the rows of taker and donor.

    `crops` (N, S, S), `points` (N, 70, 2). `pairs` (N, N): which donor (first index) may serve which taker; None: all.
    """
    rng = np.random.default_rng(seed)
    size = crops.shape[1]
    ear, turn = eye_aspect_ratio(points).mean(axis=1), turn_of(points)
    donors, takers = np.flatnonzero(ear < DONOR_EAR), np.flatnonzero(ear > TAKER_EAR)
    for _ in range(count):
        donor = int(rng.choice(donors))
        allowed = takers if pairs is None else takers[pairs[donor, takers]]
        like = allowed[np.abs(turn[allowed] - turn[donor]) < 0.12]
        mirrored = len(like) == 0 or rng.random() < 0.5
        image, given = crops[donor], points[donor]
        if mirrored:
            image, given = np.ascontiguousarray(image[:, ::-1]), given[list(MIRROR)] * [-1, 1] + [1, 0]
            like = allowed[np.abs(turn[allowed] + turn[donor]) < 0.12]
        if len(like) == 0:
            continue
        taker = int(rng.choice(like))
        made = carry(image, (given * size - 0.5).astype(np.float32), crops[taker], points[taker] * size - 0.5)
        label = _relabel(made, points[taker] * size - 0.5, teacher)
        if label is not None:
            yield made, (label + 0.5) / size, taker, donor


def _relabel(made: NDArray[np.uint8], before: NDArray[np.float32], teacher: MeshTeacher) -> NDArray[np.float32] | None:
    mesh, score = teacher.look(made, points_crop(before))
    after = points70(mesh)
    moved = float(np.linalg.norm(after[:36] - before[:36], axis=1).mean() / np.linalg.norm(before[36] - before[45]))
    good = score > 0.8 and moved < 0.06 and eye_aspect_ratio(after).mean() < DONOR_EAR + 0.02
    return after if good else None
