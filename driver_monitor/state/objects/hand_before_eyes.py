"""Tells a hand before an eye from sunglasses: the eye net sees only that the eye is hidden, and by something dark."""

from __future__ import annotations

import math
from dataclasses import replace

from driver_monitor.data.driver_state import Cover
from driver_monitor.data.observation import EyesView, EyeView
from driver_monitor.timing.cadence import EPSILON_S

COMES_S = 2.0
"""A hand comes to the face at most so long before it hides an eye. One that was there for longer, such as a chin in the
hand or a false one, is not the reason (ours)."""
HIDES_S = 5.0
"""An eye is rubbed for less than this. After it the eye net's own reason is told again, so that sunglasses and a false
hand are not taken for a hand before the eyes for the rest of the drive (ours)."""
WORN_S = 10.0
"""Sunglasses that were worn so long before the hand came are worn still. It is as long as a look at the objects is
remembered (`objects_tracker.NEW_DRIVER_S`): longer than any turn of the head, in which they cannot be seen (ours)."""


class HandBeforeEyes:
    """Changes the reason of a hidden eye from "sunglasses" to "occluded" while a hand that has just come hides it.

    Who wore sunglasses before the hand came still wears them: a chin in the hand hides no eye.
    """

    def __init__(self) -> None:
        self._hand_t: float | None = None
        self._left_t: float | None = None
        self._right_t: float | None = None
        self._worn_t = -math.inf
        self._worn = False

    def update(self, t: float, hand: bool, eyes: EyesView | None, cover: Cover | None) -> EyesView | None:
        """Take one frame at `t` seconds. `hand`: whether one is on the face. `cover`: what had settled before it."""
        if cover == "sunglasses":
            self._worn_t = t
        if not hand:
            self._hand_t = None
        elif self._hand_t is None:
            self._hand_t, self._worn = t, t - self._worn_t <= WORN_S + EPSILON_S
        self._left_t = _hidden_since(t, self._left_t, eyes.left if eyes else None)
        self._right_t = _hidden_since(t, self._right_t, eyes.right if eyes else None)
        if eyes is None:
            return None
        left, right = self._judged(t, self._left_t, eyes.left), self._judged(t, self._right_t, eyes.right)
        return eyes if left is eyes.left and right is eyes.right else replace(eyes, left=left, right=right)

    def _judged(self, t: float, hidden_t: float | None, eye: EyeView) -> EyeView:
        """Return `eye`, hidden since `hidden_t`, with its true reason."""
        if self._hand_t is None or hidden_t is None or self._worn or eye.reason != "sunglasses":
            return eye
        came = hidden_t - self._hand_t <= COMES_S + EPSILON_S
        return replace(eye, reason="occluded") if came and t - hidden_t <= HIDES_S + EPSILON_S else eye


def _hidden_since(t: float, since: float | None, eye: EyeView | None) -> float | None:
    """Return since when an eye cannot be read, None if it can or there is none."""
    if eye is None or eye.reason is None:
        return None
    return t if since is None else since
