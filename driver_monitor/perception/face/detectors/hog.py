"""Finds faces in a whole picture: the slow, thorough look that is taken only while no face is being followed."""

from __future__ import annotations

from typing import Protocol

import cv2
import dlib
import numpy as np

from driver_monitor.data.observation import Box
from driver_monitor.imaging.frame import Image
from driver_monitor.perception.face.landmarks import DetectorKind


class FaceDetector(Protocol):
    """Proposes where faces may be; the landmark net then says whether one is.

    `kind`: whose boxes these are, since detectors do not agree on what of a face belongs into one.
    """

    @property
    def kind(self) -> DetectorKind:
        """The detector's name in `landmarks.crop_of_box`."""

    def find(self, grey: Image) -> list[Box]:
        """Return boxes of possible faces in `grey` (H, W), surest first; frame pixels."""


class HogDetector:
    """dlib's frontal HOG detector: needs no model file, sees frontal faces from a sixth of the picture's width on."""

    kind: DetectorKind = "hog"
    WIDTH = 480
    """Search width, pixels. HOG's smallest face is 80: at 480 it finds all 111 near-infrared stills, at 320 nine in
    ten (measured). Upright pictures are limited by their height instead, which keeps the cost about the same."""
    HEIGHT = 640
    THRESHOLD = -0.3
    """Detections below the detector's own threshold of 0 are proposed too: on incar_1, off-axis with glasses, it
    then finds 73 % of the frames instead of 53 %, and the landmark net turns down what is not a face."""

    def __init__(self) -> None:
        self._detector = dlib.get_frontal_face_detector()

    def find(self, grey: Image) -> list[Box]:
        """Return boxes of possible faces in `grey` (H, W), surest first; frame pixels."""
        height, width = grey.shape
        scale = min(self.WIDTH / width, self.HEIGHT / height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        found, scores, _ = self._detector.run(np.ascontiguousarray(small), 0, self.THRESHOLD)
        ranked = sorted(zip(scores, found, strict=True), key=lambda pair: -pair[0])
        return [
            Box(box.left() / scale, box.top() / scale, box.width() / scale, box.height() / scale) for _, box in ranked
        ]
