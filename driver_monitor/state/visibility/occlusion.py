"""What covers the face, as an answer that lasts: sunglasses and masks are worn for minutes, hands pass by."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Generic, Literal, TypeVar

from driver_monitor.data.driver_state import Cover, Occlusion
from driver_monitor.data.observation import EyeReason, FaceView
from driver_monitor.timing.cadence import MAX_GAP_S, TimeStep

HIDDEN_AT, SEEN_AT = 0.6, 0.4
"""Probability from which a mouth is taken for hidden, and down to which for seen; in between nothing is learned."""
SETTLE_S = 1.0
"""Time constant of the shares of recent time by which an answer is chosen, so that one changes after about 0.9 s: what
is in the way for less hides a blink or two, and the per-frame reasons tell of it."""
CHANGE_AT = 0.6
"""Share of recent time that another answer must hold to replace the present one (hysteresis: of two, the other is then
down to 0.4)."""
FORGET_S = 2.0
"""Not to be told for longer: unknown. A turned head keeps its sunglasses; who comes back later may not."""

T = TypeVar("T", bound=Hashable)


class SettledAnswer(Generic[T]):
    """Of several answers the one that holds; the first is believed at once. Weighs time, not frames."""

    def __init__(self) -> None:
        self._shares: dict[T, float] = {}
        self._told_t = 0.0
        self.value: T | None = None
        """The answer, None while unknown."""

    def update(self, step: TimeStep, said: T | None) -> T | None:
        """Take what one frame says, None if it cannot tell, and return the answer."""
        if said is None:
            if self.value is not None and step.t - self._told_t > FORGET_S:
                self._shares, self.value = {}, None
            return self.value
        share = 1 - math.exp(-min(step.dt, MAX_GAP_S) / SETTLE_S)
        if self.value is None:
            self._shares, self.value, share = {}, said, 1.0
        self._shares.setdefault(said, 0.0)
        self._shares = {name: old + share * ((name == said) - old) for name, old in self._shares.items()}
        if self._shares[said] >= CHANGE_AT:
            self.value = said
        self._told_t = step.t
        return self.value


class OcclusionTracker:
    """Mouth and eyes, each with an answer of its own."""

    def __init__(self) -> None:
        self._mouth: SettledAnswer[bool] = SettledAnswer()
        self._eyes: SettledAnswer[Cover | Literal["clear"]] = SettledAnswer()

    def update(self, step: TimeStep, face: FaceView | None, reason: EyeReason | None) -> Occlusion | None:
        """Take one frame; `reason`: why neither eye could be read in it, None when one could. None: unknown."""
        mouth = self._mouth.update(step, None if face is None else _hidden(face.mouth_hidden))
        eyes = self._eyes.update(step, None if face is None else _covering(reason))
        if mouth is None and eyes is None:
            return None
        return Occlusion(mouth, None if eyes == "clear" else eyes)


def _covering(reason: EyeReason | None) -> Cover | Literal["clear"] | None:
    """Return what covers eyes unreadable for this reason; None: it is nothing that covers, and tells neither way."""
    match reason:
        case None:
            return "clear"
        case "pose" | "blur" | "no_face":
            return None
        case _:
            return reason


def _hidden(p: float | None) -> bool | None:
    """Return whether a mouth hidden with probability `p` is; None where that is not clear (NaN included)."""
    if p is None:
        return None
    return True if p >= HIDDEN_AT else False if p <= SEEN_AT else None
