"""The FER+ faces with their votes, decoded once, and which of them are held back."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import EXPRESSIONS

HELD_BACK = 2500
"""Training images on which everything is chosen and calibrated; no net has learned from one."""


@dataclass
class Faces:
    """`images` (N, 48, 48) uint8; `target` (N, 8) vote shares; `label` (N,) by majority, -1 where there is none."""

    images: NDArray[np.uint8]
    target: NDArray[np.float32]
    label: NDArray[np.int64]

    def __getitem__(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Faces:
        return Faces(self.images[rows], self.target[rows], self.label[rows])

    def __len__(self) -> int:
        return len(self.images)

    def sharp(self) -> NDArray[np.float32]:
        """Return the vote shares (N, 8) drawn towards what most annotators said.

        The accuracy that is reported is the majority's. A net that learns plain shares doubts it where only the
        annotators differ, and sharpening its answers afterwards makes it too sure where it sees half a face.
        """
        squared = np.square(self.target)
        return np.asarray(squared / squared.sum(1, keepdims=True), np.float32)

    def certain(self) -> Faces:
        """Return those with a majority label."""
        return self[self.label >= 0]


@dataclass
class Split:
    """`train`: learned from. `held`: of the training split, held back for choices. `valid`: only reported on."""

    train: Faces
    held: Faces
    valid: Faces


def load(path: Path, cache: Path) -> Split:
    """Decode `path` once and split it; of pictures that stand in the validation split twice both are dropped.

    Faces that half the annotators called unknown or no face, and single votes (outliers, Barsoum et al., ICMI 2016),
    are left out of the training.
    """
    z = np.load(path)
    votes, names = z["votes"].astype(np.float32), list(z["vote_names"])
    if not cache.exists():
        images = [cv2.imdecode(z["jpeg"][a:b], 0) for a, b in itertools.pairwise(z["offset"])]
        np.save(cache, np.stack(images))
    images = np.load(cache)
    emotion = votes[:, [names.index(name) for name in EXPRESSIONS]]
    kept = np.where(emotion > 1, emotion, 0)
    total = kept.sum(1)
    junk = votes[:, [names.index("NF"), names.index("unknown")]].sum(1)
    faces = Faces(images, kept / np.maximum(total, 1)[:, None], z["label"].astype(np.int64))
    usable = np.flatnonzero((total > 0) & (junk < 5) & (z["split"] == 0))
    order = np.random.default_rng(7).permutation(usable)
    valid = faces[z["split"] == 1].certain()
    return Split(faces[order[HELD_BACK:]], faces[order[:HELD_BACK]], valid[single(valid.images)])


def single(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which images stand only once among these, byte for byte."""
    _, which, count = np.unique(images.reshape(len(images), -1), axis=0, return_inverse=True, return_counts=True)
    return np.asarray(count[which.reshape(-1)] == 1)
