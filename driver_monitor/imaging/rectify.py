"""Cut a turned and scaled rectangle out of a picture without losing pixels: how eye and expression crops are made."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_SKIPS_FROM = 1.8
"""Picture pixels per crop pixel from which a bilinear warp, which looks at two, would leave pixels out."""
_LEFT = 1.5
"""Picture pixels per crop pixel that are left for the warp after shrinking."""


def rectify(grey: NDArray[np.uint8], to_grey: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the crop of `size` (width, height) whose pixels `to_grey` (2, 3) maps into `grey` (H, W).

    A large region is first shrunk by area. Beyond the picture its border is continued.
    """
    scale = float(np.hypot(to_grey[0, 0], to_grey[1, 0]))
    if scale > _SKIPS_FROM:
        grey, to_grey = _shrunk(grey, to_grey, size, scale / _LEFT)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(grey, to_grey, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def share_inside(to_grey: NDArray[np.float64], size: tuple[int, int], shape: tuple[int, ...]) -> float:
    """Return the share (0 to 1) of the crop's pixels that lie within a picture of `shape` (H, W)."""
    wide, high = size
    corners = to_grey @ np.array([[0, wide - 1, 0, wide - 1], [0, 0, high - 1, high - 1], [1, 1, 1, 1]], np.float64)
    if corners.min() > -0.5 and (corners.max(axis=1) < (shape[1] - 0.5, shape[0] - 0.5)).all():
        return 1.0
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    x, y = to_grey @ np.stack([columns.ravel(), rows.ravel(), np.ones(columns.size)])
    return float(np.mean((x > -0.5) & (y > -0.5) & (x < shape[1] - 0.5) & (y < shape[0] - 0.5)))


def _shrunk(
    grey: NDArray[np.uint8], to_grey: NDArray[np.float64], size: tuple[int, int], shrink: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return the crop's neighbourhood smaller by `shrink`, and the transformation into it."""
    wide, high = size
    corners = to_grey @ np.array([[0, wide, 0, wide], [0, 0, high, high], [1, 1, 1, 1]], np.float64)
    limit = np.array(grey.shape[1::-1])
    first = np.clip(np.floor(corners.min(1)) - 2, 0, limit - 1).astype(int)
    last = np.clip(np.ceil(corners.max(1)) + 3, first + 1, limit).astype(int)
    part = grey[first[1] : last[1], first[0] : last[0]]
    target = np.maximum(np.round((last - first) / shrink).astype(int), 1)
    small = cv2.resize(part, (int(target[0]), int(target[1])), interpolation=cv2.INTER_AREA)
    factor = target / (last - first)
    moved = to_grey * factor[:, None]
    moved[:, 2] = (to_grey[:, 2] - first + 0.5) * factor - 0.5
    return np.asarray(small, np.uint8), moved
