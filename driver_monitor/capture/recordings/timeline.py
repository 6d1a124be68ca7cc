"""Converts the time stamps of a recording to seconds that never decrease."""

from __future__ import annotations

from fractions import Fraction

DEFAULT_RATE = 25.0
"""Assumed frames per second if a file has no rate, or one outside `RATE_BOUNDS`. FFmpeg assumes the same."""
RATE_BOUNDS = (1.0, 240.0)
"""Frames per second (ours). A rate outside these bounds means a damaged header."""
RESTART_S = 1.0
"""Seconds (ours). Stamps that go back by more than this have restarted (joined clips, a camera that rebooted)."""
MAX_PAUSE_S = 600.0
"""Seconds (ours). A longer step forward is a damaged stamp, not a pause in the recording."""


class Timeline:
    """Returns the time of each frame, in seconds since the first one. It never decreases.

    A stamp that increases sets the time. If a stamp is missing, repeated or lower, the time increases by one frame at
    `rate`. If stamps restart (`RESTART_S`) or jump (`MAX_PAUSE_S`), the time continues from its last value, and
    `jumped` stays True from then on. `time_base`: seconds for each unit of a stamp. `rate`: frames per second; None or
    outside `RATE_BOUNDS`: `DEFAULT_RATE`.
    """

    def __init__(self, time_base: Fraction, rate: float | None) -> None:
        low, high = RATE_BOUNDS
        self._base = float(time_base)
        self._step = 1.0 / (rate if rate and low <= rate <= high else DEFAULT_RATE)
        self._zero: float | None = None
        self._stamp: int | None = None
        self._t: float | None = None
        self.jumped = False

    def at(self, stamp: int | None) -> float:
        """Return the time of the next frame in seconds. `stamp`: in units of `time_base`; None: the frame has none."""
        if self._t is None:
            self._t = 0.0
        elif stamp is None or (self._stamp is not None and stamp <= self._stamp):
            self._t += self._step
            if stamp is not None and self._stamp is not None and (self._stamp - stamp) * self._base > RESTART_S:
                self.jumped = True
        else:
            self._t = self._advance(stamp, self._t)
        if stamp is not None:
            self._stamp = stamp
            if self._zero is None:
                self._zero = stamp * self._base - self._t
        return self._t

    def _advance(self, stamp: int, t: float) -> float:
        if self._zero is None or self._stamp is None:
            return t + self._step
        stamp_t = stamp * self._base - self._zero
        if -RESTART_S <= stamp_t - t <= MAX_PAUSE_S:
            return max(t, stamp_t)
        self.jumped = True
        step = (stamp - self._stamp) * self._base
        t += step if step <= MAX_PAUSE_S else self._step
        self._zero = stamp * self._base - t
        return t
