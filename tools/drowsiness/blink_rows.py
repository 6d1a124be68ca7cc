"""Reads the blinks of UTA-RLDD: rows of 30 blinks, with the level, the video and the person of each row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STRIDE, OVERLAP = 2, 28
"""The first 28 blinks of a row are the last 28 of the row before it, which starts two blinks earlier."""


@dataclass(frozen=True)
class Rows:
    """`z` (n, 30, 4); `level` (n,) 0 to 2; `video`, `person`, `fold` (n,)."""

    z: Floats
    level: NDArray[np.int64]
    video: NDArray[np.int64]
    person: NDArray[np.int64]
    fold: NDArray[np.int64]


def load(folder: Path) -> Rows:
    """Read the four folds. Where two rows do not overlap, a new video starts. Three videos are one person."""
    parts = []
    for fold in range(1, 5):
        z = np.load(folder / f"rldd_fold{fold}.npz")
        blinks, level = z["blinks"].astype(np.float64), z["label"].astype(np.int64) // 5
        continues = np.isclose(blinks[1:, :OVERLAP], blinks[:-1, STRIDE:]).all((1, 2))
        video = np.concatenate([[0], np.cumsum(~continues)]) + 1000 * fold
        parts.append((blinks, level, video, (video - 1000 * fold) // 3 + 1000 * fold, np.full(len(level), fold)))
    return Rows(*(np.concatenate(column) for column in zip(*parts, strict=True)))
