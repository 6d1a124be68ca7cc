"""Reads both eyes: opening, probabilities of closed and lowered, or why an eye cannot be read; the iris direction."""

from __future__ import annotations

import math

from driver_monitor.data.observation import EyesView, EyeView
from driver_monitor.imaging.ibug import Side
from driver_monitor.perception.eyes.eye_net import CLOSED, HIDDEN, LOWERED, OPEN, EyeNet
from driver_monitor.perception.eyes.iris import iris_turn
from driver_monitor.perception.eyes.lids import opening
from driver_monitor.perception.eyes.patch import eye_crops
from driver_monitor.perception.eyes.unreadable import light_on_eye, turned_away, why_hidden
from driver_monitor.perception.reader import FacePicture

HIDDEN_FROM = 0.35
"""Least probability of hidden that makes an eye unreadable. Measured on in-car stills of people the net has not seen:
90 % of the pictures with hidden eyes then have both unreadable, 3 % of those with open and 2 % of those with closed
eyes (models/eyes.md)."""
OTHER_EYE = 0.25
"""Weight of the other eye in the log odds of hidden: what covers one eye mostly covers the other. With it 90 % of the
in-car drivers with hidden eyes are detected instead of 88 %, and no more of those with open eyes."""
NEVER_SURER = 0.02
"""Limits hidden to 0.02 to 0.98 before `OTHER_EYE`, so that a hand before one eye never hides the clear one."""
INSIDE = 0.8
"""Least share of the eye's patch that must lie within the picture. With less, the eye is "occluded"."""
_SIDES: tuple[Side, Side] = ("left", "right")
_POINTS: dict[Side, slice] = {"left": slice(42, 48), "right": slice(36, 42)}
"""The six iBUG points of each eye, in any order. A slice of an array is no copy."""


class EyeReader:
    """Reads both eyes of a face. It keeps nothing from frame to frame."""

    field = "eyes"

    def __init__(self, net: EyeNet) -> None:
        self._net = net

    def read(self, picture: FacePicture) -> EyesView:
        """Return opening and probabilities, or a reason, for each eye; one iris direction or None for both."""
        grey, points, head = picture.grey, picture.face.points, picture.face.head
        patches, inside, bands = eye_crops(grey, points)
        answers = self._net.read(patches, bands)
        p, openings = answers.p.tolist(), list(map(opening, answers.aspect.tolist()))
        hidden, reasons = _hidden(p[0][HIDDEN], p[1][HIDDEN]), [turned_away(side, head) for side in _SIDES]
        views: list[EyeView] = []
        for index, side in enumerate(_SIDES):
            reason = reasons[index]
            if reason is None and inside[index] < INSIDE:
                reason = "occluded"
            if reason is None and not (openings[index] is not None and all(map(math.isfinite, p[index]))):
                reason = "blur"
            # Not ">=": an unknown probability of the other eye is no evidence that this one can be seen.
            if reason is None and not hidden[index] < HIDDEN_FROM:
                sunglasses = float(answers.sunglasses[index])
                reason = why_hidden(grey, points[_POINTS[side]], picture.light, sunglasses)
            seen = p[index][OPEN] + p[index][LOWERED] + p[index][CLOSED]
            if reason is None and seen == 0.0:
                reason = "occluded"
            # Light on a lens looks like the white of an eye. It does not look like a closed eye.
            if reason is None and 2 * p[index][CLOSED] < seen and light_on_eye(grey, points[_POINTS[side]]):
                reason = "glare"
            if reason is not None:
                views.append(EyeView(None, None, reason))
                continue
            # A net that does not tell lowered eyes gives exactly 0.
            lowered = p[index][LOWERED] / seen if p[index][LOWERED] > 0.0 else None
            views.append(EyeView(openings[index], p[index][CLOSED] / seen, None, lowered))
        left, right = views
        return EyesView(left, right, *(iris_turn(patches, left, right) or ()))


def _hidden(*p: float) -> tuple[float, float]:
    """Return the probability that the left and that the right eye is hidden, each mixed with the other's."""
    left, right = (min(max(value, NEVER_SURER), 1 - NEVER_SURER) for value in p)
    odds = math.log(left / (1 - left)), math.log(right / (1 - right))
    return _mixed(*odds), _mixed(*odds[::-1])


def _mixed(own: float, other: float) -> float:
    return 1 / (1 + math.exp(-((1 - OTHER_EYE) * own + OTHER_EYE * other)))
