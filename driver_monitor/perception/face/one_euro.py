"""The one-euro filter: it removes noise from a measured value without delaying it much (Casiez et al., CHI 2012).

It is a low-pass filter whose cut-off frequency grows with the speed of the value: a still value is smoothed, a fast one
passes. Time comes with the values, so 10 and 30 frames a second are filtered alike.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SPEED_HZ = 1.0
"""Cut-off frequency for the speed itself, from the paper."""

Values = NDArray[np.float64]


class OneEuro:
    """Filters each value of an array by itself.

    `still_hz`: cut-off frequency for a still value; lower is smoother. `speed_gain`: Hz added for each unit a second of
    speed; higher means less delay.
    """

    def __init__(self, still_hz: float, speed_gain: float) -> None:
        self._still_hz, self._speed_gain = still_hz, speed_gain
        self._t = 0.0
        self._last: Values | None = None
        self._speed: Values | None = None

    def reset(self) -> None:
        """Forget everything. The next value starts anew."""
        self._last = self._speed = None

    def update(self, t: float, values: NDArray[np.floating], unit: float = 1.0) -> Values:
        """Return the filtered `values` at `t` seconds. A time that is not later than the last starts anew.

        `unit`: what speed is measured in, so that a distant face is filtered like a near one.
        """
        now = np.array(values, np.float64)
        dt, self._t = t - self._t, t
        if self._last is None or self._speed is None or not 0 < dt < math.inf:
            self._last, self._speed = now, np.zeros_like(now)
            return np.array(now)
        change = now - self._last
        turn = 2 * math.pi * dt
        share = turn * SPEED_HZ / (turn * SPEED_HZ + 1.0)
        self._speed += change * (share / dt) - self._speed * share
        turns = np.abs(self._speed) * (turn * self._speed_gain / unit) + turn * self._still_hz
        self._last += turns / (turns + 1.0) * change
        return np.array(self._last)
