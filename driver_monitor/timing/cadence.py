"""Measures the time between frames: the step, and whether it is seamless (too short to hide anything of note)."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import field

from driver_monitor.frozen import fast_dataclass

MAX_GAP_S = 0.5
"""Longest step that is ever seamless. After a longer one the camera counts as lost."""
SEAMLESS_S = 0.2
"""A step up to this is seamless: an eye cannot reopen and shut again in it. The opening of a blink alone takes about
0.2 s (Sforza et al., Ophthalmic Physiol. Opt. 28, 2008)."""
SEAMLESS_PERIODS = 2.2
"""A step up to so many frame periods (one dropped frame, with some jitter) is seamless, up to `MAX_GAP_S`."""
EPSILON_S = 1e-6
"""Frame times are sums of binary fractions. Times are compared with this tolerance."""


@fast_dataclass(frozen=True, slots=True)
class TimeStep:
    """The time from the previous frame to this one, seconds.

    `t`: time of this frame. `dt`: time since the previous frame, 0 for the first. `period`: the source's usual `dt`, 0
    for the first frame. `reach`: the longest `dt` that is seamless, from `SEAMLESS_S` to `MAX_GAP_S`. `seamless`: `dt`
    is above 0 and at most `reach`. Then nothing of note can be hidden between the previous frame and this one.
    """

    t: float
    dt: float
    period: float
    bridged: bool = False
    reach: float = field(init=False)
    seamless: bool = field(init=False)

    @property
    def shown_s(self) -> float:
        """Seconds that this frame counts for in learning: `dt`, or one `period` after a gap, which it does not show."""
        return self.dt if self.seamless else self.period

    def __post_init__(self) -> None:
        reach = MAX_GAP_S if self.bridged else min(MAX_GAP_S, max(SEAMLESS_S, SEAMLESS_PERIODS * self.period))
        object.__setattr__(self, "reach", reach)
        object.__setattr__(self, "seamless", 0.0 < self.dt <= reach)


class Cadence:
    """Makes a `TimeStep` of each frame time, and learns the usual frame interval (median of the last nine)."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._steps: deque[float] = deque(maxlen=9)

    def step(self, t: float, bridged: bool = False) -> TimeStep | None:
        """Return the step to `t`, seconds. None: `t` is ignored, as it is not finite or not after the last frame."""
        if not math.isfinite(t) or (self._last is not None and t <= self._last):
            return None
        last, self._last = self._last, t
        if last is None:
            return TimeStep(t, 0.0, 0.0)
        self._steps.append(t - last)
        usual = sorted(self._steps)[(len(self._steps) - 1) // 2]
        return TimeStep(t, t - last, usual, bridged)
