"""Finds pictures that repeat the one before: a camera or a recorder that hangs. They are no evidence. Pure."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import cv2
import numpy as np

from driver_monitor.imaging.frame import Frame, Image

FROZEN_AFTER_S = 0.5
"""A picture that has not changed for longer is frozen. The same time without a frame counts as a lost camera
(`camera.lost_after_s`). Until then the repeated frames are left out, as if the camera had not taken them."""
STRIDE = 4
"""Only every fourth row and column is compared: 16,160 pixels at 640x480."""
FIRST_STRIDE = 5
"""Of these, every fifth row and column is compared first. If too many pixels differ there, the others cannot change
the answer. This tells nearly all pairs of pictures apart, with a 25th of the pixels."""
EDGE = 0.08
"""Share of the rows at the top and at the bottom that are not compared: recorders write a clock or a counter there."""
KEPT = 4
"""A picture is compared with so many before it (ours): a driver that hangs may show its buffers in turn."""
CHANGED = 2
"""Grey levels. An encoder changes pixels of a repeated picture by so much, while it refines them."""
MAX_CHANGED = 1e-4
"""A picture with no larger share of changed pixels repeats the one before. Measured on 52 clips of people: such runs
last up to 0.08 s, in one clip of a very low bit rate 0.42 s. A sensor's noise makes any two pictures differ."""


class _Picture(NamedTuple):
    """The pixels of a picture that are compared, and the few of them that are compared first."""

    pixels: Image
    few: Image


class RepeatDetector:
    """Measures for how long the picture of a source has been the same, up to the noise of an encoder."""

    def __init__(self) -> None:
        self._pictures: deque[_Picture] = deque(maxlen=KEPT)
        self._source = ("", -1)
        self._new_at = 0.0

    def update(self, frame: Frame) -> float:
        """Take the next frame. Return for how many seconds its picture has been repeated; 0 for a new picture.

        A frame with the same number and source as the one before is repeated, too: its camera takes no new frames.
        """
        edge = round(EDGE * frame.grey.shape[0])
        pixels = _every(frame.grey[edge : frame.grey.shape[0] - edge], STRIDE)
        picture = _Picture(pixels, _every(pixels, FIRST_STRIDE))
        source, before = (frame.source, frame.sequence), self._source
        self._source = source
        if self._pictures and (source == before or any(_same(picture, one) for one in self._pictures)):
            return max(0.0, frame.t - self._new_at)
        # Repeats are compared with the first of them: slow changes add up, and are then seen.
        self._pictures.append(picture)
        self._new_at = frame.t
        return 0.0


def _same(one: _Picture, other: _Picture) -> bool:
    if one.pixels.shape != other.pixels.shape:
        return False
    most = MAX_CHANGED * one.pixels.size
    return _changed(one.few, other.few) <= most and _changed(one.pixels, other.pixels) <= most


def _changed(one: Image, other: Image) -> int:
    """Return the number of pixels that differ by more than an encoder's noise."""
    return int(np.count_nonzero(cv2.absdiff(one, other) > CHANGED))


def _every(grey: Image, stride: int) -> Image:
    """Return a copy of every `stride`th row and column."""
    pixels: Image = grey[::stride, ::stride].copy()
    return pixels
