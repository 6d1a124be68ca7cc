"""Watches the camera itself: turned, covered in part, out of focus, shaking. It measures; `state` decides. Pure."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import Box, FaceView, Light, SceneView, Shift
from driver_monitor.imaging.frame import Image
from driver_monitor.perception.scene.layout import SceneLayout
from driver_monitor.perception.scene.sharpness import SharpnessMeter, sharpness
from driver_monitor.timing.periodic import PeriodicTimer

SCENE_HZ = 1.0
"""Comparisons of the scene a second. One takes 1.2 ms at 640x480: 0.04 ms a frame at 30 frames a second."""
SHIFT_HZ = 4.0
"""Measurements of the shift between two frames a second. One takes 0.2 ms: 0.03 ms a frame."""
LONGEST_STEP_S = 2.0
"""Learning takes at most this long a time from one picture (ours)."""
SMALL = (160, 120)
"""Width and height of the small picture whose edges are compared."""
TINY = (80, 60)
"""Width and height of the pictures whose shift is measured. It is good to a tenth of such a pixel."""
LEAST_RESPONSE = 0.2
"""Least response of the phase correlation, 0 to 1. Pictures with a lower one have no common shift."""
LONGEST_PAIR_S = 0.25
"""Longest time between two frames whose shift is measured. In more time the driver moves as much as a camera (ours)."""
_WINDOW = cv2.createHanningWindow(TINY, cv2.CV_32F)


class SceneWatch:
    """Learns the scene while a face is followed, apart for each kind of light, and compares the picture with it."""

    def __init__(self) -> None:
        self._timer, self._shift_timer = PeriodicTimer(1.0 / SCENE_HZ), PeriodicTimer(1.0 / SHIFT_HZ)
        self._layouts: dict[Light, SceneLayout] = {}
        self._sharpness: dict[Light, SharpnessMeter] = {}
        self._learned_t: float | None = None
        self._tiny: tuple[NDArray[np.float32], float] | None = None

    def scene(self, grey: Image, t: float, light: Light, face: FaceView | None) -> SceneView | None:
        """Return how the picture `grey` (H, W) compares with the learned scene. None: not due, or too dark."""
        if light == "dark" or not self._timer.due(t):
            return None
        small = np.asarray(cv2.resize(grey, SMALL, interpolation=cv2.INTER_AREA), np.uint8)
        blocks = sharpness(grey)
        layout = self._layouts.setdefault(light, SceneLayout())
        meter = self._sharpness.setdefault(light, SharpnessMeter())
        match, hidden = layout.compare(small)
        seen = SceneView(match, hidden, meter.median(blocks), meter.lost(blocks))
        if face is not None:
            before, self._learned_t = self._learned_t, t
            passed_s = 0.0 if before is None else min(max(t - before, 0.0), LONGEST_STEP_S)
            height, width = grey.shape
            box = face.box
            layout.learn(small, Box(box.x / width, box.y / height, box.w / width, box.h / height), passed_s)
            meter.learn(blocks, passed_s)
        return seen

    def shift(self, grey: Image, t: float) -> Shift | None:
        """Return by how much the picture has moved since the frame before. None: not due, or the two do not agree."""
        before, self._tiny = self._tiny, None
        due = self._shift_timer.due(t)
        if before is None and not due:
            return None
        tiny = cv2.resize(grey, TINY, interpolation=cv2.INTER_AREA).astype(np.float32)
        if due:
            self._tiny = tiny, t
        if before is None or not 0 < t - before[1] <= LONGEST_PAIR_S:
            return None
        (across, down), response = cv2.phaseCorrelate(before[0], tiny, _WINDOW)
        return Shift(across / TINY[0], down / TINY[0]) if response >= LEAST_RESPONSE else None
