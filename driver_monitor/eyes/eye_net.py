"""The eye net: is this eye open, closed, or hidden?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from driver_monitor.eyes.patch import HEIGHT, WIDTH
from driver_monitor.onnx_model import OnnxModel

OPEN, CLOSED, HIDDEN = 0, 1, 2
"""Columns of the answer. A lowered or smiling eye is open as long as the eyeball shows; hidden is one whose lid cannot
be read (sunglasses, glare, hair, a hand, turned away)."""


class EyeNet:
    """Classifies rectified eye patches; see `models/eyes.md` for what it learned from and how well."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Load the net. Raises `ModelError` when the file is missing, damaged or another model."""
        self._model = OnnxModel(path, {"eye": (None, 1, HEIGHT, WIDTH)}, {"p": (None, 3)}, threads)
        self.sha256 = self._model.sha256

    def classify(self, patches: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (n, 3) float32 probabilities of open, closed, hidden for (n, 32, 48) patches of `eye_patch`."""
        (p,) = self._model.run({"eye": patches[:, np.newaxis].astype(np.float32) / np.float32(255)})
        return np.asarray(p, dtype=np.float32)
