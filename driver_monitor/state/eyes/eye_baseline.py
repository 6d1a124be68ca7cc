"""This driver's own open eye, against which openness is measured."""

from __future__ import annotations

from driver_monitor.timing.cadence import TimeStep
from driver_monitor.timing.histogram import TimeHistogram
from driver_monitor.timing.learning import (
    MEMORY_S,
    REFRESH_S,
    Status,
    status,
)

PRIOR = 1.0
"""A population's open eye, the unit of `EyeView.opening`."""
BOUNDS = (0.6, 1.5)
"""No driver's open eye lies outside: 6 to 14 mm of lid opening (Euro NCAP Safe Driving v10.4) around a usual 9.5."""
QUANTILE = 0.7
"""The usual open eye lies above the median of waking time, which down-glances and squints pull low, and below the
top, which surprise and noise pull high."""
DRIFT = 0.15
"""A final value moves by no more than this share: lids that sink over an hour are sleepiness, not a new driver."""


class EyeBaseline:
    """Learns the usual opening of one eye.

    `value`: in units of a population's open eye, within `BOUNDS`; `status`: how settled it is. The caller decides
    which frames may teach: open, frontal, steady ones.
    """

    def __init__(self) -> None:
        self._histogram = TimeHistogram(0.0, 2.5, 0.02)
        self._settled: float | None = None
        self._refreshed_s = 0.0
        self.value = PRIOR
        self.status: Status = "prior"

    def learn(self, step: TimeStep, opening: float) -> None:
        """Take in `opening` (population's open eye = 1), seen for the length of `step`."""
        self._histogram.add(opening, step.dt, MEMORY_S if self.status == "final" else None)
        learned = self._histogram.total_s
        new = status(learned)
        if new == "prior" or (new == self.status and learned - self._refreshed_s < REFRESH_S):
            return
        low, high = BOUNDS
        if self._settled is not None:
            low, high = max(low, self._settled * (1 - DRIFT)), min(high, self._settled * (1 + DRIFT))
        self.value = min(max(self._histogram.quantile(QUANTILE), low), high)
        if new == "final" and self._settled is None:
            self._settled = self.value
        self.status, self._refreshed_s = new, learned
