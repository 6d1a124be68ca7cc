"""Converts the time stamps of a recording to seconds that always increase (pure)."""

from __future__ import annotations

from fractions import Fraction

DEFAULT_RATE = 25.0
"""Assumed frames per second if a file has no rate, or one outside `RATE_BOUNDS`. FFmpeg assumes the same."""
RATE_BOUNDS = (1.0, 240.0)
"""Frames per second (ours). A rate outside these bounds means a damaged header."""
RESTART_S = 1.0
"""Seconds (ours). Stamps that go back by more than this have restarted (joined clips, a camera that rebooted)."""
PAUSE_S = 1.0
"""Seconds (ours). A longer step forward is a pause in the recording, or one damaged stamp. The next stamp decides."""
FIRST_STEP_S = 0.1
"""Seconds (ours). The step after the first frame may be this long, or twice the next step."""
MAX_PAUSE_S = 600.0
"""Seconds (ours). A longer step forward is a restart with other stamps, not a pause in the recording."""


class Timeline:
    """Returns the time of each frame, in seconds since the first one. It never decreases.

    A stamp sets the time if it increases and the next stamp is larger still. One damaged stamp, too high or too low,
    changes only the time of its own frame, which then follows the frame before by one frame's time at `rate` or less.
    So does a frame without a stamp. If stamps restart lower, or jump by more than `MAX_PAUSE_S`, the time goes on by
    one frame's time. `jumped` is then True from there on, unless they went back by `RESTART_S` or less.

    `time_base`: seconds for each unit of a stamp. `rate`: frames per second; `DEFAULT_RATE` if None or not `plausible`.
    """

    def __init__(self, time_base: Fraction, rate: float | None) -> None:
        self._base = float(time_base)
        self._step = 1.0 / (rate if rate is not None and plausible(rate) else DEFAULT_RATE)
        self._t: float | None = None
        self._stamp: int | None = None
        """The last stamp that was believed."""
        self._stamp_t = 0.0
        """The time of its frame."""
        self._usual: float | None = None
        """The last time between two frames that stamps gave."""
        self.jumped = False

    def at(self, stamp: int | None, following: int | None) -> float:
        """Return the time of the next frame, seconds. `stamp`: its stamp, in units of `time_base`; None: it has none.

        `following`: the stamp of the frame after it. None: there is no such frame, or it has no stamp.
        """
        if self._t is None:
            self._believe(stamp, 0.0)
            return 0.0
        ahead, after = self._ahead(stamp), self._ahead(following)
        if ahead is None:
            if self._stamp is None:
                self._believe(stamp, self._t + self._step)
                return self._stamp_t
            self._t += self._step
        elif ahead <= 0 and (after is None or after <= 0):
            self._restart(stamp, ahead < -RESTART_S)
        elif after is not None and after > ahead > self._longest(after - ahead):
            self._restart(stamp, True)
        elif self._is_damaged(ahead, after):
            self._t += min(self._step, after / 2) if after is not None and after > 0 else self._step
        else:
            self._usual = ahead
            self._believe(stamp, self._t + ahead)
        return self._t

    def _ahead(self, stamp: int | None) -> float | None:
        """Return by how many seconds `stamp` lies ahead of the last frame. None: without a stamp to compare."""
        if stamp is None or self._stamp is None or self._t is None:
            return None
        return self._stamp_t + (stamp - self._stamp) * self._base - self._t

    def _believe(self, stamp: int | None, t: float) -> None:
        self._stamp, self._stamp_t, self._t = stamp, t, t

    def _restart(self, stamp: int | None, far: bool) -> None:
        assert self._t is not None
        self._believe(stamp, self._t + self._step)
        self.jumped = self.jumped or far

    def _longest(self, next_step: float) -> float:
        """Return how long a pause may be. One directly after the first frame is the damaged stamp of that frame."""
        return MAX_PAUSE_S if self._usual is not None else min(max(FIRST_STEP_S, 2 * next_step), MAX_PAUSE_S)

    def _is_damaged(self, ahead: float, after: float | None) -> bool:
        """Return whether a stamp is damaged. `ahead`, `after`: seconds by which it and the next lie ahead."""
        if ahead <= 0:
            return True
        if after is None or after <= ahead:
            if ahead > min(max(PAUSE_S, 2 * (self._usual or 0.0)), MAX_PAUSE_S):
                return True
            # Of two stamps in the wrong order, the one that is nearer to its expected place is right.
            return after is not None and abs(ahead - self._step) > abs(after - 2 * self._step)
        return False


def plausible(rate: float) -> bool:
    """Return whether `rate`, frames per second, lies within `RATE_BOUNDS`."""
    return RATE_BOUNDS[0] <= rate <= RATE_BOUNDS[1]
