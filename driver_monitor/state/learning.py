"""Learns a quantile of a quantity of a driver over time, and tells whether it is final."""

from __future__ import annotations

import math
from typing import cast

import numpy as np

FIRST_S = 0.5
"""Seconds of learning after which there is a first value."""
FINAL_S = 60.0
"""Seconds of learning after which it is final: at most one minute of driving to calibrate (Euro NCAP, as reported)."""
MEMORY_S = 300.0
"""Time constant with which a final value changes: minutes, so that neither a nap nor a look-away can change it."""
REFRESH_S = 0.1
"""Seconds of learning after which a value is computed again. This saves time and changes nothing of note."""
LEAST_FADED = 1e-6
"""At a smaller `TimeHistogram._faded` the bins are multiplied by it: else their numbers would grow without limit."""

EPSILON_S = 1e-6
"""Sums of frame times carry rounding; a microsecond must not cost a frame."""


class TimeHistogram:
    """Sums the seconds spent at each value from `low` to `high`, in bins of `width`. It counts time, not frames."""

    def __init__(self, low: float, high: float, width: float) -> None:
        self._low, self._width = low, width
        self._seconds = np.zeros(round((high - low) / width), dtype=np.float64)
        self._bins = cast("memoryview[float]", self._seconds.data)
        """The same memory. It reads and writes one number in half of numpy's time."""
        self._faded = 1.0
        """The seconds of each bin are its number times this factor. No quantile needs it, as all bins have the same."""

    def add(self, value: float, seconds: float, memory_s: float | None) -> bool:
        """Add `seconds` at a `value`. False: it is out of bounds, and nothing was done.

        `memory_s`: time constant with which older time fades, None: never.
        """
        index = math.floor((value - self._low) / self._width)
        if not 0 <= index < len(self._bins):
            return False
        if memory_s is not None:
            self._faded *= math.exp(-seconds / memory_s)
            if self._faded < LEAST_FADED:
                self._seconds *= self._faded
                self._faded = 1.0
        self._bins[index] += seconds / self._faded
        return True

    def quantile(self, share: float) -> float:
        """Return the value below which `share` of the added time lies, interpolated. Some time must have been added."""
        sums = self._seconds.cumsum()
        wanted = share * sums.item(-1)
        index = min(int(sums.searchsorted(wanted)), len(sums) - 1)
        inside = self._seconds.item(index)
        before = sums.item(index) - inside
        part = (wanted - before) / inside if inside > 0 else 0.5
        return self._low + (index + min(max(part, 0.0), 1.0)) * self._width


class LearnedQuantile:
    """Learns the `share` quantile of a quantity from `low` to `high`. Values beyond are not learned.

    `width`: of the histogram's bins, same unit. Once `final`, older time fades with `MEMORY_S`.
    """

    def __init__(self, low: float, high: float, width: float, share: float) -> None:
        self._histogram = TimeHistogram(low, high, width)
        self._share = share
        self._refreshed_s: float | None = None
        self.learned_s = 0.0
        """Seconds of learning so far."""
        self.final = False

    def learn(self, seconds: float, value: float) -> float | None:
        """Learn from a `value` seen for `seconds`. Return the quantile, None if it is not computed anew."""
        if self._histogram.add(value, seconds, MEMORY_S if self.final else None):
            self.learned_s += seconds
        final = self.learned_s >= FINAL_S - EPSILON_S
        if self._refreshed_s is None:
            due = self.learned_s >= FIRST_S - EPSILON_S
        else:
            due = final != self.final or self.learned_s - self._refreshed_s >= REFRESH_S
        if not due:
            return None
        self.final, self._refreshed_s = final, self.learned_s
        return self._histogram.quantile(self._share)
