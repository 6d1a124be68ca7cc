"""Load the FER+ faces and their votes, and split them. The decoded pictures are cached."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import EXPRESSIONS

HELD_BACK = 2500
"""Number of training pictures for choices and calibration. No net has learned from them."""


@dataclass
class Faces:
    """`images` (N, 48, 48); `target` (N, 8): shares of the votes; `label` (N,): the majority, -1 without one."""

    images: NDArray[np.uint8]
    target: NDArray[np.float32]
    label: NDArray[np.int64]

    def __getitem__(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Faces:
        return Faces(self.images[rows], self.target[rows], self.label[rows])

    def __len__(self) -> int:
        return len(self.images)

    def sharp(self) -> NDArray[np.float32]:
        """Return the shares of the votes (N, 8), sharpened: squared and normalised.

        Accuracy is measured against the majority. A net that learns plain shares is unsure where annotators differ.
        Sharpening its answers later instead makes it too sure on half covered faces.
        """
        squared = np.square(self.target)
        return np.asarray(squared / squared.sum(1, keepdims=True), np.float32)

    def certain(self) -> Faces:
        """Return those with a majority label."""
        return self[self.label >= 0]


@dataclass
class Split:
    """`train`: for learning. `held`: held back from the training split, for choices. `valid`: only for figures."""

    train: Faces
    held: Faces
    valid: Faces


def load(path: Path, cache: Path) -> Split:
    """Decode `path` and split it. Of pictures that are twice in the validation split both are dropped.

    Left out of the training: faces that half of the annotators called unknown or no face, and single votes (outliers,
    Barsoum et al., ICMI 2016).
    """
    z = np.load(path)
    votes, names = z["votes"].astype(np.float32), list(z["vote_names"])
    if not cache.exists():
        jpeg = z["jpeg"]  # each access to z reads and unpacks the whole array
        np.save(cache, np.stack([_decoded(jpeg[a:b]) for a, b in itertools.pairwise(z["offset"])]))
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


def _decoded(jpeg: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE), np.uint8)


def single(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pictures are there only once, byte for byte."""
    _, which, count = np.unique(images.reshape(len(images), -1), axis=0, return_inverse=True, return_counts=True)
    return np.asarray(count[which.reshape(-1)] == 1)
