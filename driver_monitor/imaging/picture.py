"""Checks the size of pictures, converts their values to the uint8 of an `Image`, and silences OpenCV's log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Image

MIN_SIDE = 32
"""Least width and height of a picture, pixels. Landmarks cannot be found in less. Such files are icons or damaged."""
MAX_PIXELS = 50_000_000
"""Most pixels of a picture. No camera sensor for drivers has so many (4K has 8.3 million). They take 150 MB in BGR."""


def check_size(width: int, height: int, where: str) -> None:
    """Raise `SourceError` if a side is below `MIN_SIDE` or the area above `MAX_PIXELS`. `where`: start of the error."""
    if min(width, height) < MIN_SIDE:
        raise SourceError(f"{where}: {width}x{height} pixels is too small; the sides must have at least {MIN_SIDE}")
    if width * height > MAX_PIXELS:
        raise SourceError(
            f"{where}: {width}x{height} pixels is too large; at most {MAX_PIXELS // 1_000_000} million: scale it down"
        )


def depth_bits(brightest: int) -> int:
    """Return the least of 8, 10, 12, 14 and 16 bits that can hold `brightest`, the highest value found so far.

    These are the depths of infrared sensors (OV9281: 10, AR0144: 12). 16-bit formats carry the values in the low bits.
    """
    return next(bits for bits in (8, 10, 12, 14, 16) if brightest < 1 << bits)


def to_8_bit(values: NDArray[np.uint16], bits: int) -> Image:
    """Return the upper eight bits of the values of a `bits`-bit sensor. Values of more than `bits` bits give 255."""
    return as_image(np.minimum(values >> (bits - 8), 255))


def as_image(array: NDArray[Any]) -> Image:
    """Return `array` as contiguous uint8, a copy if necessary. Values are not scaled."""
    return np.ascontiguousarray(array, dtype=np.uint8)


def camera_picture(pixels: NDArray[Any], where: str) -> Image:
    """Return pixels as a camera's driver gives them, 8 bits each, as an `Image`.

    (H, W) and (H, W, 1) are grey. Of (H, W, 2), raw YUYV, the first channel is the grey picture. Of (H, W, 4), the
    fourth channel is left out. Raises `SourceError`, which begins with `where`, for another form or size.
    """
    advice = "set camera.pixel_format to MJPG, YUYV or GREY"
    if pixels.dtype != np.uint8:
        raise SourceError(f"{where}: gives values of {8 * pixels.itemsize} bits of an unknown kind; {advice}")
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and not 1 <= pixels.shape[2] <= 4):
        form = "x".join(map(str, pixels.shape))
        raise SourceError(f"{where}: gives pictures of an unknown form ({form}); {advice}")
    check_size(pixels.shape[1], pixels.shape[0], where)
    if pixels.ndim == 3 and pixels.shape[2] != 3:
        pixels = pixels[:, :, 0] if pixels.shape[2] < 3 else pixels[:, :, :3]
    return as_image(pixels)


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Silence OpenCV's log inside the `with` block, in all threads. The program prints its own line instead."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
