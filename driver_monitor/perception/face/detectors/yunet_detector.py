"""Finds faces with the YuNet detector, from a model file that the user names. The program comes without one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np

from driver_monitor.data.observation import Box
from driver_monitor.errors import ModelError
from driver_monitor.imaging.frame import Image
from driver_monitor.imaging.picture import quiet_opencv
from driver_monitor.nets.onnx_model import read_model
from driver_monitor.perception.face.detectors.net_detector import LONG_SIDE, shrink
from driver_monitor.perception.face.landmarks import DetectorKind

LEAST = 0.5
"""Least score. OpenCV's default is 0.9 (its documentation's demo); here the landmark net refuses what is not a face."""


class YunetDetector:
    """Finds faces with OpenCV's `FaceDetectorYN` (Wu et al., YuNet, 2023). `sha256`: SHA-256 of the file, in hex."""

    kind: DetectorKind = "yunet"

    def __init__(self, path: Path) -> None:
        """Load the file; raises `ModelError` if it is missing, damaged or not a YuNet model."""
        data = read_model(path)
        self.sha256 = hashlib.sha256(data).hexdigest()
        self._path = path
        try:
            with quiet_opencv():
                self._net = cv2.FaceDetectorYN.create(
                    "onnx", np.frombuffer(data, np.uint8), np.zeros(0, np.uint8), (LONG_SIDE, LONG_SIDE), LEAST
                )
        except Exception as error:  # OpenCV raises its own error, and others for what it cannot parse
            raise self._foreign() from error
        with quiet_opencv():
            self.find(np.zeros((LONG_SIDE, LONG_SIDE), np.uint8))

    def find(self, grey: Image) -> list[Box]:
        """Return boxes of possible faces in `grey` (H, W), best first; in pixels of `grey`."""
        scale, small = LONG_SIDE / max(grey.shape), shrink(grey)
        try:
            self._net.setInputSize((small.shape[1], small.shape[0]))
            _, rows = self._net.detect(cv2.cvtColor(small, cv2.COLOR_GRAY2BGR))
        except Exception as error:  # a net that loads can have other outputs than YuNet's
            raise self._foreign() from error
        if rows is None:
            return []
        return [Box(*(float(v) / scale for v in row[:4])) for row in sorted(rows, key=lambda row: -row[14])]

    def _foreign(self) -> ModelError:
        return ModelError(
            f"{self._path}: not a YuNet model, or damaged; name a face_detection_yunet .onnx file, "
            "or set face.detector to auto"
        )
