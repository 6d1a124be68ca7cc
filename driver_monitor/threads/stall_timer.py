"""Measures how long a thread has had work without finishing any of it."""

from __future__ import annotations

from collections.abc import Callable

LONGEST_STEP_S = 0.5
"""Longest time that one update adds (ours). The live loop updates at least every 0.2 s unless it is itself held up: by
a reload, an overloaded machine or SIGSTOP. Then the thread may have been held up too, and this is no proof of a fault.
"""


class StallTimer:
    """Adds up the time between updates in which a thread had work and finished nothing. `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last_t: float | None = None
        self._finished = 0
        self._stalled_s = 0.0

    def update(self, finished: int, has_work: bool) -> float:
        """Return the stalled time, seconds. `finished`: number of pieces of work that the thread has finished so far.

        `has_work`: whether a piece waits or has been begun. Without work, or after each finished piece, the time is 0.
        """
        now = self._clock()
        step_s = min(now - self._last_t, LONGEST_STEP_S) if self._last_t is not None else 0.0
        stalled = has_work and finished == self._finished
        self._stalled_s = self._stalled_s + step_s if stalled else 0.0
        self._last_t, self._finished = now, finished
        return self._stalled_s
