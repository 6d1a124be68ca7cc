"""The clock of a simulated car: right, never set, or wrong until it jumps to the right time."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone

NEVER_SET, JUMPS = 0.05, 0.1
"""Shares of vehicles whose clock is never set, and that start with a wrong one (ours). A Raspberry Pi has no clock with
a battery: without a network it starts at the time of its last end, or in 1970."""
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
LONGEST_BEHIND_S = 30 * 86_400.0
"""Longest time by which a clock that jumps later starts too early: the car stood for a month (ours)."""
LONGEST_WRONG_S = 60.0
"""Longest time until it jumps (ours). A network that is there sets a clock within a minute."""


class VehicleClock:
    """The wall clock of one vehicle from one start of its computer to the next. `now`: real seconds since 1970."""

    def __init__(self, chance: random.Random, kind: float, now: float) -> None:
        """`kind`: from 0 to 1, the same for a vehicle at each start."""
        self._start = now
        self._never_set = kind < NEVER_SET
        self._behind_s = chance.uniform(0, LONGEST_BEHIND_S) if NEVER_SET <= kind < NEVER_SET + JUMPS else 0.0
        self._jump_at = now + chance.uniform(1, LONGEST_WRONG_S)

    def at(self, now: float) -> tuple[datetime, bool]:
        """Return the time that this vehicle believes, and whether its clock is synchronised."""
        if self._never_set:
            return EPOCH + timedelta(seconds=now - self._start), False
        right = EPOCH + timedelta(seconds=now)
        if self._behind_s and now < self._jump_at:
            return right - timedelta(seconds=self._behind_s), False
        return right, True
