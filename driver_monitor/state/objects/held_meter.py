"""Measures for how long one thing has been held in one place, from single looks. Pure: time comes with the data."""

from __future__ import annotations

import math

from driver_monitor.data.driver_state import Held, HeldReason
from driver_monitor.state.objects.limits import FREE_UP_TO, HELD_FROM
from driver_monitor.state.objects.own_usual import OwnUsual
from driver_monitor.timing.cadence import EPSILON_S, TimeStep
from driver_monitor.timing.stretch import Stretch

FORGIVE_S = 0.5
"""A shorter interruption does not end the time. At three looks a second, one look that misses the thing makes at most
0.25 s (`timing.stretch.lead`), and a second one in a row ends it (ours)."""
FRESH_S = 1.0
"""A look tells of so long after it: three looks. Without a newer one, a time stands still (ours)."""
UNSEEN_S = 5.0
"""A time that stands still for longer is unknown: a turn to the mirror or over the shoulder is shorter (ours)."""


class HeldMeter:
    """Times one thing: a telephone at one ear, a hand on the face, an object at the mouth.

    The time counts from the look that is the first to show the thing. `own`: whether what is usual for the driver does
    not count (`OwnUsual`). `held_from`: probability from which the thing is there. Once it is, `HELD_FROM` suffices.
    """

    def __init__(self, own: bool, held_from: float = HELD_FROM) -> None:
        self._held_from = held_from
        self._own = OwnUsual() if own else None
        self._stretch = Stretch(forgive_s=FORGIVE_S, bridge_s=UNSEEN_S)
        self._why: HeldReason = "unseen"
        self._known_t = -math.inf

    def look(self, step: TimeStep, p: float | None) -> None:
        """Take a look. `step`: the time since the last look, however many frames lie between. `p`: None is unknown."""
        self._end_unseen(step.t)
        if p is None or not math.isfinite(p):
            self._stretch.update(step, None)
            return
        answer = self._answer(step, p)
        if answer is None and self._own is not None and self._own.reason is not None:
            self._stretch.reset()
        self._stretch.update(step, answer)
        if answer is not None:
            self._known_t = step.t

    def read(self, t: float) -> Held:
        """Return the time at `t`, seconds, which is not before the last look."""
        self._end_unseen(t)
        fresh = t - self._known_t <= FRESH_S + EPSILON_S
        if self._stretch.running:
            return Held(self._stretch.length_s, self._stretch.ending or not fresh)
        return Held(0.0) if fresh else Held(None, reason=self._why)

    @property
    def changes_t(self) -> tuple[float, float]:
        """The times up to which the last look that told something is fresh, and a time that stands still is known."""
        return self._known_t + FRESH_S, self._known_t + UNSEEN_S

    def _end_unseen(self, t: float) -> None:
        """Forget a time that has stood still for too long."""
        if self._stretch.running and t - self._known_t > UNSEEN_S + EPSILON_S:
            self._stretch.reset()
            self._why = "lost"

    def _answer(self, step: TimeStep, p: float) -> bool | None:
        """Return whether the thing is there. None: it cannot be told, and `_why` is the reason.

        A reason stays when the place goes out of sight: what was in doubt is not free because nobody sees it.
        """
        if self._own is not None:
            self._own.learn(step, p)
        if p <= FREE_UP_TO:
            self._why = "unseen"
            return False
        self._why = "unclear"
        if self._own is not None:
            if self._own.reason is not None:
                self._why = self._own.reason
                return None
            if not self._own.exceeds(p):
                return None
        return True if p >= (HELD_FROM if self._stretch.running else self._held_from) else None
