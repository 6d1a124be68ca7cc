"""Takes the tremble out of what is measured in every frame without making it late (Casiez et al., CHI 2012).

A low-pass whose cut-off grows with the speed of what it filters: still things are smoothed, fast ones pass. Time comes
with the values, so 10 and 30 frames a second are filtered alike.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SPEED_HZ = 1.0
"""Cut-off for the speed itself, as the paper has it."""

Values = NDArray[np.float64]


class OneEuro:
    """Filters an array of any shape, each of its values by itself.

    `still_hz`: cut-off of what stands still; lower is calmer. `eager`: Hz that each unit a second of speed adds; higher
    is less late.
    """

    def __init__(self, still_hz: float, eager: float) -> None:
        self._still_hz, self._eager = still_hz, eager
        self._t = 0.0
        self._last: Values | None = None
        self._speed: Values | None = None

    def reset(self) -> None:
        """Forget everything: what comes next has nothing to do with what was."""
        self._last = self._speed = None

    def update(self, t: float, values: NDArray[np.floating], unit: float = 1.0) -> Values:
        """Return the filtered `values` of time `t`, seconds; what is not later than the last starts anew.

        `unit`: what speed is counted in, so that a face far off is filtered like one close by.
        """
        now = np.asarray(values, np.float64)
        dt = t - self._t
        self._t = t
        if self._last is None or self._speed is None or not 0 < dt < math.inf:
            self._last, self._speed = now, np.zeros_like(now)
            return np.array(now)
        self._speed = self._speed + _share(np.float64(SPEED_HZ), dt) * ((now - self._last) / dt - self._speed)
        cut_off = self._still_hz + self._eager / unit * np.abs(self._speed)
        self._last = self._last + _share(cut_off, dt) * (now - self._last)
        return np.array(self._last)


def _share(hz: Values | np.float64, dt: float) -> Values:
    """Return how much of the new value a low-pass of cut-off `hz` takes in after `dt` seconds."""
    turn = 2 * math.pi * dt * hz
    return np.asarray(turn / (turn + 1.0))
