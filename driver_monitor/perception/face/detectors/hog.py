"""Defines `FaceDetector`, the protocol of what searches a whole picture for faces, and dlib's HOG detector."""

from __future__ import annotations

from typing import Protocol

import dlib

from driver_monitor.data.observation import Box
from driver_monitor.imaging.crop import scaled
from driver_monitor.imaging.frame import Image
from driver_monitor.perception.face.landmarks import DetectorKind


class FaceDetector(Protocol):
    """Proposes where faces may be. The landmark net then decides whether one is there.

    `kind`: which detector it is, because each draws its boxes around another part of the face.
    """

    @property
    def kind(self) -> DetectorKind:
        """The detector's name in `landmarks.crop_of_box`."""

    def find(self, grey: Image) -> list[Box]:
        """Return boxes of possible faces in `grey` (H, W), best first, in pixels of `grey`."""


class HogDetector:
    """Finds frontal faces with dlib's HOG, no model file. Least face width: the larger of W / 6 and H / 8."""

    kind: DetectorKind = "hog"
    WIDTH = 480
    """Width to which a picture is scaled for the search, pixels. HOG's smallest face is 80 pixels. At 480 it finds
    the faces of all 111 near-infrared stills, at 320 nine in ten (measured)."""
    HEIGHT = 640
    """Most height of the scaled picture, pixels. It limits the cost of a search in upright pictures."""
    THRESHOLD = -0.3
    """Least score of a proposal. With the detector's own threshold of 0 it finds the face in 53 % of the frames of
    incar_1 (off-axis, glasses), with this one in 73 %. The landmark net refuses what is not a face."""

    def __init__(self) -> None:
        self._detector = dlib.get_frontal_face_detector()

    def find(self, grey: Image) -> list[Box]:
        """Return boxes of possible faces in `grey` (H, W), best first, in pixels of `grey`."""
        scale = min(self.WIDTH / grey.shape[1], self.HEIGHT / grey.shape[0])
        found, scores, _ = self._detector.run(scaled(grey, scale), 0, self.THRESHOLD)
        ranked = sorted(zip(scores, found, strict=True), key=lambda pair: -pair[0])
        return [
            Box(box.left() / scale, box.top() / scale, box.width() / scale, box.height() / scale) for _, box in ranked
        ]
