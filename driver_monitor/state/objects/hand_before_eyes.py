"""Tells a hand before an eye from sunglasses: the eye net sees only that the eye is hidden, and by something dark."""

from __future__ import annotations

from dataclasses import replace

from driver_monitor.data.driver_state import Cover
from driver_monitor.data.observation import EyesView, EyeView


class HandBeforeEyes:
    """Changes the reason of a hidden eye from "sunglasses" to "occluded" while a hand is on the face.

    Who wore sunglasses before the hand came still wears them: a chin in the hand hides no eye.
    """

    def __init__(self) -> None:
        self._hand = self._worn = False

    def update(self, hand: bool, eyes: EyesView | None, cover: Cover | None) -> EyesView | None:
        """Take one frame. `hand`: whether one is on the face. `cover`: what had settled before this frame."""
        if not hand:
            self._hand = False
            return eyes
        if not self._hand:
            self._hand, self._worn = True, cover == "sunglasses"
        if eyes is None or self._worn:
            return eyes
        left, right = _occluded(eyes.left), _occluded(eyes.right)
        return eyes if left is eyes.left and right is eyes.right else replace(eyes, left=left, right=right)


def _occluded(eye: EyeView) -> EyeView:
    return replace(eye, reason="occluded") if eye.reason == "sunglasses" else eye
