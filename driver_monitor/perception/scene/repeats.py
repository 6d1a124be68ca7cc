"""Finds pictures that repeat the one before: a camera or a recorder that hangs. They are no evidence. Pure."""

from __future__ import annotations

import cv2
import numpy as np

from driver_monitor.imaging.frame import Frame, Image

FROZEN_AFTER_S = 0.5
"""A picture that has not changed for longer is frozen. The same time without a frame counts as a lost camera
(`camera.lost_after_s`). Until then the repeated frames are left out, as if the camera had not taken them."""
STRIDE = 4
"""Only every fourth row and column is compared: 19,200 pixels at 640x480, in about 20 microseconds."""
CHANGED = 2
"""Grey levels. An encoder changes pixels of a repeated picture by so much, while it refines them."""
MAX_CHANGED = 1e-4
"""A picture with no larger share of changed pixels repeats the one before. Measured on 52 clips of people: such runs
last up to 0.08 s, in one clip of a very low bit rate 0.42 s. A sensor's noise makes any two pictures differ."""


class RepeatDetector:
    """Measures for how long the picture of a source has been the same, up to the noise of an encoder."""

    def __init__(self) -> None:
        self._picture: Image | None = None
        self._source = ("", -1)
        self._new_at = 0.0

    def update(self, frame: Frame) -> float:
        """Take the next frame. Return for how many seconds its picture has been repeated; 0 for a new picture.

        A frame with the same number and source as the one before is repeated, too: its camera takes no new frames.
        """
        small, source = np.ascontiguousarray(frame.grey[::STRIDE, ::STRIDE]), (frame.source, frame.sequence)
        if self._picture is not None and (source == self._source or _same(small, self._picture)):
            return max(0.0, frame.t - self._new_at)
        # Repeats are compared with the first of them: slow changes add up, and are then seen.
        self._picture, self._source, self._new_at = small, source, frame.t
        return 0.0


def _same(one: Image, other: Image) -> bool:
    if one.shape != other.shape:
        return False
    return int(np.count_nonzero(cv2.absdiff(one, other) > CHANGED)) <= MAX_CHANGED * one.size
