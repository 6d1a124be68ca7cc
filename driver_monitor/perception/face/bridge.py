"""Bridges short losses of the landmarks with dlib's correlation tracker (Danelljan et al., BMVC 2014)."""

from __future__ import annotations

import cv2
import dlib
import numpy as np

from driver_monitor.data.observation import Box
from driver_monitor.imaging.frame import Image


class CorrelationBridge:
    """Follows the picture of a face, whatever it looks like, from the last frame in which it was surely one."""

    WIDTH = 320
    """Width the tracker works at, pixels: a face of 80 is followed well there, at a millisecond or two a frame."""

    def __init__(self) -> None:
        self._tracker: dlib.correlation_tracker | None = None

    def start(self, grey: Image, box: Box) -> None:
        """Learn the face in `box` of `grey` (H, W)."""
        small, scale = _shrink(grey, self.WIDTH)
        self._tracker = dlib.correlation_tracker()
        left, top = box.x * scale, box.y * scale
        self._tracker.start_track(small, dlib.drectangle(left, top, left + box.w * scale, top + box.h * scale))

    def follow(self, grey: Image) -> Box:
        """Return where the face is in the next frame, frame pixels; `start` must have been called."""
        if self._tracker is None:
            raise RuntimeError("follow() before start()")
        small, scale = _shrink(grey, self.WIDTH)
        self._tracker.update(small)
        box = self._tracker.get_position()
        return Box(box.left() / scale, box.top() / scale, box.width() / scale, box.height() / scale)


def _shrink(grey: Image, width: int) -> tuple[Image, float]:
    scale = min(1.0, width / grey.shape[1])
    if scale == 1.0:
        return np.ascontiguousarray(grey), scale
    size = (width, max(1, round(grey.shape[0] * scale)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8), scale
