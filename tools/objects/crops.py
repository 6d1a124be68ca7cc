"""Cut faces with their surroundings out of pictures, for the training of the objects net.

    python -m tools.objects.crops --data ../shared/data --anchors ../shared/anchors --out training/objects

Faces are found by the project's detector and by YuNet, at several picture sizes, because many faces of `objects/` are
small. The landmark net then gives the square. Where it refuses a face, the square follows from YuNet's box, and
`landmarks` is 0: the program would not see this face, so it only teaches. The cache is no part of the project.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import Box
from driver_monitor.imaging.crop import cut
from driver_monitor.perception.face.detectors.net_detector import NetDetector
from driver_monitor.perception.face.head_pose import head_pose
from driver_monitor.perception.face.landmarks import (
    CROP_MARGIN,
    POINTS,
    DetectorKind,
    LandmarkNet,
    Landmarks,
    crop_of_box,
    face_crop,
)
from driver_monitor.perception.face.tracker import ACCEPT_FROM, KEEP_FROM
from tools import ROOT
from tools.detector.data import Teacher, overlap
from tools.training.pictures import read_grey

Picture = NDArray[np.uint8]
SIZE, SIDES = 240, 3.6
"""A cached crop: its side in pixels, and in sides of the face. The net sees 2.2 sides of it (`FACES_WIDE`)."""
SMALLEST = 18.0
"""Smallest side of a face, pixels. Smaller ones show neither hand nor telephone."""


@dataclass(frozen=True)
class Face:
    """One face of a picture. `x`, `y`, `side`: middle and longer side of its points' box, pixels of the picture.

    `points`: (70, 2), pixels of the picture; None: the landmark net refuses the face.
    """

    x: float
    y: float
    side: float
    points: NDArray[np.float32] | None
    yaw: float


def main() -> None:
    """Write the crops (`crops.npz`) and what is known of each (`crops.csv`)."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--anchors", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    finder = FaceFinder(args.anchors)
    args.out.mkdir(parents=True, exist_ok=True)
    crops, points, rows = list[Picture](), list[NDArray[np.float32]](), list[dict[str, object]]()
    for source, name, group in pictures(args.data):
        grey = read_grey(args.data / source / name)
        for number, face in enumerate(finder.faces(grey, source == "objects")):
            crops.append(square(grey, face))
            points.append(points_in_square(face))
            rows.append(
                {"crop": len(rows), "source": source, "file": name, "face": number, "group": group,
                 "x": round(face.x, 1), "y": round(face.y, 1), "side": round(face.side, 1),
                 "landmarks": int(face.points is not None), "yaw": round(face.yaw, 1)}
            )  # fmt: skip
    np.savez_compressed(args.out / "crops.npz", crops=np.stack(crops), points=np.stack(points))
    with (args.out / "crops.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def pictures(data: Path) -> Iterator[tuple[str, str, str]]:
    """Yield folder, file and group (never split) of each picture."""
    with (data / "objects/index.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            yield "objects", row["file"], row["group"]
    with (data / "incar_stills/labels.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            yield "incar_stills", row["file"], row["person"]
    with (data / "nir/labels.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            yield "nir", row["file"], "nir" + row["person"]
    with (data / "portraits.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            yield "portraits", row["file"], row["file"].rsplit("_", 1)[0]


class FaceFinder:
    """Finds all faces of a still."""

    def __init__(self, anchors: Path) -> None:
        self._teacher = Teacher(anchors, 0.6)
        self._net = NetDetector(ROOT / "models/detector.onnx")
        self._landmarks = LandmarkNet(ROOT / "models/landmarks.onnx")

    def faces(self, grey: Picture, every_size: bool) -> list[Face]:
        """Return the faces of `grey` (H, W), each once. `every_size`: search small faces, too."""
        sizes = (320, 200, 480, 640) if every_size else (320, 200)
        found: list[tuple[Box, DetectorKind]] = [
            (Box(*(float(v) for v in row[:4])), "yunet") for row in self._teacher.faces(grey, sizes)
        ]
        found += [(box, "net") for box in self._net.find(grey)]
        faces, taken = list[Face](), list[list[float]]()
        for box, kind in found:
            if max(box.w, box.h) < SMALLEST or _taken(box, taken):
                continue
            face = self._face(grey, box, kind)
            if face is not None:
                faces.append(face)
                taken.append([box.x, box.y, box.w, box.h])
        return faces

    def _face(self, grey: Picture, box: Box, kind: DetectorKind) -> Face | None:
        crop = crop_of_box(box, kind)
        first = self._landmarks.read(grey, crop)
        seen = self._landmarks.read(grey, face_crop(first.points)) if first.score >= KEEP_FROM else first
        if seen.score >= ACCEPT_FROM:
            return _of_landmarks(seen, grey)
        if kind != "yunet":
            return None
        return Face(crop.cx, crop.cy, crop.side / CROP_MARGIN, None, float("nan"))


def _of_landmarks(seen: Landmarks, grey: Picture) -> Face:
    box = seen.box
    pose = head_pose(seen.turn, box, (grey.shape[0], grey.shape[1]))
    yaw = pose.yaw if pose else float("nan")
    return Face(box.x + box.w / 2, box.y + box.h / 2, max(box.w, box.h), seen.points, yaw)


def _taken(box: Box, taken: list[list[float]]) -> bool:
    if not taken:
        return False
    return bool(overlap(np.array([[box.x, box.y, box.w, box.h]]), np.array(taken)).max() > 0.3)


def square(grey: Picture, face: Face) -> Picture:
    """Return the crop (`SIZE`, `SIZE`) of `SIDES` face sides around a face, upright."""
    step = face.side * SIDES / SIZE
    start = (face.x - step * (SIZE - 1) / 2, face.y - step * (SIZE - 1) / 2)
    return cut(grey, np.array([[step, 0.0, start[0]], [0.0, step, start[1]]]), (SIZE, SIZE))


def points_in_square(face: Face) -> NDArray[np.float32]:
    """Return the points (70, 2) in units of the square (0 to 1 inside it), NaN without points."""
    if face.points is None:
        return np.full((POINTS, 2), np.nan, np.float32)
    return np.asarray((face.points - (face.x, face.y)) / (SIDES * face.side) + 0.5, np.float32)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()
