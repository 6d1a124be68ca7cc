"""Tells how probable it is that a closure is one, and how long the eyes may have been closed."""

from __future__ import annotations

import math

from driver_monitor.data.driver_state import EyesState, EyesVerdict
from driver_monitor.timing.cadence import TimeStep
from driver_monitor.timing.stretch import Stretch

SUREST = 5.0
"""Largest log odds (99.3 %) that one answer counts for, so that one eye or one frame cannot override the others."""
SURE = 0.6
"""Probability from which a closure is sure: an alert that is wrong costs one and a half times as much as one that comes
at 3 s instead of 1 s (ours). Below it, a closure may as well be a look into the lap. On pictures of people whom the net
had not seen, 0.75 instead loses 8 of 100 closed eyes in cars, and spares one of 100 lowered ones (measured with an
earlier net that tells lowered eyes)."""
MAYBE, STILL_MAYBE = 0.4, 0.25
"""Probabilities of closed in a frame from which the eyes may be closed, and below which they are not. Beside a closure
that is missed, a false alert at 3 s costs little: a driver whose lids are that low does not look at the road (ours).
0.3 instead would count twice as many of the narrow eyes of people whom the net had not seen (the same net)."""
RETURN_S, RETURN_SHARE = 0.25, 0.3
"""Eyes that may be closed are back on the road when they are open for so long: as long as a look-away needs to end
(`gaze.looks_away.SACCADE_S`). Shorter returns may add up to this share: lids that are read badly flicker. Ours."""
BLINK_MIN_S, BLINK_MAX_S = 0.1, 0.4
"""A closure of such a length is a blink and does not count in PERCLOS. Both are ours. Soukupova & Cech (CVWW 2016, as
reported) have 100 to 400 ms for the whole blink, so 0.4 s with closed eyes is long for one. Others leave closures of up
to 0.2, 0.25, 0.4 or 0.5 s out of PERCLOS (Abe 2023, as reported). 0.1 s is no least: blinks of awake people last 0.059
to 0.182 s at half of their depth (Johns 2003, as reported). The blink rate lacks the shorter ones."""
REOPENED_FOR_S = 0.1
"""Eyes that seem open for less are noise: the lids alone need longer to rise and fall. One or two wrong frames at 20
frames a second, or one at 10, do not split a closure. Below that rate one open frame ends it."""
REOPENED_SHARE = 0.05
"""Share of a closure that such noise may add up to, beside `REOPENED_FOR_S` (ours): one wrong frame in twenty. Lids
that flicker at half height for a second or two are not one closure of a second."""
SETTLED_S = 1.0
"""From this length on (ours: a microsleep), a closure may be interrupted by as many wrong frames as before this limit
was set: a sleeper must stay asleep when one frame in ten is read wrongly."""
FURTHEST = 50.0
"""Log odds beyond which a probability is 0 or 1 for every use. `exp` has limits."""


def log_odds(p: float) -> float:
    """Return the logarithm of the odds of a probability, within `SUREST`."""
    if _LEAST < p < _MOST:
        return math.log(p / (1 - p))
    return math.copysign(SUREST, p - 0.5)


def probability(odds: float) -> float:
    """Return the probability of log odds."""
    if not -FURTHEST < odds < FURTHEST:
        odds = math.copysign(FURTHEST, odds)
    return 1 / (1 + math.exp(-odds))


_LEAST, _MOST = probability(-SUREST), probability(SUREST)
"""Probabilities with log odds of `SUREST`."""


def closure_timer() -> Stretch:
    """Return a timer of closed eyes that ignores frames that are read wrongly."""
    return Stretch(forgive_s=REOPENED_FOR_S, forgive_share=REOPENED_SHARE, settled_s=SETTLED_S)


def may_be_lowered(eyes: EyesState) -> bool:
    """Return whether the eyes have been closed or low for longer than a blink, but are not surely closed.

    False while they open again: a closure that was sure has no probability any more, and was no look down.
    """
    unsure = eyes.p_closure is None or eyes.p_closure < SURE
    return unsure and not eyes.rising and eyes.shut_s is not None and eyes.shut_s > BLINK_MAX_S


class ShutMeter:
    """Weighs the frames of the present closure, and times the eyes that are closed or may be closed.

    `p_closure`: probability that the present closure is one, None without one. It is that of the mean log odds of its
    frames, each weighted by its time. Frames of one closure are not independent: whoever is misread in one frame is
    misread in the next. On ten labelled long closures the log odds correlate by 0.7 within a closure, so all frames
    together are worth 1.4 independent ones at most. They count as one here: more frames make the answer steadier, not
    surer. `stretch`: the timer.
    """

    def __init__(self) -> None:
        self.stretch = Stretch(forgive_s=RETURN_S, forgive_share=RETURN_SHARE)
        self.p_closure: float | None = None
        self._maybe = False
        self._odds = self._seconds = 0.0

    def update(self, step: TimeStep, closure: Stretch, state: EyesVerdict, p_closed: float | None) -> None:
        """Take one frame. `closure`: the timer of the closure, with this frame. `p_closed`: None while unknown."""
        self._weigh(step, closure, p_closed)
        maybe = None
        if p_closed is not None:
            self._maybe = p_closed >= (STILL_MAYBE if self._maybe and self.stretch.running else MAYBE)
            maybe = self._maybe or state == "closed"
        if maybe not in self.stretch.ignores:
            self.stretch.update(step, maybe)

    def _weigh(self, step: TimeStep, closure: Stretch, p_closed: float | None) -> None:
        if not closure.running:
            self.p_closure = None
            return
        if closure.began:
            self._odds = self._seconds = 0.0
        if p_closed is not None:
            self._odds += step.shown_s * log_odds(p_closed)
            self._seconds += step.shown_s
        if self._seconds:
            self.p_closure = probability(self._odds / self._seconds)
        elif p_closed is not None:
            self.p_closure = p_closed
