"""Learns what is usual for this driver: a headrest, hair, a headset or a beard must not count for hours. Pure.

Of two guards, both must allow an answer. The place must have been seen free for a second: a headset that is worn from
the start on is never a telephone, but unknown. And the probability must exceed the driver's own usual one by a margin:
what is there for very long becomes usual. The usual probability is a mean with a time constant of ten minutes. It is
robust: one look pulls it by `LARGEST_PULL` at most. A telephone that the net is sure of (0.95) is therefore told for 16
minutes. Of a call of 20 minutes the last three are unknown, with the reason "usual". After it, the next call is told
only once the usual probability has sunk again: after some minutes without a telephone.
"""

from __future__ import annotations

import math

from driver_monitor.data.driver_state import HeldReason
from driver_monitor.state.objects.limits import FREE_UP_TO, HELD_FROM, MARGIN
from driver_monitor.timing.cadence import EPSILON_S, TimeStep

USUAL_S = 600.0
"""Time constant of the usual probability: longer than most calls, shorter than a working day (ours)."""
LARGEST_PULL = 0.4
"""Largest difference to the usual probability that a look counts for. So a short call hardly changes it (ours)."""
FREE_FOR_S = 1.0
"""The place must be seen free for so long in one piece: four looks at three a second. One look may be wrong (ours)."""
USUAL_FOR_S = 1.0
"""What is as probable as usual for so long in one piece is usual. One look may be wrong (ours)."""


class OwnUsual:
    """Tells whether a thing in one place can be told for this driver.

    `p`: the driver's usual probability, 0 at first. `reason`: why nothing can be told, None if it can: "never_free"
    until the place was seen free, "usual" from when the thing became usual until the place is seen free again. What is
    as probable as a held thing (`HELD_FROM`) can become usual, also if it needs more to begin.
    """

    def __init__(self) -> None:
        self.p = 0.0
        self.reason: HeldReason | None = "never_free"
        self._free_s: float | None = None
        self._usual_s: float | None = None

    def learn(self, step: TimeStep, p: float) -> None:
        """Take a look. `step`: the time since the last look. `p`: finite, 0 to 1."""
        pull = min(max(p - self.p, -LARGEST_PULL), LARGEST_PULL)
        self.p += (1 - math.exp(-step.shown_s / USUAL_S)) * pull
        self._free_s = _in_one_piece(self._free_s, step, p <= FREE_UP_TO)
        self._usual_s = _in_one_piece(self._usual_s, step, p >= HELD_FROM and not self.exceeds(p))
        if self._free_s is not None and self._free_s >= FREE_FOR_S - EPSILON_S:
            self.reason = None
        elif self.reason is None and self._usual_s is not None and self._usual_s >= USUAL_FOR_S - EPSILON_S:
            self.reason = "usual"

    def exceeds(self, p: float) -> bool:
        """Return whether `p` exceeds the usual probability by the margin."""
        return p >= self.p + MARGIN


def _in_one_piece(seconds: float | None, step: TimeStep, holds: bool) -> float | None:
    """Return for how long a condition has held in looks without a gap, None if it does not hold."""
    if not holds:
        return None
    return seconds + step.dt if seconds is not None and step.seamless else 0.0
