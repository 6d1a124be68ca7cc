"""Time stamps of a recording, made into seconds that never run backwards (pure)."""

from __future__ import annotations

from fractions import Fraction

DEFAULT_RATE = 25.0
"""Frames a second where a file gives neither times nor a rate; what FFmpeg assumes too."""
RATE_BOUNDS = (1.0, 240.0)
"""Rates outside are damage in the header, not a camera that films a driver."""
RESTART_S = 1.0
"""Stamps that lag further behind than this have started anew (joined clips, a camera that rebooted)."""
PAUSE_S = 600.0
"""A longer leap forward is a damaged stamp, not a pause in the recording; nobody should have to wait for it."""


class Timeline:
    """Gives each frame its time in seconds since the first one.

    A stamp that moves forward is believed. A missing one, a repeated one and one that goes back say nothing: the
    time then goes on by one frame at the average rate. Stamps that restart or leap go on from where the time was;
    `leapt` says that they did.
    """

    def __init__(self, time_base: Fraction, rate: float | None) -> None:
        low, high = RATE_BOUNDS
        self._base = float(time_base)
        self._step = 1.0 / (rate if rate and low <= rate <= high else DEFAULT_RATE)
        self._zero: float | None = None
        self._stamp: int | None = None
        self._t: float | None = None
        self.leapt = False

    def at(self, stamp: int | None) -> float:
        """Return the time of the next frame, seconds; `stamp` counts time bases, None where the file has none."""
        if self._t is None:
            self._t = 0.0
        elif stamp is None or (self._stamp is not None and stamp <= self._stamp):
            self._t += self._step
            if stamp is not None and self._stamp is not None and (self._stamp - stamp) * self._base > RESTART_S:
                self.leapt = True
        else:
            self._t = self._moved(stamp, self._t)
        if stamp is not None:
            self._stamp = stamp
            if self._zero is None:
                self._zero = stamp * self._base - self._t
        return self._t

    def _moved(self, stamp: int, t: float) -> float:
        if self._zero is None or self._stamp is None:
            return t + self._step
        wanted = stamp * self._base - self._zero
        if -RESTART_S <= wanted - t <= PAUSE_S:
            return max(t, wanted)
        self.leapt = True
        moved = (stamp - self._stamp) * self._base
        resumed = t + (moved if moved <= PAUSE_S else self._step)
        self._zero = stamp * self._base - resumed
        return resumed
