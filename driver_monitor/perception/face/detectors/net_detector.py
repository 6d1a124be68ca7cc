"""The project's own face detector: a small fully convolutional net over the whole picture, also in the dark.

Training (`tools.detector.train`) imports `even_out` from here, so that the net reads the pictures it was trained on.
The file's card is `models/detector.md`.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import Box
from driver_monitor.imaging.crop import halved, scaled
from driver_monitor.imaging.frame import Image
from driver_monitor.nets.onnx_model import OnnxModel
from driver_monitor.perception.face.landmarks import DetectorKind

LONG_SIDE = 320
"""Length of the longer side of the search picture, pixels, landscape or upright."""
STEP = 32
"""Width and height of the net's input are multiples of this, pixels: the stride of the net's coarsest layer."""
CELL = 8
"""Pixels of the search picture in a cell of the net's answer, across and down."""
SIZE_UNIT = 32.0
"""Unit of the box sides, pixels. The net gives the natural logarithms of the sides in this unit."""
CONTRAST_CELLS = 9
"""Side of the window for local mean and contrast, in cells of 8 pixels: about the width of a driver's face."""
FLOOR = 3.0
"""Grey levels. Its square is added to the local variance, so that noise in plain areas is not amplified."""
SURE = 0.5
"""Every box of this score or more is proposed. The landmark net then refuses what is not a face."""
FAINT = 0.3
"""If no box has the score `SURE`, the best box is proposed if it scores at least this: to check a hidden or blown-out
face once more costs less than to lose it. Beside a sure box, no box below `SURE` is proposed."""
SAME = 0.3
"""Boxes whose intersection over union is larger than this count as one face."""
MOST = 10
"""Most boxes that one search returns. A picture with more is a crowd, or not of a cabin."""

Row = NDArray[np.float32]
"""Faces (N, 7): x, y, w, h in pixels, the score, and the vector (x, y) from the left to the right eye in
the picture, in units of the root of w * h."""


class NetDetector:
    """Finds faces with the net `models/detector.onnx`. `sha256`: SHA-256 of the file in hexadecimal."""

    kind: DetectorKind = "net"

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Load the net; raises `ModelError` if it is missing, damaged or the wrong model."""
        self.model = OnnxModel(path, {"image": (1, 1, None, None)}, {"cells": (1, 7, None, None)}, threads)
        self.sha256 = self.model.sha256

    def find(self, grey: Image) -> list[Box]:
        """Return boxes in pixels of `grey` (H, W), best first: score `SURE` or more; if none, the best from `FAINT`."""
        return [Box(*(float(v) for v in row[:4])) for row in proposed(self.rows(grey))]

    def rows(self, grey: Image, least: float = FAINT) -> Row:
        """Return faces of score `least` or more, each once, at most `MOST`, best first, in pixels of `grey` (H, W)."""
        scale = LONG_SIDE / max(grey.shape)
        (cells,) = self.model.run({"image": even_out(shrink(grey))[None, None]})
        rows = distinct(decode(cells[0], least))
        rows[:, [0, 1, 2, 3]] /= scale
        return rows


def shrink(grey: Image) -> Image:
    """Return `grey` (H, W) with `LONG_SIDE` as longer side, right and lower edge repeated to multiples of `STEP`."""
    grey = halved(grey)
    small = scaled(grey, LONG_SIDE / max(grey.shape))
    right, below = -small.shape[1] % STEP, -small.shape[0] % STEP
    if not right and not below:
        return small
    return np.asarray(cv2.copyMakeBorder(small, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)


def even_out(grey: Image) -> NDArray[np.float32]:
    """Return (H, W) float32: each pixel minus the local mean, divided by the local contrast. H, W: multiples of 8.

    A face in weak light, or in a corner that the infrared lamp hardly reaches, then looks much like in full light.
    At less than a quarter of the light it is paler, because a floor is added to the contrast against noise.
    """
    image = grey.astype(np.float32)
    size = (grey.shape[1], grey.shape[0])
    cells = (size[0] // CELL, size[1] // CELL)
    window = (CONTRAST_CELLS, CONTRAST_CELLS)
    mean = cv2.blur(cv2.resize(image, cells, interpolation=cv2.INTER_AREA), window)
    power = cv2.blur(cv2.resize(cv2.multiply(image, image), cells, interpolation=cv2.INTER_AREA), window)
    gain = 1 / np.sqrt(np.maximum(power - mean * mean, 0) + FLOOR**2)
    cv2.subtract(image, cv2.resize(mean, size), image)
    cv2.multiply(image, cv2.resize(gain, size), image)
    return image


def decode(cells: NDArray[np.float32], least: float) -> Row:
    """Return the best boxes (at most 200) of score `least` or more in the net's answer `cells` (7, H, W), best first.

    Result: see `Row`, pixels of the search picture, several rows for one face. Rows that are not finite are dropped.
    Channels: score, centre (right, down of the cell's centre, in cells), log width and height, eye vector.
    """
    y, x = np.nonzero(cells[0] >= least)
    score, right, down, wide, high, eyes_x, eyes_y = cells[:, y, x]
    w, h = (SIZE_UNIT * np.exp(np.clip(side, -4.0, 4.0)) for side in (wide, high))
    cx, cy = (x + 0.5 + right) * CELL, (y + 0.5 + down) * CELL
    rows = np.stack([cx - w / 2, cy - h / 2, w, h, score, eyes_x, eyes_y], axis=1)
    rows = rows[np.isfinite(rows).all(axis=1)]
    return np.asarray(rows[np.argsort(-rows[:, 4], kind="stable")][:200], np.float32)


def distinct(rows: Row) -> Row:
    """Return the best box of each face (non-maximum suppression), at most `MOST`. `rows`: best first."""
    kept: list[int] = []
    left = np.arange(len(rows))
    while len(left) and len(kept) < MOST:
        first, rest = left[0], left[1:]
        kept.append(int(first))
        left = rest[overlaps(rows[first], rows[rest]) <= SAME]
    return rows[kept]


def proposed(rows: Row) -> Row:
    """Return the rows of score `SURE` or more; if none, the best. `rows`: (N, 5+), best first, fifth column: score."""
    return rows[: max(1, int((rows[:, 4] >= SURE).sum()))]


def overlaps(one: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the intersection over union (N,) of box `one` (x, y, w, h, ...) with each of `others` (N, 4+)."""
    low = np.maximum(one[:2], others[:, :2])
    high = np.minimum(one[:2] + one[2:4], others[:, :2] + others[:, 2:4])
    inside = np.clip(high - low, 0, None).prod(axis=1)
    return np.asarray(inside / (one[2] * one[3] + others[:, 2] * others[:, 3] - inside), np.float32)
