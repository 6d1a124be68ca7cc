"""Follows the driver's face: the landmark net says where it will be next and whether it is still one.

A frame costs one run of the landmark net while the face is followed. When the net loses it, a correlation tracker
bridges the gap for a moment, and only then the detector searches the whole picture again. Now and then it looks for
other faces too: whose face is the driver's is for `driver_seat` to say.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import Box, FaceView
from driver_monitor.imaging.frame import Image
from driver_monitor.perception.face.bridge import CorrelationBridge
from driver_monitor.perception.face.detectors.hog import FaceDetector
from driver_monitor.perception.face.driver_seat import DriverSeat, Place, place
from driver_monitor.perception.face.head_pose import head_pose
from driver_monitor.perception.face.landmarks import (
    Crop,
    Landmarks,
    crop_of_box,
    face_crop,
)
from driver_monitor.perception.face.mouth import mouth_opening
from driver_monitor.perception.face.smoothing import FaceSmoother
from driver_monitor.timing.periodic import PeriodicTimer

KEEP = 0.5
"""A followed face goes on being one down to this probability (the net's own even odds)."""
TAKE = 0.8
"""A face newly found must be surer than a followed one, so that a headrest is not taken for a driver."""
BRIDGE_S = 0.5
"""For so long the correlation tracker may bridge, seconds; by then a face that turned is back or was lost."""
AROUND_S, AROUND_SETTLED_S = 1.0, 5.0
"""How often to look for other faces until the driver's seat is settled and after that, seconds. A search costs 1 to
15 ms, depending on the detector."""
MOST_PROPOSALS = 8
"""Detections judged in one search, surest first: a cabin has no more faces, and each costs a run of the net or two."""

Points = NDArray[np.float32]


class LandmarkFinder(Protocol):
    """The landmark net, as the tracker needs it."""

    def look(self, grey: Image, crop: Crop) -> Landmarks:
        """Return what `crop` of `grey` shows, and the probability that it is a face."""


class FaceTracker:
    """Finds, follows and finds again; time comes with the frames."""

    def __init__(
        self, detector: FaceDetector, net: LandmarkFinder, search_hz: float, seat: DriverSeat | None = None
    ) -> None:
        self._detector, self._net = detector, net
        self._seat = DriverSeat() if seat is None else seat
        self._search_rhythm, self._around_rhythm = PeriodicTimer(1.0 / search_hz), PeriodicTimer(AROUND_S)
        self._bridge = CorrelationBridge()
        self._steady = FaceSmoother()
        self._last: tuple[Image, Points] | None = None
        self._lost_at: float | None = None
        self._others: int | None = None
        self._t = 0.0

    def update(self, grey: Image, t: float) -> FaceView | None:
        """Return the driver's face in `grey` (H, W) at `t` seconds, or None where it is not to be seen.

        A time that is no number is taken for the last one: it must not stay in what is smoothed and learned.
        """
        t = self._t = t if math.isfinite(t) else self._t
        followed = self._follow(grey) or self._cross(grey, t)
        found = self._search(grey, t) if followed is None else self._look_around(grey, t, followed)
        if found is None:
            self._lost_at = t if self._lost_at is None else self._lost_at
            return None
        if found is not followed or self._lost_at is not None:
            self._steady.reset()
        self._last, self._lost_at = (grey, found.points), None
        self._search_rhythm.reset()
        self._seat.follow(t, _place(found, grey))
        return replace(self._view(grey, t, found), others=self._others)

    def _follow(self, grey: Image) -> Landmarks | None:
        if self._last is None or self._last[0].shape != grey.shape:
            return None
        return self._look(grey, face_crop(self._last[1]), KEEP)

    def _cross(self, grey: Image, t: float) -> Landmarks | None:
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

    def _search(self, grey: Image, t: float) -> Landmarks | None:
        if not self._search_rhythm.due(t):
            return None
        faces = self._faces(grey, [])
        chosen = self._seat.choose(t, [_place(face, grey) for face in faces], _shape(grey))
        if chosen is None:
            return None
        self._others = len(faces) - 1
        self._around_rhythm.reset()
        self._around_rhythm.due(t)
        return faces[chosen]

    def _look_around(self, grey: Image, t: float, found: Landmarks) -> Landmarks:
        """Look now and then whether the driver is somebody else than whom `found` follows."""
        self._around_rhythm.period_s = AROUND_SETTLED_S if self._seat.settled else AROUND_S
        if not self._around_rhythm.due(t):
            return found
        others = self._faces(grey, [found])
        self._others = len(others)
        driver = self._seat.review(t, _place(found, grey), [_place(face, grey) for face in others], _shape(grey))
        return found if driver is None else others[driver]

    def _faces(self, grey: Image, known: Iterable[Landmarks]) -> list[Landmarks]:
        """Return the faces in the whole picture except those already `known`, each once."""
        faces, boxes = list[Landmarks](), [box_of_points(face.points) for face in known]
        for box in self._detector.find(grey)[:MOST_PROPOSALS]:
            if any(_same(box, other) for other in boxes):
                continue
            found = self._settle(grey, box)
            if found is not None and not any(_same(box_of_points(found.points), other) for other in boxes):
                faces.append(found)
                boxes.append(box_of_points(found.points))
        return faces

    def _settle(self, grey: Image, box: Box) -> Landmarks | None:
        """Look twice: a detector's box is coarse, the second crop is cut by the first look's landmarks."""
        first = self._look(grey, crop_of_box(box, self._detector.kind), KEEP)
        return None if first is None else self._look(grey, face_crop(first.points), TAKE)

    def _look(self, grey: Image, crop: Crop, least: float) -> Landmarks | None:
        seen = self._net.look(grey, crop)
        # Written so that a score that is no number is refused.
        return seen if seen.score >= least and np.isfinite(seen.points).all() else None

    def _view(self, grey: Image, t: float, found: Landmarks) -> FaceView:
        points = self._steady.points(t, found.points)
        head = self._steady.head(t, head_pose(found.turn, found.points, _shape(grey)))
        box = box_of_points(points)
        return FaceView(box, found.score, points, head, mouth_opening(points, head), found.mouth_hidden)


def box_of_points(points: Points) -> Box:
    """Return the box from brows to chin around the 68 iBUG points, frame pixels."""
    low, high = points[:68].min(axis=0), points[:68].max(axis=0)
    return Box(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


def _same(box: Box, other: Box) -> bool:
    """Say whether two boxes are of one face: the middle of one lies in the other."""
    return _contains(box, other) or _contains(other, box)


def _contains(box: Box, other: Box) -> bool:
    x, y = other.x + other.w / 2 - box.x, other.y + other.h / 2 - box.y
    return 0 <= x <= box.w and 0 <= y <= box.h


def _place(found: Landmarks, grey: Image) -> Place:
    return place(box_of_points(found.points), _shape(grey))


def _shape(grey: Image) -> tuple[int, int]:
    return grey.shape[0], grey.shape[1]
