"""Tells when periodic work is due. Reads no clock: the time comes with each call."""

from __future__ import annotations

ROUNDING_S = 1e-3
"""Frame times are sums of fractions. Rounding must not delay work by a whole frame."""


class PeriodicTimer:
    """Tells when work is due: every `period_s` seconds on average. Times that were missed are not made up for.

    `shift_s`: the pause after the first time, and after times that were missed, is longer by so many seconds. Works of
    equal periods that begin together are then not all due in one frame.
    """

    def __init__(self, period_s: float, shift_s: float = 0.0) -> None:
        self.period_s, self._shift_s = period_s, shift_s
        self._due: float | None = None

    def due(self, t: float) -> bool:
        """Return whether work is due at `t`, seconds. True also at the first call, or before the last due time."""
        anew = self._due is None or t < self._due - self.period_s - self._shift_s - ROUNDING_S
        planned = t if anew or self._due is None else self._due
        if t < planned - ROUNDING_S:
            return False
        following = planned + self.period_s
        self._due = t + self.period_s + self._shift_s if anew or following <= t else following
        return True

    def reset(self) -> None:
        """Forget the last time: work is due at the next call."""
        self._due = None
