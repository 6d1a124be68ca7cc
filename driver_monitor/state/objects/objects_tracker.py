"""Makes seconds and settled answers of the looks of the objects net. Pure: time comes with the data."""

from __future__ import annotations

import math

from driver_monitor.data.driver_state import Cover, Held, HeldReason, ObjectsState, Side
from driver_monitor.data.observation import EyesView, ObjectsView
from driver_monitor.state.objects.hand_before_eyes import HandBeforeEyes
from driver_monitor.state.objects.held_meter import HeldMeter
from driver_monitor.state.objects.limits import FREE_UP_TO, HELD_FROM, PHONE_FROM
from driver_monitor.state.visibility.occlusion import SettledAnswer, decided
from driver_monitor.timing.cadence import EPSILON_S, Cadence, TimeStep

MASK_SETTLE_S, MASK_FORGET_S = 3.0, 10.0
"""A mask is worn for minutes. The first answer needs 3 s of agreement, another one replaces it after about 2.7 s. It is
kept for 10 s through a turn, in which the face is there and the mask cannot be seen (ours)."""
MASK_UNLOOKED_S = 2.0
"""Without any look for longer there is no face, and whoever comes next may wear no mask: the answer is forgotten
(ours). It is as long as `state.visibility.occlusion` keeps what covers a face that is gone."""
COVER_SETTLE_S, COVER_FORGET_S = 1.0, 2.0
"""The same for what hides the mouth: as for the landmark net's answer (`state.visibility.occlusion`), so that both can
be compared."""
COVER_FIRST_S = 0.1
"""The first answer needs two looks in agreement: two in a row are always further apart than this (ours)."""
NEW_DRIVER_S = 10.0
"""After so long without a look, what is usual for the driver is forgotten: another person may sit there. Nobody
changes seats faster (ours)."""
_IN_DOUBT: tuple[HeldReason, ...] = ("lost", "usual", "never_free", "unclear")
"""Reasons for which "no telephone" cannot be said, though the other ear is free. The most informative comes first."""


class ObjectsTracker:
    """Follows all that the objects net looks for. Frames without a look may be given too, at any frame rate."""

    def __init__(self) -> None:
        self._hand_before_eyes = HandBeforeEyes()
        self._looked_t: float | None = None
        self._state: ObjectsState | None = None
        self._steady_t = -math.inf
        """Until this time `_state` stays as it is in frames without a look: nine of ten have none."""
        self._forget()

    def update(self, t: float, seen: ObjectsView | None) -> ObjectsState | None:
        """Take one frame at `t` seconds, later than the last. `seen`: its look, None if it has none.

        The result is None before the first look and `NEW_DRIVER_S` after the last.
        """
        if seen is None and t <= self._steady_t:
            return self._state
        self._state = self._next(t, seen)
        self._steady_t = -math.inf if self._state is None else self._steady_until(t)
        return self._state

    def _next(self, t: float, seen: ObjectsView | None) -> ObjectsState | None:
        if self._looked_t is not None and t - self._looked_t > NEW_DRIVER_S + EPSILON_S:
            self._forget()
            self._looked_t = None
        if self._looked_t is not None and t - self._looked_t > MASK_UNLOOKED_S + EPSILON_S:
            self._mask.forget()
        step = None if seen is None else self._cadence.step(t)
        if seen is not None and step is not None:
            self._look(step, seen)
        if self._looked_t is None:
            return None
        unlooked = TimeStep(t, 0.0, 0.0)
        phone, side = _telephone(self._left.read(t), self._right.read(t))
        return ObjectsState(
            phone,
            side,
            self._hand.read(t),
            self._at_mouth.read(t),
            self._mask.update(unlooked, None),
            self._mouth_hidden.update(unlooked, None),
        )

    def _steady_until(self, t: float) -> float:
        """Return the time up to which the state cannot change without a look, as no look becomes too old before it."""
        looked = [] if self._looked_t is None else [self._looked_t + MASK_UNLOOKED_S, self._looked_t + NEW_DRIVER_S]
        meters = (self._left, self._right, self._hand, self._at_mouth)
        answers = self._mask.forgotten_t, self._mouth_hidden.forgotten_t
        times = (*looked, *answers, *(one for meter in meters for one in meter.changes_t))
        # A limit that is this near is judged in each frame.
        near_s = 2 * EPSILON_S
        return min((one for one in times if one >= t - near_s), default=math.inf) - near_s

    def eyes(self, t: float, state: ObjectsState | None, eyes: EyesView | None, cover: Cover | None) -> EyesView | None:
        """Return `eyes` at `t`, "occluded" where a hand hides an eye. `cover`: the settled one so far."""
        return self._hand_before_eyes.update(t, state is not None and bool(state.hand.seconds), eyes, cover)

    def _look(self, step: TimeStep, seen: ObjectsView) -> None:
        self._looked_t = step.t
        self._left.look(step, seen.phone_left)
        self._right.look(step, seen.phone_right)
        self._hand.look(step, seen.hand)
        self._at_mouth.look(step, seen.at_mouth)
        self._mask.update(step, decided(seen.mask, HELD_FROM, FREE_UP_TO))
        self._mouth_hidden.update(step, decided(seen.mouth_hidden, HELD_FROM, FREE_UP_TO))

    def _forget(self) -> None:
        self._cadence = Cadence()
        self._left, self._right = HeldMeter(True, PHONE_FROM), HeldMeter(True, PHONE_FROM)
        # A chin in the hand is there, however long. What is at the mouth all day is a beard or a headset's microphone.
        self._hand, self._at_mouth = HeldMeter(own=False), HeldMeter(own=True)
        self._mask: SettledAnswer[bool] = SettledAnswer(MASK_SETTLE_S, MASK_FORGET_S, MASK_SETTLE_S)
        self._mouth_hidden: SettledAnswer[bool] = SettledAnswer(COVER_SETTLE_S, COVER_FORGET_S, COVER_FIRST_S)


def _telephone(left: Held, right: Held) -> tuple[Held, Side | None]:
    """Return for how long a telephone has been at an ear, and at which one.

    An ear that is out of sight does not count, as the camera may never see it; but one that had a telephone, or was in
    doubt, when it was last seen does.
    """
    if left.seconds or right.seconds:
        return (left, "left") if (left.seconds or 0.0) >= (right.seconds or 0.0) else (right, "right")
    for reason in _IN_DOUBT:
        if reason in (left.reason, right.reason):
            return Held(None, reason=reason), None
    return (left if right.seconds is None else right), None
