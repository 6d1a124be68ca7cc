"""Learns a quantile of a quantity of a driver over time, and tells how settled it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

Status = Literal["prior", "provisional", "final"]

PROVISIONAL_S = 0.5
"""Seconds of learning after which a value is provisional."""
FINAL_S = 60.0
"""Seconds of learning after which it is final: at most one minute of driving to calibrate (EU 2023/2590, Annex I)."""
MEMORY_S = 300.0
"""Time constant with which a final value changes: minutes, so that neither a nap nor a look-away can change it."""
REFRESH_S = 0.1
"""Seconds of learning after which a value is computed again. This saves time and changes nothing of note."""


def status(learned_s: float, provisional_s: float = PROVISIONAL_S) -> Status:
    """Return "final" from 60 s of learning on, "provisional" from `provisional_s` on, else "prior"."""
    # Sums of frame times carry rounding; a microsecond must not cost a frame.
    if learned_s >= FINAL_S - 1e-6:
        return "final"
    return "provisional" if learned_s >= provisional_s - 1e-6 else "prior"


class TimeHistogram:
    """Sums the seconds spent at each value from `low` to `high`, in bins of `width`. It counts time, not frames."""

    def __init__(self, low: float, high: float, width: float) -> None:
        self._low, self._width = low, width
        self._seconds = np.zeros(round((high - low) / width), dtype=np.float64)

    def accepts(self, value: float) -> bool:
        """Return whether `value` lies within the bounds."""
        return 0 <= math.floor((value - self._low) / self._width) < len(self._seconds)

    def add(self, value: float, seconds: float, memory_s: float | None) -> None:
        """Add `seconds` at an accepted `value`. `memory_s`: time constant with which older time fades, None: never."""
        if memory_s is not None:
            self._seconds *= math.exp(-seconds / memory_s)
        self._seconds[math.floor((value - self._low) / self._width)] += seconds

    def quantile(self, share: float) -> float:
        """Return the value below which `share` of the added time lies, interpolated. Some time must have been added."""
        sums = np.cumsum(self._seconds)
        wanted = share * float(sums[-1])
        index = min(int(np.searchsorted(sums, wanted)), len(sums) - 1)
        inside = float(self._seconds[index])
        before = float(sums[index]) - inside
        part = (wanted - before) / inside if inside > 0 else 0.5
        return self._low + (index + min(max(part, 0.0), 1.0)) * self._width


class LearnedQuantiles:
    """Learns the `share` quantile of one or more quantities that are measured together.

    `bounds`: (low, high) of each quantity. If one value is outside, none is learned. `width`: of the bins, same unit.
    `provisional_s`: seconds of learning until "provisional". Once "final", older time fades with `MEMORY_S`.
    """

    def __init__(
        self, bounds: Sequence[tuple[float, float]], width: float, share: float, provisional_s: float = PROVISIONAL_S
    ) -> None:
        self._histograms = [TimeHistogram(low, high, width) for low, high in bounds]
        self._share, self._provisional_s = share, provisional_s
        self._refreshed_s = 0.0
        self.learned_s = 0.0
        """Seconds of learning so far."""
        self.status: Status = "prior"

    def learn(self, seconds: float, *values: float) -> tuple[float, ...] | None:
        """Learn from `values` seen for `seconds`. Return the quantiles, None while "prior" or if not computed anew."""
        pairs = list(zip(self._histograms, values, strict=True))
        if all(histogram.accepts(value) for histogram, value in pairs):
            memory_s = MEMORY_S if self.status == "final" else None
            for histogram, value in pairs:
                histogram.add(value, seconds, memory_s)
            self.learned_s += seconds
        new = status(self.learned_s, self._provisional_s)
        if new == "prior" or (new == self.status and self.learned_s - self._refreshed_s < REFRESH_S):
            return None
        self.status, self._refreshed_s = new, self.learned_s
        return tuple(histogram.quantile(self._share) for histogram in self._histograms)
