"""Face to eyes: lid opening from the landmarks, closure from the eye net, and why an eye cannot be read."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from driver_monitor.capture.frame import Image
from driver_monitor.eyes.eye_net import CLOSED, HIDDEN, OPEN
from driver_monitor.eyes.iris import iris_turn
from driver_monitor.eyes.lids import LEFT_EYE, RIGHT_EYE, eye_aspect_ratio, opening
from driver_monitor.eyes.patch import Side, eye_patch
from driver_monitor.observation import EyeReason, EyesView, EyeView, FaceView, HeadPose, Light

HIDDEN_FROM = 0.3
"""An eye is unreadable from this probability on. On in-car stills of people the net has not seen, 74 % of the drivers
with hidden eyes then have both unreadable, 1 % of those with open and none of those with closed eyes; at even odds
it would be 60 % (models/eyes.md)."""
FAR_EYE_YAW = 40.0
"""Degrees of yaw beyond which the nose's bridge covers the far eye; at 45 its inner corner is out of sight."""
NEAR_EYE_YAW = 65.0
"""Degrees of yaw beyond which the near eye too is seen from the side and its lid line foreshortened away."""
INSIDE = 0.8
"""Least share of the eye's patch that must lie within the picture."""
SUNGLASSES = 0.55
"""Dark lenses: both eyes hidden and darker than so much of the face's median. Bare eyes measure 0.7 to 1.0."""
SATURATED, GLARE_SHARE = 250, 0.15
"""Glare: so much of the eye's patch at this grey level or above."""


class Classifier(Protocol):
    """The eye net, as the reader needs it."""

    def classify(self, patches: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (n, 3) probabilities of open, closed, hidden for (n, 32, 48) patches."""


class EyeReader:
    """Reads both eyes of a face; remembers nothing."""

    def __init__(self, net: Classifier) -> None:
        self._net = net

    def read(self, grey: Image, face: FaceView, light: Light) -> EyesView:
        """Return both eyes of `face` in `grey` (H, W)."""
        sides: tuple[Side, Side] = ("left", "right")
        patches, inside = zip(*(eye_patch(grey, face.points, side) for side in sides), strict=True)
        p = self._net.classify(np.stack(patches))
        hidden = p[:, HIDDEN] >= HIDDEN_FROM
        views: list[EyeView] = []
        for index, side in enumerate(sides):
            reason = _turned_away(side, face.head)
            if reason is None and inside[index] < INSIDE:
                reason = "occluded"
            if reason is None and hidden[index]:
                reason = _why_hidden(grey, face, side, light, bool(hidden.all()))
            views.append(_view(face, side, p[index], reason))
        left, right = views
        turn = iris_turn(patches, left, right)
        return EyesView(left, right, *(turn or (None, None)))


def _view(face: FaceView, side: Side, p: NDArray[np.float32], reason: EyeReason | None) -> EyeView:
    ratio = eye_aspect_ratio(face.points, LEFT_EYE if side == "left" else RIGHT_EYE)
    if reason is not None:
        return EyeView(None, None, reason)
    if ratio is None:
        return EyeView(None, None, "pose")
    return EyeView(opening(ratio), float(p[CLOSED] / (p[CLOSED] + p[OPEN])))


def _turned_away(side: Side, head: HeadPose | None) -> EyeReason | None:
    """A head turned to its left (yaw above 0) hides the left eye from a camera in front of it, and so on."""
    if head is None:
        return "pose"
    far = head.yaw if side == "left" else -head.yaw
    return "pose" if far > FAR_EYE_YAW or -far > NEAR_EYE_YAW else None


def _why_hidden(grey: Image, face: FaceView, side: Side, light: Light, both: bool) -> EyeReason:
    eye = _around(grey, face.points[list(LEFT_EYE if side == "left" else RIGHT_EYE)], 0.3)
    if light == "dark":
        return "dark"
    if eye.size == 0:
        return "occluded"
    if float(np.mean(eye >= SATURATED)) > GLARE_SHARE:
        return "glare"
    skin = _around(grey, face.points[:68], 0.0)
    if both and float(np.median(eye)) < SUNGLASSES * float(np.median(skin)):
        return "sunglasses"
    return "occluded"


def _around(grey: Image, points: NDArray[np.float32], margin: float) -> Image:
    """Return the part of `grey` around `points`, wider by `margin` of its width on every side."""
    low, high = points.min(axis=0), points.max(axis=0)
    pad = margin * float(high[0] - low[0])
    left, top = (max(0, int(value)) for value in low - pad)
    right, bottom = (max(0, int(value) + 1) for value in high + pad)
    return grey[top:bottom, left:right]
