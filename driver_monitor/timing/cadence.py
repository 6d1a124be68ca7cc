"""Time between frames: which steps can be trusted to hide nothing."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from statistics import median_low

MAX_GAP_S = 0.5
"""A step longer than this is never covered: the camera itself is then called lost."""
SEAMLESS_S = 0.2
"""An eye cannot reopen and shut again within this unseen: the opening alone of a blink takes about 0.2 s
(Sforza et al., Ophthalmic Physiol. Opt. 28, 2008)."""
SEAMLESS_PERIODS = 2.2
"""One dropped frame, give or take some jitter, hides nothing that lasts two frame periods."""
_REMEMBERED = 9


@dataclass(frozen=True, slots=True)
class TimeStep:
    """From the frame before to this one, at time `t` after `dt` seconds; `period`: the source's usual interval."""

    t: float
    dt: float
    period: float
    reach: float = field(init=False)
    """The longest time between two looks in which nothing of note can hide, seconds."""
    seamless: bool = field(init=False)
    """Whether nothing of note hides between the frame before and this one."""

    def __post_init__(self) -> None:
        """Work out once what every timer asks for."""
        reach = min(MAX_GAP_S, max(SEAMLESS_S, SEAMLESS_PERIODS * self.period))
        object.__setattr__(self, "reach", reach)
        object.__setattr__(self, "seamless", 0.0 < self.dt <= reach)


class Cadence:
    """Turns frame times into steps, against the source's own usual interval."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._steps: deque[float] = deque(maxlen=_REMEMBERED)

    def step(self, t: float) -> TimeStep | None:
        """Return the step to `t`, or None when `t` is not a number or not later than the frame before."""
        if not math.isfinite(t) or (self._last is not None and t <= self._last):
            return None
        if self._last is None:
            self._last = t
            return TimeStep(t, 0.0, 0.0)
        dt = t - self._last
        self._last = t
        self._steps.append(dt)
        return TimeStep(t, dt, median_low(self._steps))
