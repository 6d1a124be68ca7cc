"""Face to expression: one look, where the face is turned enough to the camera to be read."""

from __future__ import annotations

from driver_monitor.data.observation import Expression, FaceView
from driver_monitor.imaging.frame import Image
from driver_monitor.perception.expression.net import ExpressionNet, expression_crop

WIDEST_YAW = 40.0
"""Degrees; beyond it half the mouth is out of sight, and the training faces hold hardly any such."""


class ExpressionReader:
    """Cuts the face out as the net learned it and asks the net."""

    def __init__(self, net: ExpressionNet) -> None:
        self._net = net

    def read(self, grey: Image, face: FaceView) -> Expression | None:
        """Return the class probabilities of `face` in `grey` (H, W), or None where it is turned too far."""
        if face.head is None or abs(face.head.yaw) > WIDEST_YAW:
            return None
        return self._net.probabilities(expression_crop(grey, face.points))
