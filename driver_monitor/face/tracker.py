"""Follows one face: the landmark net says where it will be next and whether it is still one.

A frame costs one run of the landmark net while the face is followed. When the net loses it, a correlation tracker
bridges the gap for a moment, and only then the detector searches the whole picture again.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from driver_monitor.capture.frame import Image
from driver_monitor.face.bridge import CorrelationBridge
from driver_monitor.face.detector import Detector
from driver_monitor.face.head_pose import head_pose
from driver_monitor.face.landmarks import Crop, crop_of_box, face_crop
from driver_monitor.face.mouth import mouth_opening
from driver_monitor.observation import Box, FaceView
from driver_monitor.rhythm import Rhythm

KEEP = 0.5
"""A followed face goes on being one down to this probability (the net's own even odds)."""
TAKE = 0.8
"""A face newly found must be surer than a followed one, so that a headrest is not taken for a driver."""
BRIDGE_S = 0.5
"""For so long the correlation tracker may bridge, seconds; by then a face that turned is back or was lost."""

Points = NDArray[np.float32]


class Locator(Protocol):
    """The landmark net, as the tracker needs it."""

    def locate(self, grey: Image, crop: Crop) -> tuple[Points, float]:
        """Return the (70, 2) points in frame pixels and the probability that `crop` of `grey` holds a face."""


class FaceTracker:
    """Finds, follows and finds again; time comes with the frames."""

    def __init__(self, detector: Detector, net: Locator, search_hz: float) -> None:
        self._detector, self._net = detector, net
        self._search_rhythm = Rhythm(1.0 / search_hz)
        self._bridge = CorrelationBridge()
        self._last: tuple[Image, Points] | None = None
        self._lost_at: float | None = None

    def update(self, grey: Image, t: float) -> FaceView | None:
        """Return the face in `grey` (H, W) at `t` seconds, or None where there is none."""
        found = self._follow(grey) or self._cross(grey, t) or self._search(grey, t)
        if found is None:
            self._lost_at = t if self._lost_at is None else self._lost_at
            return None
        points, score = found
        self._last, self._lost_at = (grey, points), None
        self._search_rhythm.rest()
        return _view(grey, points, score)

    def _follow(self, grey: Image) -> tuple[Points, float] | None:
        if self._last is None or self._last[0].shape != grey.shape:
            return None
        return self._look(grey, face_crop(self._last[1]), KEEP)

    def _cross(self, grey: Image, t: float) -> tuple[Points, float] | None:
        """Cross a gap: learn the face from the last good frame, follow its picture, look with the net there."""
        if self._last is None or self._last[0].shape != grey.shape:
            return None
        last, points = self._last
        if self._lost_at is None:
            self._bridge.start(last, box_of_points(points))
        elif t - self._lost_at > BRIDGE_S:
            self._last = None
            return None
        moved = self._bridge.follow(grey)
        box = box_of_points(points)
        shift = (moved.x + moved.w / 2 - box.x - box.w / 2, moved.y + moved.h / 2 - box.y - box.h / 2)
        return self._look(grey, face_crop(points + np.asarray(shift, np.float32)), KEEP)

    def _search(self, grey: Image, t: float) -> tuple[Points, float] | None:
        if not self._search_rhythm.beat(t):
            return None
        for box in self._detector.find(grey):
            found = self._settle(grey, box)
            if found is not None:
                return found
        return None

    def _settle(self, grey: Image, box: Box) -> tuple[Points, float] | None:
        """Look twice: a detector's box is coarse, the second crop is cut by the first look's landmarks."""
        first = self._look(grey, crop_of_box(box, self._detector.kind), KEEP)
        return None if first is None else self._look(grey, face_crop(first[0]), TAKE)

    def _look(self, grey: Image, crop: Crop, least: float) -> tuple[Points, float] | None:
        points, score = self._net.locate(grey, crop)
        # Written so that a score that is no number is refused.
        if not score >= least or not np.isfinite(points).all():
            return None
        return points, score


def box_of_points(points: Points) -> Box:
    """Return the box from brows to chin around the 68 iBUG points, frame pixels."""
    low, high = points[:68].min(axis=0), points[:68].max(axis=0)
    return Box(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


def _view(grey: Image, points: Points, score: float) -> FaceView:
    height, width = grey.shape
    head = head_pose(points, (width, height))
    return FaceView(box_of_points(points), score, points, head, mouth_opening(points, head))
