"""Reads the expression of the driver's face at a limited mean rate."""

from __future__ import annotations

from driver_monitor.data.observation import Expression
from driver_monitor.perception.expression.look_schedule import LookSchedule
from driver_monitor.perception.expression.net import ExpressionNet, expression_crop
from driver_monitor.perception.reader import FacePicture

WIDEST_YAW = 40.0
"""Largest yaw, degrees. Beyond it half the mouth is out of sight, and hardly any training face is turned so far."""


class ExpressionReader:
    """Reads the expression at most `rate_hz` times a second on average, and more often while the face moves."""

    field = "expression"

    def __init__(self, net: ExpressionNet, rate_hz: float) -> None:
        self._net = net
        self._schedule = LookSchedule(rate_hz)

    def read(self, picture: FacePicture) -> Expression | None:
        """Return the probability of each expression. None: not due, head pose unknown, or yaw beyond `WIDEST_YAW`."""
        head, points = picture.face.head, picture.face.points
        if head is None or abs(head.yaw) > WIDEST_YAW or not self._schedule.due(picture.t, points):
            return None
        expression = self._net.probabilities(expression_crop(picture.grey, points))
        self._schedule.saw(max(expression.p, key=lambda name: expression.p[name]))
        return expression
