"""Lay a part of one face over another, print on cloth, and end a picture within a crop."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CACHED = 160
"""Side of the crops in memory, pixels: 98 of them are the 2.2 face sides that the net sees."""


def _soft(beyond: NDArray[np.floating]) -> Tensor:
    """Return 1 where `beyond` is far below 0, 0 where it is far above, and a soft edge between."""
    return torch.from_numpy(np.asarray(1 / (1 + np.exp(np.clip(beyond, -30, 30))), np.float32))


def side(at_left: bool, rng: np.random.Generator) -> Tensor:
    """Return a soft half plane (160, 160) over the left or right side of a crop."""
    y, x = np.mgrid[:CACHED, :CACHED].astype(np.float32) / CACHED - 0.5
    edge = rng.uniform(-0.11, -0.03) + rng.uniform(-0.35, 0.35) * y
    soft = rng.uniform(0.008, 0.04)
    across = x if at_left else -x
    return _soft((across - edge) / soft)


def lower(points: NDArray[np.float32], rng: np.random.Generator) -> Tensor:
    """Return a soft half plane (160, 160) below the middle of the nose of a face, `points` (70, 2) in crop units."""
    y, x = np.mgrid[:CACHED, :CACHED].astype(np.float32) / CACHED
    eyes = points[42:48].mean(0) - points[36:42].mean(0)
    along = eyes / (np.linalg.norm(eyes) + 1e-6)
    nose = points[27] + (points[33] - points[27]) * rng.uniform(0.1, 0.75)
    below = (y - nose[1]) * along[0] - (x - nose[0]) * along[1]
    return torch.from_numpy(
        np.asarray(1 / (1 + np.exp(np.clip(-below / rng.uniform(0.004, 0.02), -30, 30))), np.float32)
    )


def fitted(crop: NDArray[np.uint8], points: NDArray[np.float32], to: NDArray[np.float32]) -> Tensor:
    """Return `crop` moved, turned and scaled so that eyes, nose and chin come closest to those of `to`."""
    fixed = [*range(27, 31), *range(36, 48), 8]
    m, _ = cv2.estimateAffinePartial2D(points[fixed] * CACHED, to[fixed] * CACHED, method=cv2.LMEDS)
    moved = crop if m is None else cv2.warpAffine(crop, m, (CACHED, CACHED), borderMode=cv2.BORDER_REPLICATE)
    return torch.from_numpy(moved).float().div(255)


def blend(crop: Tensor, other: Tensor, over: Tensor) -> None:
    """Lay `other` over `crop` where `over` is 1, at the brightness of the crop along the seam."""
    strip = (over > 0.3) & (over < 0.7)
    gain = float((crop[strip].mean() + 0.02) / (other[strip].mean() + 0.02))
    crop.copy_(over * (other * min(max(gain, 0.4), 2.5)).clamp(0, 1) + (1 - over) * crop)


def printed(surface: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a surface (S, S), 0 to 1, with a print of strong contrast: spots of one size, dark or bright."""
    cells = int(rng.integers(8, 32))
    noise = rng.normal(0, 1, (cells, cells)).astype(np.float32)
    spots = cv2.resize(noise, surface.shape[::-1], interpolation=cv2.INTER_CUBIC) > rng.uniform(0, 0.8)
    ink = rng.uniform(0.15, 0.6) * rng.choice([-1, 1])
    return np.asarray(np.clip(surface + ink * spots, 0, 1), np.float32)


def cut_off(picture: NDArray[np.float32], rng: np.random.Generator) -> None:
    """End the picture within the crop. The rest repeats its last column or row, as the program's crop does."""
    turned = np.rot90(picture, int(rng.choice(4)))
    end = int(len(picture) * rng.uniform(0.7, 0.95))
    turned[:, end:] = turned[:, end - 1 : end]


def end_around(picture: NDArray[np.float32], spots: NDArray[np.float32], rng: np.random.Generator) -> None:
    """End the picture right around a face, `spots` (70, 2) in its pixels. The rest repeats the border."""
    size = len(picture)
    low, high = spots[:68].min(0), spots[:68].max(0)
    margins = rng.uniform(-0.02, 0.3, 4) * float(max(high - low))
    left, top = (int(np.clip(value, 0, size - 8)) for value in low - margins[:2])
    right, bottom = (int(np.clip(value, 8, size)) for value in high + margins[2:])
    right, bottom = max(right, left + 8), max(bottom, top + 8)
    inside = picture[top:bottom, left:right].copy()
    picture[:] = np.pad(inside, ((top, size - bottom), (left, size - right)), mode="edge")
