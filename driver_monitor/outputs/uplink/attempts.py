"""Decides which broker is tried next, and when. Pure: chance comes from outside."""

from __future__ import annotations

FIRST_S, LONGEST_S = 2.0, 60.0
"""Longest wait after the first and after later failed rounds through all brokers; it doubles between (ours). With
10,000 cars and a dead broker that is 300 attempts a second in the worst case, spread by chance."""
SHORTEST_SHARE = 0.1
"""The wait is this share of the longest one at least; chance decides, so that cars do not come back all at once."""
HELD_S = 60.0
"""A connection that held so long was a good one (ours): then the first broker is tried again soon."""


class Attempts:
    """The attempts to reach one of `brokers` (their number), in their order. `index`: the one that is tried next."""

    def __init__(self, brokers: int) -> None:
        self.index = 0
        self._brokers, self._failed = brokers, 0

    def failed(self, chance: float) -> float:
        """Count a failed attempt. Returns how many seconds to wait until the next. `chance`: from 0 to 1."""
        self.index = (self.index + 1) % self._brokers
        self._failed += 1
        return self._wait(chance)

    def ended(self, held_s: float, chance: float) -> float:
        """Count a connection that was accepted and has ended after `held_s`. Returns how many seconds to wait."""
        if held_s < HELD_S:
            return self.failed(chance)
        self.index = self._failed = 0
        return self._wait(chance)

    def _wait(self, chance: float) -> float:
        rounds, within = divmod(self._failed, self._brokers)
        longest = min(FIRST_S * 2 ** min(max(rounds - 1, 0), 10), LONGEST_S) if within == 0 else FIRST_S
        return longest * (SHORTEST_SHARE + (1 - SHORTEST_SHARE) * chance)
