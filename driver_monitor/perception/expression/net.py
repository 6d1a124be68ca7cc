"""Cuts the crop of a face, and runs the expression net on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import EXPRESSIONS, Expression
from driver_monitor.imaging import ibug
from driver_monitor.imaging.crop import Map, cut
from driver_monitor.nets.onnx_model import OnnxModel

SIZE = 48
TEMPLATE = np.array([[14.6, 18.25], [32.65, 18.25], [23.6, 27.9], [16.2, 37.0], [31.05, 37.0]])
"""Places (x, y) of right eye, left eye, nose tip, right and left mouth corner in a FER image, pixels of 48 x 48.
Each is the median of the places that the 478-point mesh finds in 1,182 FER+ training images, made symmetric."""

_EYES = np.array([ibug.RIGHT_EYE, ibug.LEFT_EYE])
_NOSE_AND_MOUTH = np.array([ibug.NOSE_TIP, *ibug.MOUTH_CORNERS])
_MIDDLE = complex(*TEMPLATE.mean(0).tolist())
_CENTRED = TEMPLATE.view(np.complex128)[:, 0] - _MIDDLE
_NORM = float(np.vdot(_CENTRED, _CENTRED).real)


def expression_crop(grey: NDArray[np.uint8], points: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the crop (48, 48) of a face, at the size and place of the faces in FER images, and level.

    `grey`: (H, W). `points`: (68 or 70, 2) finite pixels of it, iBUG order. Turn, scale and shift bring eyes, nose and
    mouth closest to `TEMPLATE`. Five points are fitted, so a turned head or an open mouth alone does not set the scale.
    """
    eyes = points.take(_EYES, 0).mean(1)
    places = np.concatenate([eyes, points.take(_NOSE_AND_MOUTH, 0)], dtype=np.float64)
    return cut(grey, _similarity(places), (SIZE, SIZE))


def _similarity(places: NDArray[np.float64]) -> Map:
    """Return the (2, 3) turn, scale and shift that brings `TEMPLATE` closest to `places` (5, 2) by least squares."""
    # As complex numbers, x + iy: turn and scale are one factor.
    complex_places = places.view(np.complex128)[:, 0]
    aim = complex(np.add.reduce(complex_places)) / len(complex_places)
    turn = complex(np.vdot(_CENTRED, complex_places - aim)) / _NORM
    shift = aim - turn * _MIDDLE
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


class ExpressionNet:
    """Runs the expression net on a face crop. `models/emotion.md` says what the net was trained on, and its scores."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Load the net. Raises `ModelError` if the file is missing, damaged or the wrong model."""
        self.model = OnnxModel(path, {"face": (None, 1, SIZE, SIZE)}, {"p": (None, len(EXPRESSIONS))}, threads)
        self.sha256 = self.model.sha256

    def probabilities(self, crop: NDArray[np.uint8]) -> Expression:
        """Return the calibrated probability of each expression for one (48, 48) crop of `expression_crop`."""
        (p,) = self.model.run({"face": np.divide(crop[None, None], np.float32(255), dtype=np.float32)})
        return Expression(dict(zip(EXPRESSIONS, p[0].tolist(), strict=True)))
