"""Face to eyes: how far each is open and whether it is closed, by the eye net, and why one cannot be read."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import EyeReason, EyesView, EyeView
from driver_monitor.perception.eyes.eye_net import (
    CLOSED,
    HIDDEN,
    OPEN,
    Answers,
)
from driver_monitor.perception.eyes.iris import iris_turn
from driver_monitor.perception.eyes.lids import LEFT_EYE, RIGHT_EYE, opening
from driver_monitor.perception.eyes.patch import Side, eye_bands, eye_patch
from driver_monitor.perception.eyes.unreadable import turned_away, why_hidden
from driver_monitor.perception.reader import FacePicture

HIDDEN_FROM = 0.35
"""An eye is unreadable from this probability on. On in-car stills of people not seen, 90 % of the pictures with hidden
eyes then have both unreadable, 3 % of those with open and 2 % of those with closed eyes (models/eyes.md)."""
OTHER_EYE = 0.25
"""What covers one eye mostly covers the other: so much of the log odds of hidden is the other eye's. Of the in-car
drivers with hidden eyes 90 % are then told instead of 88 %, and no more of those with open eyes."""
NEVER_SURER = 0.02
"""No answer is taken for nearer to 0 or 1, so that a hand before one eye never hides the other, clear one."""
INSIDE = 0.8
"""Least share of the eye's patch that must lie within the picture."""


class EyeClassifier(Protocol):
    """The eye net, as the reader needs it."""

    def look(self, patches: NDArray[np.uint8], bands: NDArray[np.uint8]) -> Answers:
        """Read (n, 32, 48) patches with their (n, 32, 64) bands."""


class EyeReader:
    """Reads both eyes of a face. It keeps nothing from frame to frame."""

    field = "eyes"

    def __init__(self, net: EyeClassifier) -> None:
        self._net = net

    def read(self, picture: FacePicture) -> EyesView:
        """Return both eyes of the face."""
        grey, face = picture.grey, picture.face
        sides: tuple[Side, Side] = ("left", "right")
        patches, inside = zip(*(eye_patch(grey, face.points, side) for side in sides), strict=True)
        seen = self._net.look(np.stack(patches), eye_bands(grey, face.points))
        hidden = _with_other(seen.p[:, HIDDEN])
        views: list[EyeView] = []
        for index, side in enumerate(sides):
            reason = turned_away(side, face.head)
            if reason is None and inside[index] < INSIDE:
                reason = "occluded"
            if reason is None and hidden[index] >= HIDDEN_FROM:
                eye = face.points[list(LEFT_EYE if side == "left" else RIGHT_EYE)]
                reason = why_hidden(grey, eye, picture.light, float(seen.sunglasses[index]))
            views.append(_view(seen, index, reason))
        left, right = views
        turn = iris_turn(patches, left, right)
        return EyesView(left, right, *(turn or (None, None)))


def _with_other(hidden: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return for both eyes (2,) how likely each is hidden, having heard the other."""
    p = np.clip(hidden.astype(np.float64), NEVER_SURER, 1 - NEVER_SURER)
    odds = np.log(p / (1 - p))
    return np.asarray(1 / (1 + np.exp(-((1 - OTHER_EYE) * odds + OTHER_EYE * odds[::-1]))))


def _view(seen: Answers, index: int, reason: EyeReason | None) -> EyeView:
    if reason is not None:
        return EyeView(None, None, reason)
    p = seen.p[index]
    return EyeView(opening(float(seen.aspect[index])), float(p[CLOSED] / (p[CLOSED] + p[OPEN])))
