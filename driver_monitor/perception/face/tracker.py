"""Follows the driver's face. The landmark net gives the face's next place and the probability that it is a face.

A frame costs one run of the landmark net while the face is followed. If the net loses the face, it reads once more
where a correlation tracker followed it (`BRIDGE_S`). If that fails too, the detector searches the whole picture. While
a face is followed, the detector looks for other faces from time to time. `driver_seat` decides which is the driver's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import Box, FaceView
from driver_monitor.imaging.frame import Image
from driver_monitor.imaging.ibug import box_of_points
from driver_monitor.perception.face.bridge import CorrelationBridge
from driver_monitor.perception.face.detectors.hog import FaceDetector
from driver_monitor.perception.face.driver_seat import DriverSeat, Place, place
from driver_monitor.perception.face.head_pose import head_pose
from driver_monitor.perception.face.landmarks import LandmarkNet, Landmarks, crop_of_box, face_crop
from driver_monitor.perception.face.mouth import mouth_opening
from driver_monitor.perception.face.smoothing import FaceSmoother
from driver_monitor.timing.periodic import PeriodicTimer

KEEP_FROM = 0.5
"""Least probability of a followed face (the net's own even odds)."""
ACCEPT_FROM = 0.8
"""Least probability of a new face. It is higher, so that a headrest is not taken for a driver."""
BRIDGE_S = 0.5
"""Seconds for which the correlation tracker may follow the face. By then a turned face is back, or is searched."""
CHECK_S, CHECK_SETTLED_S = 1.0, 5.0
"""Seconds between two searches for other faces, before and after the seat is settled. A search takes 1 to 15 ms,
depending on the detector."""
CHECK_SHIFT_S = 0.25
"""Seconds by which these searches are later than the work that is done once or twice a second (`PeriodicTimer`): they
are the longest work that a frame has to do beside its own (ours)."""
MOST_PROPOSALS = 8
"""Most detections checked in one search, best first. A cabin has no more faces. Each costs 1 or 2 runs of the net."""

Points = NDArray[np.float32]


class FaceTracker:
    """Finds and follows the driver's face. Without a face: `search_hz` searches a second. `seat`: None is a new one."""

    def __init__(
        self, detector: FaceDetector, net: LandmarkNet, search_hz: float, seat: DriverSeat | None = None
    ) -> None:
        self._detector, self._net = detector, net
        self._seat = DriverSeat() if seat is None else seat
        self._search_timer = PeriodicTimer(1.0 / search_hz)
        self._check_timer = PeriodicTimer(CHECK_S, CHECK_SHIFT_S)
        self._bridge = CorrelationBridge()
        self._smoother = FaceSmoother()
        self._last: tuple[Image, Landmarks] | None = None
        self._lost_at: float | None = None
        self._others: int | None = None
        self._t = 0.0

    def update(self, grey: Image, t: float) -> FaceView | None:
        """Return the driver's face in `grey` (H, W) at `t` seconds. None: no driver found, or no search is due yet.

        If `t` is not a finite number, the last time is used, so that filters and learned seat stay valid.
        """
        t = self._t = t if math.isfinite(t) else self._t
        if self._last is not None and self._last[0].shape != grey.shape:
            self._last = None  # a camera that was opened again may have another size
        followed = self._follow(grey) or self._bridge_gap(grey, t)
        found = self._search(grey, t) if followed is None else self._check_others(grey, t, followed)
        if found is None:
            self._lost_at = t if self._lost_at is None else self._lost_at
            return None
        if found is not followed or self._lost_at is not None:
            self._smoother.reset()
        self._last, self._lost_at = (grey, found), None
        self._search_timer.reset()
        return self._view(grey, t, found)

    def _follow(self, grey: Image) -> Landmarks | None:
        if self._last is None:
            return None
        return self._read_near(grey, self._last[1].points, KEEP_FROM)

    def _bridge_gap(self, grey: Image, t: float) -> Landmarks | None:
        """Follow the last good face by correlation and read landmarks there. None: no face, or over `BRIDGE_S`."""
        if self._last is None:
            return None
        picture, face = self._last
        if self._lost_at is None:
            self._bridge.start(picture, face.box)
        elif t - self._lost_at > BRIDGE_S:
            self._last = None
            return None
        moved, box = self._bridge.follow(grey), face.box
        shift = (moved.x + moved.w / 2 - box.x - box.w / 2, moved.y + moved.h / 2 - box.y - box.h / 2)
        return self._read_near(grey, face.points + np.asarray(shift, np.float32), KEEP_FROM)

    def _search(self, grey: Image, t: float) -> Landmarks | None:
        if not self._search_timer.due(t):
            return None
        faces = self._faces(grey, [])
        chosen = self._seat.choose(t, [_place(face, grey) for face in faces], _shape(grey))
        if chosen is None:
            return None
        self._others = len(faces) - 1
        self._check_timer.reset()
        self._check_timer.due(t)
        return faces[chosen]

    def _check_others(self, grey: Image, t: float, followed: Landmarks) -> Landmarks:
        """Return another face if it is the driver's, else `followed`. Searches only when a check is due."""
        self._check_timer.period_s = CHECK_SETTLED_S if self._seat.settled else CHECK_S
        if not self._check_timer.due(t):
            return followed
        others = self._faces(grey, [followed])
        self._others = len(others)
        driver = self._seat.review(t, _place(followed, grey), [_place(face, grey) for face in others], _shape(grey))
        return followed if driver is None else others[driver]

    def _faces(self, grey: Image, known: Iterable[Landmarks]) -> list[Landmarks]:
        """Return the faces in the whole picture except those already `known`, each once."""
        faces, boxes = list[Landmarks](), [face.box for face in known]
        for box in self._detector.find(grey)[:MOST_PROPOSALS]:
            if any(_same(box, other) for other in boxes):
                continue
            found = self._read_box(grey, box)
            if found is not None and not any(_same(found.box, other) for other in boxes):
                faces.append(found)
                boxes.append(found.box)
        return faces

    def _read_box(self, grey: Image, box: Box) -> Landmarks | None:
        """Read twice: a detector's box is coarse, so the first landmarks give the crop for the second."""
        first = _accepted(self._net.read(grey, crop_of_box(box, self._detector.kind)), KEEP_FROM)
        return None if first is None else self._read_near(grey, first.points, ACCEPT_FROM)

    def _read_near(self, grey: Image, points: Points, least: float) -> Landmarks | None:
        """Read the landmarks where `points` were, usually in the frame before."""
        return _accepted(self._net.read(grey, face_crop(points)), least)

    def _view(self, grey: Image, t: float, face: Landmarks) -> FaceView:
        """Follow the driver's `face` in the seat and return what is seen of it, smoothed."""
        shape = _shape(grey)
        self._seat.follow(t, place(face.box, shape))
        pose = head_pose(face.turn, face.box, shape)
        points, head = self._smoother.points(t, face.points), self._smoother.head(t, pose)
        opening = mouth_opening(points, head)
        return FaceView(box_of_points(points), face.score, points, head, opening, face.mouth_hidden, self._others)


def _accepted(face: Landmarks, least: float) -> Landmarks | None:
    """Return `face` if its score is `least` or more and its points are finite. Else, or if the score is NaN: None."""
    # Their norm is finite only if all of them are: one call in place of two, and OpenCV warns of nothing.
    return face if face.score >= least and math.isfinite(cv2.norm(face.points)) else None


def _same(box: Box, other: Box) -> bool:
    """Return whether two boxes are of one face: the middle of one lies in the other."""
    return _contains(box, other) or _contains(other, box)


def _contains(box: Box, other: Box) -> bool:
    x, y = other.x + other.w / 2 - box.x, other.y + other.h / 2 - box.y
    return 0 <= x <= box.w and 0 <= y <= box.h


def _place(face: Landmarks, grey: Image) -> Place:
    return place(face.box, _shape(grey))


def _shape(grey: Image) -> tuple[int, int]:
    return grey.shape[0], grey.shape[1]
