"""Something done every so many seconds, whenever a frame happens to be there. Pure: time comes with the call."""

from __future__ import annotations

ROUNDING_S = 1e-3
"""Frame times are sums of fractions: what is due must not be put off by a frame for their last digits."""


class PeriodicTimer:
    """Says when it is time again.

    The mean period is kept as long as frames come more often than it: waiting for a frame does not stretch it.
    """

    def __init__(self, period_s: float) -> None:
        self.period_s = period_s
        self._due: float | None = None

    def due(self, t: float) -> bool:
        """Return whether it is time at `t`, seconds; the first call always is, and so is one after time was reset."""
        planned = t if self._due is None or t < self._due - self.period_s - ROUNDING_S else self._due
        if t < planned - ROUNDING_S:
            return False
        following = planned + self.period_s
        self._due = following if following > t else t + self.period_s
        return True

    def reset(self) -> None:
        """Forget the last time: it is time again at the next call, whenever that is."""
        self._due = None
