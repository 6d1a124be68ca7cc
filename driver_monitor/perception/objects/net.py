"""Cuts the square around a face, and runs the objects net on it. Training (`tools.objects`) imports the crop."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import ObjectsView
from driver_monitor.imaging.crop import cut
from driver_monitor.imaging.frame import Image
from driver_monitor.imaging.ibug import box_of_points
from driver_monitor.nets.onnx_model import OnnxModel

SIZE = 96
"""Width and height of the net's input, pixels."""
FACES_WIDE = 2.2
"""Side of the crop over the longer side of the points' box: a hand with a telephone at the ear lies within it."""
ANSWERS = tuple(field.name for field in fields(ObjectsView))
"""The columns of the net's answer."""


def objects_crop(grey: Image, points: NDArray[np.float32]) -> Image:
    """Return the crop (96, 96) around a face, upright: the head's roll is not taken out.

    `grey`: (H, W). `points`: (68 or 70, 2) finite pixels of it, iBUG order. Centre: that of the points' box. Side: its
    longer side times `FACES_WIDE`. Outside the picture, the picture's border is repeated.
    """
    box = box_of_points(points)
    step = FACES_WIDE * max(box.w, box.h) / SIZE
    left, top = (middle - step * (SIZE - 1) / 2 for middle in (box.x + box.w / 2, box.y + box.h / 2))
    return cut(grey, np.array([[step, 0.0, left], [0.0, step, top]]), (SIZE, SIZE))


class ObjectsNet:
    """Runs the objects net on crops. `models/objects.md` says what it was trained on, and its scores."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Load the net. Raises `ModelError` if the file is missing, damaged or the wrong model."""
        inputs, outputs = {"face": (None, 1, SIZE, SIZE)}, {"p": (None, len(ANSWERS))}
        self.model = OnnxModel(path, inputs, outputs, threads, takes="uint8")
        self.sha256 = self.model.sha256

    def probabilities(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the calibrated probabilities (n, 6), columns as in `ANSWERS`, for (n, 96, 96) `crops`."""
        (p,) = self.model.run({"face": crops[:, None]})
        return p
