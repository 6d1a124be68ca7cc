"""The unit of openness is a usual open eye, as our own landmark net draws it."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver_monitor import resources
from driver_monitor.capture.images import read_image
from driver_monitor.eyes.lids import LEFT_EYE, RIGHT_EYE, eye_aspect_ratio, opening
from driver_monitor.face.detector import HogDetector
from driver_monitor.face.landmarks import LandmarkNet
from driver_monitor.face.tracker import FaceTracker
from driver_monitor.perception import to_grey

OPEN, CLOSED, LOWERED = 0.338, 0.116, 0.222
"""Median aspect ratios of in-car stills (tools/measure_lids.py)."""


def test_ok__the_median_open_eye_reads_one_and_the_median_closed_one_nothing() -> None:
    assert opening(OPEN) == pytest.approx(1.0, abs=0.03)
    assert opening(CLOSED) == 0.0
    assert 0.3 < opening(LOWERED) < 0.7


def test_ok__the_demos_open_eyes_are_usual_ones(still: Path) -> None:
    grey = to_grey(read_image(still))
    net = LandmarkNet(resources.path("models/landmarks.onnx"), 1)
    face = FaceTracker(HogDetector(), net, search_hz=10.0).update(grey, 0.0)
    assert face is not None
    for eye in (LEFT_EYE, RIGHT_EYE):
        ratio = eye_aspect_ratio(face.points, eye)
        assert ratio is not None
        assert 0.8 < opening(ratio) < 1.3
