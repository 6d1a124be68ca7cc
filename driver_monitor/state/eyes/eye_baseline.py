"""This driver's own open eye. Openness is measured against it."""

from __future__ import annotations

from driver_monitor.state.learning import LearnedQuantile
from driver_monitor.timing.cadence import TimeStep

PRIOR = 1.0
"""The average person's open eye: the unit of `EyeView.opening`."""
BOUNDS = (0.6, 1.5)
"""Limits of a driver's open eye: 6 to 14 mm of lid opening (Euro NCAP Safe Driving v10.4, as reported) over a usual
9.5 mm (ours). Driver Engagement v1.1 asks for 6 to 12 mm (as reported), which lies within. Wider eyes stay possible."""
QUANTILE = 0.7
"""Quantile of the openings that is the usual open eye. It is above the median of waking time, which glances down and
squints pull low. It is below the top, which surprise and noise pull high."""
DRIFT = 0.15
"""A final value moves by at most this share. Lids that sink over an hour are sleepiness, not a new driver."""
HIGHEST_OPENING = 2.5
"""Larger openings are not learned."""


class EyeBaseline:
    """Learns the usual opening of one eye. The caller gives only frames with an open eye and a steady, frontal gaze.

    `value`: in units of the average person's open eye, within `BOUNDS`; `PRIOR` until 0.5 s were learned. After 60 s of
    learning it moves by at most the share `DRIFT`.
    """

    def __init__(self) -> None:
        self._learned = LearnedQuantile(0.0, HIGHEST_OPENING, 0.02, QUANTILE)
        self._settled: float | None = None
        self.value = PRIOR

    def learn(self, step: TimeStep, opening: float) -> None:
        """Learn that `opening` (average open eye = 1) was seen for `step.dt`. Outside 0 to 2.5 it is ignored."""
        usual = self._learned.learn(step.dt, opening)
        if usual is None:
            return
        low, high = BOUNDS
        if self._settled is not None:
            low, high = max(low, self._settled * (1 - DRIFT)), min(high, self._settled * (1 + DRIFT))
        self.value = min(max(usual, low), high)
        if self._learned.final and self._settled is None:
            self._settled = self.value
