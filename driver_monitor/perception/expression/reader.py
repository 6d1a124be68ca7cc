"""The reader of expressions."""

from __future__ import annotations

from driver_monitor.data.observation import Expression
from driver_monitor.perception.expression.net import ExpressionNet, expression_crop
from driver_monitor.perception.reader import FacePicture
from driver_monitor.timing.periodic import PeriodicTimer

WIDEST_YAW = 40.0
"""Degrees. Beyond this yaw half the mouth is out of sight, and the training faces hold hardly any such face."""


class ExpressionReader:
    """Reads the expression `rate_hz` times a second."""

    field = "expression"

    def __init__(self, net: ExpressionNet, rate_hz: float) -> None:
        self._net = net
        self._timer = PeriodicTimer(1.0 / rate_hz)

    def read(self, picture: FacePicture) -> Expression | None:
        """Return the class probabilities. None: not due yet, or the head is turned too far."""
        head = picture.face.head
        if not self._timer.due(picture.t) or head is None or abs(head.yaw) > WIDEST_YAW:
            return None
        return self._net.probabilities(expression_crop(picture.grey, picture.face.points))
