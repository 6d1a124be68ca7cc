"""A distribution over time, not over frames, so that the frame rate does not matter."""

from __future__ import annotations

import math

import numpy as np


class TimeHistogram:
    """Seconds spent at each value between `low` and `high`, in steps of `width`. Values outside are not taken."""

    def __init__(self, low: float, high: float, width: float) -> None:
        self._low, self._width = low, width
        self._seconds = np.zeros(round((high - low) / width), dtype=np.float64)
        self.total_s = 0.0
        """Seconds taken in so far, fading not considered."""

    def accepts(self, value: float) -> bool:
        """Say whether `value` lies within the bounds."""
        return 0 <= math.floor((value - self._low) / self._width) < len(self._seconds)

    def add(self, value: float, seconds: float, memory_s: float | None = None) -> None:
        """Add `seconds` at `value`; with `memory_s`, what was learned before fades with that time constant."""
        if not self.accepts(value):
            return
        if memory_s is not None:
            self._seconds *= math.exp(-seconds / memory_s)
        self._seconds[math.floor((value - self._low) / self._width)] += seconds
        self.total_s += seconds

    def quantile(self, share: float) -> float:
        """Return the value below which `share` of the time was spent, interpolated; something must have been added."""
        sums = np.cumsum(self._seconds)
        wanted = share * float(sums[-1])
        index = min(int(np.searchsorted(sums, wanted)), len(sums) - 1)
        inside = float(self._seconds[index])
        before = float(sums[index]) - inside
        part = (wanted - before) / inside if inside > 0 else 0.5
        return self._low + (index + min(max(part, 0.0), 1.0)) * self._width
