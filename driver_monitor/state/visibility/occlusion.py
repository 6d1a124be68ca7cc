"""Finds what has covered the face for about a second. Sunglasses and masks are worn for minutes; hands pass by."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Generic, Literal, TypeVar

from driver_monitor.data.driver_state import Cover, Occlusion
from driver_monitor.data.observation import EyeReason, FaceView
from driver_monitor.timing.cadence import EPSILON_S, MAX_GAP_S, TimeStep

HIDDEN_AT, SEEN_AT = 0.6, 0.4
"""Probabilities from which a mouth counts as hidden, and up to which as visible. In between nothing is learned."""
SETTLE_S = 1.0
"""Time constant of the shares of recent time. An answer changes after about 0.9 s. What covers the face for less hides
a blink or two, and the reasons of the single frames show it."""
CHANGE_AT = 0.6
"""Share of recent time at which another answer replaces the present one. Of two answers the other then has 0.4."""
FORGET_S = 2.0
"""Without an answer for longer, `value` is None. A turned head keeps its sunglasses; a driver who returns may not."""

T = TypeVar("T", bound=Hashable)


class SettledAnswer(Generic[T]):
    """Keeps an answer until another has `CHANGE_AT` of recent time.

    `settle_s`: time constant of the shares of recent time. `forget_s`: without an answer for longer, `value` is None.
    `first_s`: seconds of agreement that the first answer needs; at 0 it counts at once.
    """

    def __init__(self, settle_s: float = SETTLE_S, forget_s: float = FORGET_S, first_s: float = 0.0) -> None:
        self._settle_s, self._forget_s, self._first_s = settle_s, forget_s, first_s
        self._shares: dict[T, float] = {}
        self._likely: T | None = None
        self._agreed_s = 0.0
        self._answered_t = 0.0
        self.value: T | None = None
        """The answer, None while unknown."""

    def update(self, step: TimeStep, answer: T | None) -> T | None:
        """Take one frame's answer, None if it has none. Return `value`, None if it is forgotten."""
        if answer is None:
            if step.t - self._answered_t > self._forget_s:
                self.forget()
            return self.value
        self._answered_t = step.t
        if self.value is None:
            self._begin(step, answer)
        elif answer != self.value or len(self._shares) > 1:
            self._weigh(1 - math.exp(-min(step.dt, MAX_GAP_S) / self._settle_s), answer)
        return self.value

    @property
    def forgotten_t(self) -> float:
        """The time from which the answer is forgotten, if there is no other."""
        return self._answered_t + self._forget_s

    def forget(self) -> None:
        """Make the answer unknown."""
        self._shares, self._likely, self.value = {}, None, None

    def _begin(self, step: TimeStep, answer: T) -> None:
        """Take an answer while none has settled. One that contradicts the last begins the agreement anew."""
        self._agreed_s = self._agreed_s + min(step.dt, MAX_GAP_S) if answer == self._likely else 0.0
        self._likely = answer
        if self._agreed_s >= self._first_s - EPSILON_S:
            self._shares, self.value = {answer: 1.0}, answer

    def _weigh(self, share: float, answer: T) -> None:
        """Take a frame that has this share of recent time."""
        self._shares.setdefault(answer, 0.0)
        for name, old in self._shares.items():
            self._shares[name] = old + share * ((name == answer) - old)
        if self._shares[answer] >= CHANGE_AT:
            self.value = answer


class OcclusionTracker:
    """Finds what covers mouth and eyes, each with a settled answer of its own."""

    def __init__(self) -> None:
        self._mouth: SettledAnswer[bool] = SettledAnswer()
        self._eyes: SettledAnswer[Cover | Literal["clear"]] = SettledAnswer()

    @property
    def cover(self) -> Cover | None:
        """What hides both eyes by the frames so far."""
        return None if self._eyes.value == "clear" else self._eyes.value

    def update(
        self, step: TimeStep, face: FaceView | None, reason: EyeReason | None, by_objects: bool | None = None
    ) -> Occlusion | None:
        """Take one frame and return what covers the face, None if mouth and eyes are both unknown.

        `reason`: why neither eye could be read, None if one could. At "pose", "blur" or no face, `eyes` stays for 2 s.
        `by_objects`: whether the objects net says that the mouth is hidden, None if unknown.
        """
        by_landmarks = self._mouth.update(
            step, None if face is None else decided(face.mouth_hidden, HIDDEN_AT, SEEN_AT)
        )
        mouth = mouth_hidden(by_objects, by_landmarks)
        eyes = self._eyes.update(step, None if face is None else _cover(reason))
        if mouth is None and eyes is None:
            return None
        return Occlusion(mouth, self.cover)


def mouth_hidden(by_objects: bool | None, by_landmarks: bool | None) -> bool | None:
    """Return whether the mouth counts as hidden: if either net says so; else as the objects net says, where it knows.

    A mouth that is taken for visible can make a false yawn, which delays the alert of closed eyes; one that is taken
    for hidden only makes yawn and expression unknown. This is the one place that chooses between the two.
    """
    return by_landmarks if by_landmarks or by_objects is None else by_objects


def _cover(reason: EyeReason | None) -> Cover | Literal["clear"] | None:
    """Return what covers eyes that are unreadable for this reason, None if the reason is no cover."""
    match reason:
        case None:
            return "clear"
        case "pose" | "blur" | "no_face":
            return None
        case _:
            return reason


def decided(p: float | None, true_from: float, false_up_to: float) -> bool | None:
    """Return whether what has probability `p` is so; None if it is in between, or no finite number."""
    if p is None or not math.isfinite(p):
        return None
    return True if p >= true_from else False if p <= false_up_to else None
