"""Any picture a source delivers, made into an `Image`: uint8, grey or BGR, of a size we can work with."""

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
"""Pixels. No landmark can be placed on a face of fewer; such files are icons or damage."""
MAX_PIXELS = 50_000_000
"""More than any camera sensor that films drivers (a 4K frame has 8.3 million); about 150 MB in BGR."""

_ROTATE = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def check_size(width: int, height: int, where: str) -> None:
    """Raise `SourceError` unless a picture of `width` x `height` pixels can be worked with."""
    if min(width, height) < MIN_SIDE:
        raise SourceError(f"{where}: {width}x{height} pixels is too small; the sides must have at least {MIN_SIDE}")
    if width * height > MAX_PIXELS:
        raise SourceError(
            f"{where}: {width}x{height} pixels is too large; at most {MAX_PIXELS // 1_000_000} million: scale it down"
        )


def rotate(image: Image, degrees: int) -> Image:
    """Turn `image` clockwise by 0, 90, 180 or 270 degrees."""
    return as_image(cv2.rotate(image, _ROTATE[degrees])) if degrees % 360 else image


def depth_bits(brightest: int) -> int:
    """Return how many bits a sensor has whose brightest value so far is `brightest`: 8, 10, 12, 14 or 16.

    These are the depths of infrared sensors (OV9281: 10, AR0144: 12); 16-bit formats carry them in the low bits.
    """
    return next(bits for bits in (8, 10, 12, 14, 16) if brightest < 1 << bits)


def to_8_bit(values: NDArray[np.uint16], bits: int) -> Image:
    """Scale values of a `bits`-bit sensor to 0..255, keeping the upper eight bits."""
    return as_image(np.minimum(values >> (bits - 8), 255))


def as_image(array: NDArray[Any]) -> Image:
    """Return a contiguous uint8 copy or view of `array`."""
    return np.ascontiguousarray(array, dtype=np.uint8)


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV's own lines off stderr: users get one line of ours instead."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
