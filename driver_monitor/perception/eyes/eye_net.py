"""Runs the eye net: is an eye open, lowered, closed or hidden, how far is it open, is it behind sunglasses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from driver_monitor.nets.onnx_model import OnnxModel
from driver_monitor.perception.eyes.patch import BAND_HEIGHT, BAND_WIDTH, HEIGHT, NO_BAND, WIDTH

OPEN, LOWERED, CLOSED, HIDDEN = 0, 1, 2, 3
"""Columns of the net's answer. A lowered eye has lids so low or narrow that only a slit of the eyeball is visible, as
when looking down or laughing. A closed eye is at least 80 % closed, and no eyeball is visible. A hidden eye is one
whose lid cannot be read (sunglasses, glare, hair, a hand, turned away)."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The eye net's answers for n eyes, float32.

    `p`: (n, 4) probabilities of open, lowered, closed, hidden. `aspect`: (n,) eye aspect ratio, lid gap over eye width,
    as the mesh that labelled the training data measures it. About 0.05 is shut, 0.35 wide open. It means nothing for a
    hidden eye. `sunglasses`: (n,) probability of sunglasses so dark that the eye cannot be seen.
    """

    p: NDArray[np.float32]
    aspect: NDArray[np.float32]
    sunglasses: NDArray[np.float32]


class EyeNet:
    """Runs the eye net on patches and bands of eyes. `models/eyes.md` has its training data and its scores."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Load the net. Raises `ModelError` if the file is missing, damaged or the wrong model."""
        inputs = {"eye": (None, 1, HEIGHT, WIDTH), "band": (None, 1, BAND_HEIGHT, BAND_WIDTH)}
        outputs = {"p": (None, 4), "aspect": (None,), "sunglasses": (None,)}
        self.model = OnnxModel(path, inputs, outputs, threads)
        self.sha256 = self.model.sha256

    def read(self, patches: NDArray[np.uint8], bands: NDArray[np.uint8]) -> Answers:
        """Return the answers for n eyes, given by (n, 32, 48) `patches` and (n, 32, 64) `bands` of `eye_crops`."""
        return Answers(*self.model.run({"eye": _scaled(patches), "band": _scaled(bands)}))

    def classify(self, patches: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (n, 4) probabilities of open, lowered, closed, hidden for (n, 32, 48) patches of `crop_patch`.

        There are no bands. Each patch can be a left or a right eye, so the net reads it as it is and mirrored. The
        result is the geometric mean of both, scaled to a sum of 1 (web crops of people new to an earlier net: AUC 0.986
        instead of 0.984).
        """
        none = np.broadcast_to(NO_BAND, (len(patches), BAND_HEIGHT, BAND_WIDTH))
        p = np.sqrt(self.read(patches, none).p * self.read(patches[:, :, ::-1], none).p)
        return np.asarray(p / p.sum(axis=1, keepdims=True), np.float32)


def _scaled(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return grey levels (n, H, W) as (n, 1, H, W), 0 to 1."""
    return np.asarray(np.divide(pictures[:, np.newaxis], np.float32(255), dtype=np.float32))
