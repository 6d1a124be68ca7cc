"""Reads the expression of the driver's face at a limited rate."""

from __future__ import annotations

from driver_monitor.data.observation import Expression
from driver_monitor.perception.expression.net import ExpressionNet, expression_crop
from driver_monitor.perception.reader import FacePicture
from driver_monitor.timing.periodic import PeriodicTimer

WIDEST_YAW = 40.0
"""Largest yaw, degrees. Beyond it half the mouth is out of sight, and hardly any training face is turned so far."""


class ExpressionReader:
    """Reads the expression at most `rate_hz` times a second."""

    field = "expression"

    def __init__(self, net: ExpressionNet, rate_hz: float) -> None:
        self._net = net
        self._timer = PeriodicTimer(1.0 / rate_hz)

    def read(self, picture: FacePicture) -> Expression | None:
        """Return the probability of each expression. None: not due, head pose unknown, or yaw beyond `WIDEST_YAW`."""
        head = picture.face.head
        if not self._timer.due(picture.t) or head is None or abs(head.yaw) > WIDEST_YAW:
            return None
        return self._net.probabilities(expression_crop(picture.grey, picture.face.points))
