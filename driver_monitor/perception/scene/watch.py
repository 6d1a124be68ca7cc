"""Watches the camera itself: turned, covered in part, out of focus, shaking. It measures; `state` decides. Pure."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import Box, FaceView, Light, SceneView, Shake
from driver_monitor.imaging.crop import halved
from driver_monitor.imaging.frame import Image
from driver_monitor.perception.scene.layout import SceneLayout
from driver_monitor.perception.scene.sharpness import SharpnessMeter, sharpness
from driver_monitor.timing.periodic import PeriodicTimer

SCENE_HZ = 1.0
"""Comparisons of the scene a second. One takes 1.2 to 2 ms at 640x480 (docs/robustness.md)."""
SHAKE_HZ = 2.0
"""Measurements of how the picture shakes a second. One takes 0.5 to 0.7 ms."""
FRAMES = 3
"""Frames in a row for one measurement. What moves steadily, as a head or a hand that holds the camera, moves as far
from the first to the second as from the second to the third; a loose camera does not."""
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
_HANN = np.asarray(cv2.createHanningWindow(TINY, cv2.CV_32F), np.float32)
_WINDOW = np.clip(4 * _HANN, 0, 1) * (1 - _HANN)
"""Weights of the pixels whose shift is measured: most around the middle of the picture, where the driver moves."""


class SceneWatch:
    """Learns the scene while a face is followed, apart for each kind of light, and compares the picture with it."""

    def __init__(self) -> None:
        self._timer, self._shake_timer = PeriodicTimer(1.0 / SCENE_HZ), PeriodicTimer(1.0 / SHAKE_HZ)
        self._layouts: dict[Light, SceneLayout] = {}
        self._sharpness: dict[Light, SharpnessMeter] = {}
        self._learned: SceneLayout | None = None
        self._learned_t: float | None = None
        self._tiny: list[tuple[NDArray[np.float32], float]] = []

    def scene(self, grey: Image, t: float, light: Light, face: FaceView | None) -> SceneView | None:
        """Return how the picture `grey` (H, W) compares with the learned scene. None: not due, or too dark."""
        if light == "dark" or not self._timer.due(t):
            return None
        height, width = grey.shape
        small = np.asarray(cv2.resize(halved(grey), SMALL, interpolation=cv2.INTER_AREA), np.uint8)
        blocks = sharpness(grey)
        layout = self._layouts.setdefault(light, SceneLayout())
        meter = self._sharpness.setdefault(light, SharpnessMeter())
        # A camera that is turned to a window or to the floor sees another light, in which nothing was learned yet.
        match, hidden = (layout if layout.ready else self._learned or layout).compare(small)
        seen = SceneView(match, hidden, meter.median(blocks), meter.lost(blocks))
        if face is not None:
            before, self._learned_t = self._learned_t, t
            passed_s = 0.0 if before is None else min(max(t - before, 0.0), LONGEST_STEP_S)
            box = face.box
            self._learned = layout
            layout.learn(small, Box(box.x / width, box.y / height, box.w / width, box.h / height), passed_s)
            meter.learn(blocks, passed_s)
        return seen

    def shake(self, grey: Image, t: float) -> Shake | None:
        """Return how the picture shakes over three frames in a row. None: not due, or the pictures do not agree."""
        due = self._shake_timer.due(t)
        if not self._tiny and not due:
            return None
        if self._tiny and not 0 < t - self._tiny[-1][1] <= LONGEST_PAIR_S:
            self._tiny.clear()
        self._tiny.append((cv2.resize(halved(grey), TINY, interpolation=cv2.INTER_AREA).astype(np.float32), t))
        if len(self._tiny) < FRAMES:
            return None
        (first, _), (second, _), (third, _) = self._tiny
        self._tiny.clear()
        before, after = _shift(first, second), _shift(second, third)
        if before is None or after is None:
            return None
        return Shake((after[0] - before[0]) / 2, (after[1] - before[1]) / 2)


def _shift(one: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[float, float] | None:
    """Return by how much the whole picture has moved, (x, y) as shares of its width. None: they do not agree."""
    (x, y), response = cv2.phaseCorrelate(one, other, _WINDOW)
    return (x / TINY[0], y / TINY[0]) if response >= LEAST_RESPONSE else None
