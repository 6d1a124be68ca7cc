"""Cuts a crop out of a picture, scales a picture, and averages blocks of pixels. Perception uses it."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.imaging.frame import Image

Map = NDArray[np.float64]
"""A map (2, 3) from crop pixels to picture pixels: turn, scale, shift, or mirrored. Whole numbers are pixel centres."""

_PER_PIXEL = 1.5
"""Picture pixels per crop pixel, on each axis, that remain after blocks are averaged. 1.5 is the aim, 2.25 the most.
A bilinear warp reads two pixels on each axis, so hardly a pixel is left out."""
LARGE = (1280, 480)
"""Longer and shorter side, pixels, from which `halved` halves a picture."""


def cut(grey: Image, to_grey: Map, size: tuple[int, int]) -> Image:
    """Return a crop of `size` (width, height) from `grey` (H, W). `to_grey` maps crop pixels to pixels of `grey`.

    If a crop pixel is 2.25 picture pixels wide or more, blocks of picture pixels are averaged first, so that fine
    detail such as lashes does not alias. Where the crop lies outside the picture, the picture's border is repeated.
    """
    (a, b, x), (c, d, y) = to_grey.tolist()
    block = min(round(math.hypot(a, c) / _PER_PIXEL), *grey.shape)
    if block > 1:
        left, right = _range(x, a * size[0], b * size[1], grey.shape[1], block)
        top, bottom = _range(y, c * size[0], d * size[1], grey.shape[0], block)
        grey = average(grey[top:bottom, left:right], block)
        x, y = (x - left + 0.5) / block - 0.5, (y - top + 0.5) / block - 0.5
        to_grey = np.array([[a / block, b / block, x], [c / block, d / block, y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(grey, to_grey, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _range(start: float, across: float, down: float, limit: int, block: int) -> tuple[int, int]:
    """Return the first and the last (exclusive) pixel of a crop's region on one axis, at least one block."""
    low, high = start + min(across, 0) + min(down, 0), start + max(across, 0) + max(down, 0)
    first = min(max(math.floor(low) - 2, 0), limit - block)
    return first, min(max(math.ceil(high) + 3, first + block), limit)


def average(image: Image, block: int) -> Image:
    """Return `image` (H, W) or (H, W, 3) with each `block` x `block` pixels averaged into one.

    Columns at the right and rows at the bottom that fill no block are dropped: with them OpenCV is five times slower.
    """
    size = image.shape[1] // block, image.shape[0] // block
    whole = image[: size[1] * block, : size[0] * block]
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.uint8)


def halved(image: Image) -> Image:
    """Return `image` (H, W) or (H, W, 3), halved while it is `LARGE`, for what needs no details; else as it is.

    To shrink to a size that is no whole part, OpenCV takes 15 times as long for a pixel as to halve. So a search for a
    face, or a look at the light, costs about the same at 640, 1280 and 1920 pixels.
    """
    while True:
        height, width = image.shape[:2]
        if max(height, width) < LARGE[0] or min(height, width) < LARGE[1] or height % 2 or width % 2:
            return image
        image = average(image, 2)


def scaled(grey: Image, scale: float) -> Image:
    """Return `grey` (H, W) with both sides times `scale`, at least 1 pixel. Averages to shrink, else interpolates."""
    if scale == 1.0:
        return np.ascontiguousarray(grey)
    size = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), np.uint8)


def share_inside(to_grey: Map, size: tuple[int, int], shape: tuple[int, ...]) -> float:
    """Return the share of a crop's pixels inside a picture of `shape` (H, W). `to_grey`, `size`: as in `cut`."""
    (a, b, x), (c, d, y) = to_grey.tolist()
    wide, high = size[0] - 1, size[1] - 1
    xs = x, x + a * wide, x + b * high, x + a * wide + b * high
    ys = y, y + c * wide, y + d * high, y + c * wide + d * high
    if min(*xs, *ys) > -0.5 and max(xs) < shape[1] - 0.5 and max(ys) < shape[0] - 0.5:
        return 1.0
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    across, down = a * columns + b * rows + x, c * columns + d * rows + y
    return float(np.mean((across > -0.5) & (down > -0.5) & (across < shape[1] - 0.5) & (down < shape[0] - 0.5)))
