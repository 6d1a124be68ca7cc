"""Learns how the driver blinks from the first blinks of the trip. Later blinks are compared with these."""

from __future__ import annotations

import numpy as np

from driver_monitor.data.driver_state import Blink
from driver_monitor.state.sleepiness.blink_features import BLINKS, Floats

LEARNED = BLINKS
"""Number of blinks learned at the start of a trip (about two minutes). UTA-RLDD takes the last third of a recording in
which the person felt alert. A daemon can only assume that a driver who starts is awake; `MEANS` limits this."""
LONGEST_S = 1.0
"""A longer closure is a microsleep and is not learned."""
MEANS = ((0.5, 1.1), (0.12, 0.45), (1.5, 15.0))
"""Limits of the means: amplitude in openness, duration in seconds, opening speed in openness a second. Ours.
A whole blink takes 0.1 to 0.4 s (Soukupova & Cech, CVWW 2016, as reported)."""
DEVIATIONS = (0.05, 0.03, 0.5)
"""Least standard deviations: about what one frame period at 30 frames a second does to the same blink."""


class BlinkBaseline:
    """Learns means and deviations of the first `LEARNED` blinks. Then they stay: drowsiness must not change them."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, float, float]] = []
        self._mean = self._deviation = np.zeros(3)

    @property
    def known(self) -> bool:
        """Whether enough blinks have been learned."""
        return len(self._seen) >= LEARNED

    def learn(self, blink: Blink) -> None:
        """Learn from `blink`, unless `LEARNED` blinks are already learned or it is longer than `LONGEST_S`."""
        if self.known or blink.duration_s > LONGEST_S:
            return
        self._seen.append(_quantities(blink))
        if self.known:
            self._mean = np.clip(np.mean(self._seen, 0), *np.transpose(MEANS))
            self._deviation = np.maximum(np.std(self._seen, 0), DEVIATIONS)

    def deviations(self, blink: Blink) -> Floats:
        """Return (3,): amplitude, duration, opening speed in standard deviations above the mean. Only once `known`."""
        return (np.array(_quantities(blink)) - self._mean) / self._deviation


def _quantities(blink: Blink) -> tuple[float, float, float]:
    return blink.amplitude, blink.duration_s, blink.opening_per_s
