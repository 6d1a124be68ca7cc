"""The changes to a picture in the rows of the stress table (`tools.detector.measure`)."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Box = NDArray[np.float64]
"""x, y, w, h: the face in the clean picture."""
Stress = Callable[[Grey, Box, np.random.Generator], tuple[Grey, Box]]
"""Returns the changed picture and the box of the face in it."""


def _sensed(image: NDArray[np.floating]) -> Grey:
    return np.asarray(np.clip(np.rint(image), 0, 255), np.uint8)


def dim(gain: float) -> Stress:
    """Multiply the light by `gain` and add sensor noise of sigma 4."""

    def change(grey: Grey, box: Box, rng: np.random.Generator) -> tuple[Grey, Box]:
        return _sensed(grey * gain + rng.normal(0, 4, grey.shape)), box

    return change


def noise(grey: Grey, box: Box, rng: np.random.Generator) -> tuple[Grey, Box]:
    """Add Gaussian noise of sigma 30."""
    return _sensed(grey + rng.normal(0, 30, grey.shape)), box


def half_hidden(grey: Grey, box: Box, _rng: np.random.Generator) -> tuple[Grey, Box]:
    """Paint the left half of the face with grey level 20."""
    hidden = grey.copy()
    x, y, w, h = np.rint(box).astype(int)
    hidden[max(0, y) : max(0, y + h), max(0, x) : max(0, x + w // 2)] = 20
    return hidden, box


def over_exposed(grey: Grey, box: Box, _rng: np.random.Generator) -> tuple[Grey, Box]:
    """Multiply the light by 1.8 and add 30 levels."""
    return _sensed(grey * 1.8 + 30.0), box


def motion_blur(grey: Grey, box: Box, _rng: np.random.Generator) -> tuple[Grey, Box]:
    """Blur sideways by 41 pixels at a width of 1280."""
    length = max(1, round(41 * grey.shape[1] / 1280)) | 1
    return np.asarray(cv2.blur(grey, (length, 1), borderType=cv2.BORDER_REFLECT), np.uint8), box


def rolled(grey: Grey, box: Box, _rng: np.random.Generator) -> tuple[Grey, Box]:
    """Roll by 25 degrees about the centre of the picture. The box keeps its size and moves with its centre."""
    height, width = grey.shape
    m = cv2.getRotationMatrix2D((width / 2, height / 2), 25, 1.0)
    turned = cv2.warpAffine(grey, m, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    centre = m[:, :2] @ (box[:2] + box[2:] / 2) + m[:, 2]
    return np.asarray(turned, np.uint8), np.concatenate([centre - box[2:] / 2, box[2:]])


def clean(grey: Grey, box: Box, _rng: np.random.Generator) -> tuple[Grey, Box]:
    """Change nothing."""
    return grey, box


STRESSES: dict[str, Stress] = {
    "clean": clean,
    "gain x0.12 + noise 4": dim(0.12),
    "gain x0.06 + noise 4": dim(0.06),
    "noise, sigma 30": noise,
    "half the face hidden": half_hidden,
    "over-exposed (x1.8 + 30)": over_exposed,
    "motion blur 41 px": motion_blur,
    "25 degrees roll": rolled,
}
