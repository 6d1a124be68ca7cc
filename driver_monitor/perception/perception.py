"""Frame to observation: runs the nets in their order and says what one picture shows."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from driver_monitor.data.observation import (
    CameraState,
    Expression,
    EyesView,
    FaceReason,
    FaceView,
    Light,
    Observation,
)
from driver_monitor.imaging.frame import Frame, Image
from driver_monitor.perception.scene.light import LightFilter
from driver_monitor.perception.scene.quality import picture_state
from driver_monitor.timing.periodic import PeriodicTimer


class FaceFinder(Protocol):
    """Finds and follows the driver's face."""

    def update(self, grey: Image, t: float) -> FaceView | None:
        """Return the face in `grey` (H, W) at `t` seconds."""


class EyesReader(Protocol):
    """Reads the eyes of a face."""

    def read(self, grey: Image, face: FaceView, light: Light) -> EyesView:
        """Return both eyes of `face` in `grey` (H, W)."""


class FaceExpressionReader(Protocol):
    """Reads the expression of a face."""

    def read(self, grey: Image, face: FaceView) -> Expression | None:
        """Return the class probabilities, or None where the face cannot be cut out."""


PICTURE_HZ = 5.0
"""How often a picture is judged as such: light and a covered lens do not change faster, and it costs a millisecond."""


class Perception:
    """Sees one frame at a time; remembers where the face was, what the light was and when it last looked at what.

    `expression_hz`: looks at the expression a second; `expression` None switches them off.
    """

    def __init__(
        self, face: FaceFinder, eyes: EyesReader, expression: FaceExpressionReader | None, expression_hz: float
    ) -> None:
        self._face, self._eyes, self._expression = face, eyes, expression
        self._expression_rhythm = PeriodicTimer(1.0 / expression_hz)
        self._picture_rhythm = PeriodicTimer(1.0 / PICTURE_HZ)
        self._light_filter = LightFilter()
        self._light: Light = "dark"
        self._covered = False

    def observe(self, frame: Frame, camera: CameraState = "ok") -> Observation:
        """Return what `frame` shows. A frozen picture shows nothing of now, a covered lens nothing at all."""
        if self._picture_rhythm.due(frame.t):
            self._judge(frame)
        if self._covered or camera != "ok":
            return self.observe_nothing(frame.t, "covered" if self._covered else camera)
        grey = to_grey(frame.image)
        face = self._face.update(grey, frame.t)
        if face is None:
            reason: FaceReason = "dark" if self._light == "dark" else "not_found"
            return Observation(frame.t, camera, self._light, None, None, face_reason=reason)
        eyes = self._eyes.read(grey, face, self._light)
        return Observation(frame.t, camera, self._light, face, eyes, self._expression_of(grey, face, frame.t))

    def observe_nothing(self, t: float, camera: CameraState) -> Observation:
        """Return the observation of time `t` (seconds) without a usable picture, because the camera is `camera`."""
        reason: FaceReason = "covered" if camera == "covered" else "no_frame"
        return Observation(t, camera, self._light, None, None, face_reason=reason)

    def _judge(self, frame: Frame) -> None:
        picture = picture_state(frame.image)
        self._covered = picture.covered
        self._light = self._light_filter.update(picture.light, frame.t)

    def _expression_of(self, grey: Image, face: FaceView, t: float) -> Expression | None:
        if self._expression is None or not self._expression_rhythm.due(t):
            return None
        return self._expression.read(grey, face)


def to_grey(image: Image) -> Image:
    """Return the picture as grey (H, W) uint8; grey is the normal case, colour (BGR) the special one."""
    if image.ndim == 2:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
