"""Defines the frame: one picture of a source, with its time and number. Turns pictures and makes them grey."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""Grey (H, W) or BGR (H, W, 3), uint8."""

_ROTATE = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


@dataclass(frozen=True, slots=True, eq=False)
class YuvPicture:
    """A picture from a video decoder. The grey picture is ready; the colour picture is made only when `bgr` is called.

    `grey`: (H, W), 0 to 255. `u`, `v`: the colour planes, usually half as wide and high as `grey`; 128 is no colour.
    `bgr`: function that returns the BGR picture (H, W, 3).
    """

    grey: Image
    u: Image
    v: Image
    bgr: Callable[[], Image]

    def stretched(self, factors: tuple[float, float]) -> YuvPicture:
        """Return the picture with its width and height multiplied by `factors`; itself if both are 1."""
        if factors == (1.0, 1.0):
            return self
        grey, u, v = (stretch(plane, factors) for plane in (self.grey, self.u, self.v))
        return YuvPicture(grey, u, v, lambda: stretch(self.bgr(), factors))

    def rotated(self, degrees: int) -> YuvPicture:
        """Return the picture turned clockwise by 0, 90, 180 or 270 degrees; itself if 0."""
        if not degrees:
            return self
        grey, u, v = (rotate(plane, degrees) for plane in (self.grey, self.u, self.v))
        return YuvPicture(grey, u, v, lambda: rotate(self.bgr(), degrees))


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a source.

    `picture`: grey (H, W) or BGR (H, W, 3), uint8, or the planes of a video. `t`: seconds, never decreasing. It counts
    from the source's first frame; a `Grabber` makes it count from its `start` for a live camera. `t_mono`:
    `time.monotonic()` at capture, seconds; None in a replay, which reads no clock. `sequence`: the number of the frame
    as decoded, from 0. A gap means that frames were dropped or skipped. `source`: the source's name, for people.
    """

    picture: Image | YuvPicture
    t: float
    sequence: int
    source: str
    t_mono: float | None = None

    @cached_property
    def grey(self) -> Image:
        """The picture as grey (H, W)."""
        return self.picture.grey if isinstance(self.picture, YuvPicture) else to_grey(self.picture)

    @cached_property
    def image(self) -> Image:
        """The picture in colour, BGR (H, W, 3), or grey (H, W) if the source is grey."""
        return self.picture.bgr() if isinstance(self.picture, YuvPicture) else self.picture

    def rotated(self, degrees: int) -> Frame:
        """Return the frame with its picture turned clockwise by 0, 90, 180 or 270 degrees."""
        picture = self.picture
        turned = picture.rotated(degrees) if isinstance(picture, YuvPicture) else rotate(picture, degrees)
        return replace(self, picture=turned)


def rotate(image: Image, degrees: int) -> Image:
    """Return `image`, grey or BGR, turned clockwise by 0, 90, 180 or 270 degrees."""
    return np.asarray(cv2.rotate(image, _ROTATE[degrees]), np.uint8) if degrees % 360 else image


def stretch(image: Image, factors: tuple[float, float]) -> Image:
    """Return `image`, grey or BGR, with its width and height multiplied by `factors`."""
    if factors == (1.0, 1.0):
        return image
    return np.asarray(cv2.resize(image, None, fx=factors[0], fy=factors[1], interpolation=cv2.INTER_LINEAR), np.uint8)


def to_grey(image: Image) -> Image:
    """Return a grey (H, W) or BGR (H, W, 3) picture as grey (H, W)."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
