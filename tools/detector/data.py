"""Cache pictures and the faces that a teacher finds in them, for the training of the detector.

    python -m tools.detector.data --data ../shared/data --anchors ../shared/anchors --out training/detector

The teacher is YuNet (MIT). It searches each picture in three sizes and with a border, because it misses faces that fill
the picture. Where it misses a face of `incar_stills/labels.csv`, the labelled box is used. That box is moved and scaled
by the median difference between labels and teacher (`fit_labels`). The cache is no part of the project.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.training.people import folds
from tools.training.pictures import read_grey

Picture = NDArray[np.uint8]
SIZE = 400
"""Longest side of a cached picture, pixels: a fifth more than the net searches on."""
FACE = 9
"""Numbers of a face: x, y, w, h, the two eyes from left to right in the picture (x, y each), the teacher's score."""


class Teacher:
    """YuNet at several picture sizes. Faces (N, 9) are in pixels of the given picture."""

    def __init__(self, anchors: Path, threshold: float = 0.5) -> None:
        self._net = cv2.FaceDetectorYN.create(str(anchors / "yunet_2023mar.onnx"), "", (320, 320), threshold)

    def faces(
        self, grey: Picture, sizes: tuple[int, ...] = (320, 200, 480), border: float = 0.25
    ) -> NDArray[np.float32]:
        """Return the faces found at all sizes, each once."""
        edge = round(max(grey.shape) * border)
        padded = np.asarray(cv2.copyMakeBorder(grey, edge, edge, edge, edge, cv2.BORDER_REPLICATE), np.uint8)
        found = [self._once(padded, size, edge) for size in sizes]
        return merge(np.concatenate(found))

    def _once(self, padded: Picture, size: int, edge: int) -> NDArray[np.float32]:
        scale = size / max(padded.shape)
        small = cv2.resize(padded, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        self._net.setInputSize((small.shape[1], small.shape[0]))
        _, rows = self._net.detect(cv2.cvtColor(small, cv2.COLOR_GRAY2BGR))
        if rows is None:
            return np.zeros((0, FACE), np.float32)
        faces = np.concatenate([rows[:, :8] / scale, rows[:, 14:15]], axis=1)
        faces[:, [0, 1, 4, 5, 6, 7]] -= edge
        return np.asarray(faces, np.float32)


def overlap(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the intersection over union of boxes `a` (N, 4+) and `b` (M, 4+), x y w h; (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:4], b[None, :, :2] + b[None, :, 2:4])
    inside = np.clip(high - low, 0, None).prod(axis=2)
    both = a[:, None, 2:4].prod(axis=2) + b[None, :, 2:4].prod(axis=2) - inside
    return np.asarray(inside / np.maximum(both, 1e-9), np.float64)


def merge(faces: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keep the face with the highest score of those that overlap by 0.3."""
    kept: list[int] = []
    for i in np.argsort(-faces[:, 8]):
        if not kept or overlap(faces[i : i + 1], faces[kept]).max() < 0.3:
            kept.append(int(i))
    return faces[kept]


def fit_labels(labelled: NDArray[np.float32], seen: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the median box of the teacher in units of the labelled box: x, y, w, h, from pairs (N, 4) and (N, 4)."""
    units = np.column_stack([(seen[:, :2] - labelled[:, :2]) / labelled[:, 2:4], seen[:, 2:4] / labelled[:, 2:4]])
    return np.asarray(np.median(units, axis=0))


def pictures(data: Path) -> Iterator[tuple[str, str, Path, tuple[float, float, float, float] | None]]:
    """Yield set, person, file and labelled box of every picture for the detector."""
    for path in sorted((data / "portraits").glob("*.jpg")):
        yield "portraits", path.stem.rsplit("_", 1)[0], path, None
    for path in sorted((data / "faces68" / "training").glob("*.jpg")):
        yield "faces68", path.stem.rsplit("_", 1)[0].lower(), path, None
    with (data / "nir" / "labels.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            yield "nir", f"nir{row['person']}", data / "nir" / row["file"], None
    with (data / "incar_stills" / "labels.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            x, y, w, h = (float(row[k]) for k in "xywh")
            yield "incar", row["person"], data / "incar_stills" / row["file"], (x, y, w, h)


def build(data: Path, anchors: Path, out: Path) -> None:
    """Write `pictures.npy` (N, 400, 400), padded with zeros, and `pictures.npz`: sets, persons, sizes, faces, folds."""
    teacher, items = Teacher(anchors), list(pictures(data))
    canvas = np.zeros((len(items), SIZE, SIZE), np.uint8)
    sizes, faces, labels = np.zeros((len(items), 2), np.int32), [], np.zeros((len(items), 4), np.float32)
    for i, (_, _, path, box) in enumerate(items):
        grey = read_grey(path)
        seen, scale = teacher.faces(grey), min(1.0, SIZE / max(grey.shape))
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        sizes[i] = small.shape
        canvas[i, : small.shape[0], : small.shape[1]] = small
        seen[:, :8] *= scale
        faces.append(seen)
        labels[i] = np.multiply(box, scale) if box is not None else 0
    pairs = [
        (labels[i], f[0])
        for i, f in enumerate(faces)
        if labels[i, 2] and len(f) and overlap(labels[i : i + 1], f)[0, 0] > 0.4
    ]
    fit = fit_labels(np.array([a for a, _ in pairs]), np.array([b for _, b in pairs]))
    print(f"the teacher's box in units of the labelled box: {fit.round(3)} ({len(pairs)} pairs)")
    for i, label in enumerate(labels):
        if label[2] and (not len(faces[i]) or overlap(labels[i : i + 1], faces[i]).max() < 0.3):
            whole = np.array([*(label[:2] + fit[:2] * label[2:]), *(fit[2:] * label[2:])])
            eyes = np.full(4, np.nan)
            faces[i] = np.concatenate([faces[i], np.array([[*whole, *eyes, 0.5]], np.float32)])
    place = {**folds(data / "incar_stills"), **{f"nir{k}": k % 5 for k in range(1, 100)}}
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / "pictures.npy", canvas)
    np.savez(
        out / "pictures.npz", sets=[i[0] for i in items], persons=[i[1] for i in items],
        files=[i[2].name for i in items],
        sizes=sizes, count=[len(f) for f in faces], faces=np.concatenate(faces), labels=labels,
        folds=[place.get(i[1], -1) for i in items],
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--anchors", type=Path, default=Path("../shared/anchors"))
    parser.add_argument("--out", type=Path, default=Path("training/detector"))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    build(arguments.data, arguments.anchors, arguments.out)


if __name__ == "__main__":
    main()
