"""Turn faces to profile, up and down, because few stills show such faces. The picture is the texture of the mesh.

    python -m tools.landmarks.turn_heads --cache training/landmarks

Pixels beside the face move outwards or inwards from its centre, so that hair and ears stay at its edge. This is a
simple form of Zhu et al., Face Alignment Across Large Poses, CVPR 2016. Writes `turned.npz` and
`turned_crops.npy`. A turned face keeps its person. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from driver_monitor.perception.face.head_pose import angles
from driver_monitor.perception.face.landmarks import Crop
from tools.landmarks.teach import CROP_STORE, store_crop
from tools.training.mesh_teacher import MESH_OF_POINTS

SKIN = 468
"""Number of mesh points without the irises."""
LEAST_YAW, MOST_YAW, MOST_TURN = 35.0, 78.0, 45.0
"""Range of the new yaw, and the largest turn, degrees. A larger turn shows too much that the picture does not hold."""
NODS = 0.4
"""Share of the faces that are turned up or down instead."""
MOST_PITCH = 42.0
"""Largest new pitch, degrees."""
COUNT = {"incar": 1000, "faces68": 2400, "portrait": 1800}
"""Turned faces to make from each source."""
_FLIP = np.diag([1.0, -1.0, -1.0])
"""The mesh has y down and z away from the camera. Angles use y up and z towards the camera."""

Array = NDArray[np.float64]


def about(axis: int, degrees: float) -> Array:
    """Return the rotation by `degrees` about axis 0 (x), 1 (y) or 2 (z)."""
    vector = np.zeros(3)
    vector[axis] = np.radians(degrees)
    return np.asarray(cv2.Rodrigues(vector)[0], np.float64)


def triangles(mesh: Array, turn: Array) -> NDArray[np.int32]:
    """Return the triangles (T, 3) of the frontal mean face, from meshes (N, 478, 3) and rotations (N, 3, 3)."""
    upright = np.einsum("nij,nki->nkj", turn, (mesh[:, :SKIN] - mesh[:, :SKIN].mean(1, keepdims=True)) @ _FLIP)
    return np.asarray(Delaunay(upright.mean(axis=0)[:, :2]).simplices, np.int32)


def turned_mesh(mesh: Array, turn: Array, by: Array) -> tuple[Array, Array, Crop]:
    """Return the mesh in pixels of the new crop, its rotation, and the new crop in pixels of the old one."""
    middle = mesh[:SKIN].mean(axis=0)
    after = turn @ by
    moved = ((mesh - middle) @ _FLIP @ (after @ turn.T).T) @ _FLIP + middle
    pixels = moved * CROP_STORE
    crop = store_crop(pixels[list(MESH_OF_POINTS), :2].astype(np.float32))
    flat = crop.to_units(pixels[:, :2]) * CROP_STORE
    depth = pixels[:, 2] * CROP_STORE / crop.side
    return np.column_stack([flat, depth]), about(2, crop.roll) @ after, crop


def source_map(before: Array, after: Array, faces: NDArray[np.int32], crop: Crop) -> tuple[Array, Array]:
    """Return the place in the old crop for each pixel of the new one, x and y (S, S).

    `before` (468, 2) and `after` (468, 3): the points in the old and in the new crop, pixels.
    """
    owner = np.full((CROP_STORE, CROP_STORE), -1, np.float32)
    corners = after[faces][:, :, :2]
    side_a, side_b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = side_a[:, 0] * side_b[:, 1] - side_a[:, 1] * side_b[:, 0]
    facing = np.sign(area) == np.sign(np.median(area))
    order = np.argsort(-after[faces][:, :, 2].mean(axis=1))
    fixed = np.round(corners * 16 - 8).astype(np.int32)
    for i in order:
        if facing[i] and abs(area[i]) > 1e-3:
            cv2.fillConvexPoly(owner, fixed[i], float(i), shift=4)
    own = owner.astype(np.int32)
    into = np.concatenate([corners, np.ones((len(faces), 3, 1))], axis=2)
    flat = np.abs(area) < 1e-3
    into[flat] = np.eye(3)
    affine = np.linalg.solve(into, before[faces])
    y, x = np.mgrid[:CROP_STORE, :CROP_STORE] + 0.5
    a = affine[own]
    inside = own >= 0
    around_x, around_y = _around(before, inside, crop, x, y)
    from_x = np.where(inside, x * a[..., 0, 0] + y * a[..., 1, 0] + a[..., 2, 0], around_x)
    from_y = np.where(inside, x * a[..., 0, 1] + y * a[..., 1, 1] + a[..., 2, 1], around_y)
    return from_x, from_y


def _around(before: Array, inside: NDArray[np.bool_], crop: Crop, x: Array, y: Array) -> tuple[Array, Array]:
    """Return the places for pixels outside the face: as far from its edge as in the old crop."""
    hull = np.zeros((CROP_STORE, CROP_STORE), np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.round(before).astype(np.int32)), 1)
    was, is_ = _edge(hull), _edge(inside.astype(np.uint8))
    dx, dy = x - is_[1], y - is_[2]
    angle = np.degrees(np.arctan2(dy, dx))
    old = angle + crop.roll
    distance = np.hypot(dx, dy) - is_[0][np.round(angle).astype(int) % 360]
    radius = was[0][np.round(old).astype(int) % 360] + np.maximum(distance, 0) * crop.side / CROP_STORE
    return was[1] + radius * np.cos(np.radians(old)), was[2] + radius * np.sin(np.radians(old))


def _edge(mask: NDArray[np.uint8]) -> tuple[Array, float, float]:
    """Return the radius of a mask in 360 directions from its centre, and the centre."""
    moments = cv2.moments(mask, binaryImage=True)
    cx, cy = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    polar = cv2.warpPolar(mask, (CROP_STORE, 360), (cx, cy), CROP_STORE, cv2.WARP_FILL_OUTLIERS)
    radius = CROP_STORE - np.argmax(polar[:, ::-1] > 0, axis=1)
    doubled = np.concatenate([radius, radius, radius]).astype(np.float64)
    smooth = np.convolve(doubled, np.ones(15) / 15, mode="same")[360:720]
    return smooth, float(cx), float(cy)


def turned(
    crops: NDArray[np.uint8], mesh: Array, turn: Array, faces: NDArray[np.int32], rng: np.random.Generator
) -> Iterator[tuple[int, NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]]:
    """Yield the row of a turned face, its new crop, its points (70, 2) in crop units and its rotation. Endless."""
    yaw = np.array([((head := angles(t)) and head.yaw) or 0.0 for t in turn])
    can = np.flatnonzero(np.abs(yaw) < MOST_YAW - 15)
    weight = np.where(np.abs(yaw[can]) > 12, 3.0, 1.0)
    while True:
        i = int(rng.choice(can, p=weight / weight.sum()))
        by = nod(turn[i], rng) if rng.random() < NODS else aside(float(yaw[i]), rng)
        if by is None:
            continue
        after, rotation, crop = turned_mesh(mesh[i], turn[i], by)
        before = mesh[i][:SKIN, :2] * CROP_STORE
        x, y = source_map(before, after[:SKIN], faces, crop)
        image = cv2.remap(
            crops[i], (x - 0.5).astype(np.float32), (y - 0.5).astype(np.float32), cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        points = after[list(MESH_OF_POINTS), :2] / CROP_STORE
        yield i, np.asarray(image, np.uint8), points.astype(np.float32), rotation.astype(np.float32)


def aside(yaw: float, rng: np.random.Generator) -> Array | None:
    """Return a turn towards profile for a head at `yaw`, None when it is already there."""
    side = np.sign(yaw) if abs(yaw) > 8 else rng.choice([-1.0, 1.0])
    low, high = max(LEAST_YAW, abs(yaw) + 5), min(MOST_YAW, abs(yaw) + MOST_TURN)
    if low >= high:
        return None
    return about(1, float(side * (rng.uniform(low, high) - abs(yaw)))) @ about(0, rng.uniform(-15, 15))


def nod(turn: Array, rng: np.random.Generator) -> Array | None:
    """Return a turn up or down, with a small turn to the side, for a head of rotation `turn` (3, 3)."""
    head = angles(turn)
    if head is None or abs(head.pitch) > MOST_PITCH - 10:
        return None
    pitch = rng.choice([-1.0, 1.0]) * rng.uniform(15, MOST_PITCH)
    return about(1, rng.uniform(-20, 20)) @ about(0, head.pitch - pitch)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("training/landmarks"))
    parser.add_argument("--share", type=float, default=1.0, help="share of the usual count; less for a trial")
    arguments = parser.parse_args()
    table, pose = np.load(arguments.cache / "stills.npz"), np.load(arguments.cache / "stills_pose.npz")
    crops = np.load(arguments.cache / "stills_crops.npy", mmap_mode="r")
    mesh, turn, points = pose["mesh"], pose["turn"], table["points"]
    off = np.linalg.norm(mesh[:, list(MESH_OF_POINTS), :2] - points, axis=2).mean(axis=1)
    sure = np.isfinite(turn[:, 0, 0]) & (off < 0.02) & (table["score"] > 0.9)
    rng = np.random.default_rng(5)
    faces = triangles(mesh[sure][::10].astype(np.float64), turn[sure][::10].astype(np.float64))
    made: list[tuple[str, str, NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]] = []
    for source, count in COUNT.items():
        rows = np.flatnonzero(sure & (table["source"] == source))
        stream = turned(crops[rows], mesh[rows].astype(np.float64), turn[rows].astype(np.float64), faces, rng)
        for _ in range(round(count * arguments.share)):
            i, image, spots, rotation = next(stream)
            made.append((source, str(table["person"][rows[i]]), image, spots, rotation))
        print(source, len(made), flush=True)
    origin, person, images, spots70, rotations = zip(*made, strict=True)
    np.save(arguments.cache / "turned_crops.npy", np.stack(images))
    np.savez(
        arguments.cache / "turned.npz", source=origin, person=person, points=np.stack(spots70), turn=np.stack(rotations)
    )


if __name__ == "__main__":
    main()
