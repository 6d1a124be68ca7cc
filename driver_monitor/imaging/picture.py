"""Makes the pictures of all sources an `Image`: uint8, grey or BGR, of a size that the program can work with."""

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
"""Least side, pixels. A face of fewer has no landmarks. Such files are icons or damaged."""
MAX_PIXELS = 50_000_000
"""Most pixels: more than any camera sensor for drivers has (a 4K frame has 8.3 million); about 150 MB in BGR."""


def check_size(width: int, height: int, where: str) -> None:
    """Raise `SourceError` unless a picture of `width` x `height` pixels can be worked with."""
    if min(width, height) < MIN_SIDE:
        raise SourceError(f"{where}: {width}x{height} pixels is too small; the sides must have at least {MIN_SIDE}")
    if width * height > MAX_PIXELS:
        raise SourceError(
            f"{where}: {width}x{height} pixels is too large; at most {MAX_PIXELS // 1_000_000} million: scale it down"
        )


def depth_bits(brightest: int) -> int:
    """Return the number of bits of a sensor whose brightest value so far is `brightest`: 8, 10, 12, 14 or 16.

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
    """Keep OpenCV's own lines off stderr. The program prints one line of its own instead."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
