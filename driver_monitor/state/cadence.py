"""Time between frames: which steps can be trusted to hide nothing."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median_low

MAX_GAP_S = 0.5
"""A step longer than this is never covered: the camera itself is then called lost (brief, section 6)."""
SEAMLESS_S = 0.2
"""An eye cannot reopen and shut again within this unseen: the opening alone of a blink takes about 0.2 s
(Sforza et al., Ophthalmic Physiol. Opt. 28, 2008)."""
SEAMLESS_PERIODS = 2.0
"""One dropped frame hides nothing that lasts two frame periods."""
_REMEMBERED = 9


@dataclass(frozen=True, slots=True)
class Step:
    """From the frame before to this one. `t`, `dt`: seconds; `seamless`: nothing of note hides in between."""

    t: float
    dt: float
    seamless: bool


class Cadence:
    """Turns frame times into steps, against the source's own usual interval."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._steps: deque[float] = deque(maxlen=_REMEMBERED)

    def step(self, t: float) -> Step | None:
        """Return the step to `t`, or None when `t` is not a number or not later than the frame before."""
        if not math.isfinite(t) or (self._last is not None and t <= self._last):
            return None
        if self._last is None:
            self._last = t
            return Step(t, 0.0, seamless=False)
        dt = t - self._last
        self._last = t
        self._steps.append(dt)
        usual = median_low(self._steps)
        return Step(t, dt, dt <= min(MAX_GAP_S, max(SEAMLESS_S, SEAMLESS_PERIODS * usual)))
