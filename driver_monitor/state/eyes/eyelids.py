"""How far the eyes are open for this driver, and whether they are shut."""

from __future__ import annotations

import math
from collections.abc import Iterable

from driver_monitor.data.driver_state import EyesState, EyesVerdict
from driver_monitor.data.observation import EyeReason, EyesView, EyeView
from driver_monitor.state.eyes.eye_baseline import EyeBaseline
from driver_monitor.timing.cadence import TimeStep
from driver_monitor.timing.stretch import Stretch

CLOSED_AT = 0.2
"""80 % closed: P80 of PERCLOS (Wierwille et al., NHTSA DOT HS 808 247, 1994)."""
REOPENED_ABOVE = 0.4
"""Ends a closure; a plain cut at 0.2 splits one closure into many (0.35 to 0.5 do not, by the labelled clips)."""
REOPENED_FOR_S = 0.1
"""Eyes that seem open for less are noise: lids alone need longer to rise and fall. So one or two wrong frames at 20 fps
do not split a closure, nor one at 10 fps; below that one open frame is enough."""
SIGHT_S = 0.1
"""A closure that begins this soon after a frame that could not be read must last as long, the shortest blink, before it
is believed: between the reflections on a lens a glimpse of the lid passes for a closed eye."""
SURE_OPEN, SURE_CLOSED = 0.2, 0.8
"""Probability of closed at which it outweighs the lids."""
UNDECIDED, ODDS_BY_LIDS = 0.6, 3.0
"""What the net sees between the lids and how far they are apart are two witnesses: lids at `UNDECIDED` say nothing, a
tenth further apart takes a factor of 1.35 (e to the 0.3) off the odds of closed. Measured: models/eyes.md."""
SUREST = 5.0
"""Log odds (99.3 %) beyond which the net is not believed more, lest one eye silence the other."""
FLOOR, CEILING, WIDEST = 0.45, 0.15, 1.5
"""An eye surely open reads at least FLOOR, above the reopening threshold; one surely closed at most CEILING."""
LEARN_P_CLOSED = 0.3
"""Only eyes the net takes for open teach the baseline."""
LEARN_OPENNESS = 0.4
"""Lids lower than this share of the present baseline do not teach; BOUNDS of the baseline lie 0.4 apart, so that a
first estimate however wrong can be learned away."""
_EPSILON = 1e-6
"""Seconds; frame times are sums of binary fractions."""
_REASONS: tuple[EyeReason, ...] = ("no_face", "sunglasses", "glare", "dark", "occluded", "pose", "blur")


def fuse(lids: float, p_closed: float) -> float:
    """Join what the lids and the eye net say into openness, 0 to `WIDEST`.

    `lids`: lid opening over this driver's own; `p_closed`: the net's probability of an eye at least 80 % closed.
    First the lids sharpen the probability; then they decide within the limits it sets: below `SURE_OPEN` never under
    `FLOOR`, above `SURE_CLOSED` never over `CEILING`, the limits moving linearly in between.
    """
    p = _probability(_log_odds(p_closed) + ODDS_BY_LIDS * (UNDECIDED - lids))
    open_share = min(max((SURE_CLOSED - p) / (SURE_CLOSED - SURE_OPEN), 0.0), 1.0)
    ceiling = CEILING + open_share * (WIDEST - CEILING)
    return max(min(lids, ceiling), open_share * FLOOR, 0.0)


def _log_odds(p: float) -> float:
    return max(-SUREST, min(SUREST, math.log(max(p, 1e-9) / max(1 - p, 1e-9))))


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


class Eyelids:
    """Openness of each eye and of both, and the closure that is under way."""

    def __init__(self) -> None:
        self.left, self.right = EyeBaseline(), EyeBaseline()
        self.closure = Stretch(forgive_s=REOPENED_FOR_S)
        self._closed = False
        self._unreadable: tuple[float, EyeReason | None] | None = None
        self._doubted_since: float | None = None
        self._glimpsed_t = 0.0

    def update(self, step: TimeStep, eyes: EyesView | None, missing: EyeReason | None, teach: bool) -> EyesState:
        """Take one frame.

        `missing`: why there are no `eyes` at all; `teach`: the head is frontal and steady, so that the frame may
        teach the baselines if the eyes are open.
        """
        seen = (_witnesses(eyes.left, self.left), _witnesses(eyes.right, self.right)) if eyes else (None, None)
        if seen == (None, None):
            self._unreadable = step.t, _reason(eyes) if eyes else missing
        left, right = (None if one is None else fuse(*one) for one in seen)
        openness = _together([one for one in seen if one is not None])
        state = self._judge(openness)
        if self._doubtful(step.t, state):
            state, openness, left, right = "unknown", None, None, None
        self.closure.update(step, None if state == "unknown" else state == "closed")
        if eyes and teach and state == "open" and step.seamless and not self.closure.running:
            _teach(step, eyes.left, left, self.left)
            _teach(step, eyes.right, right, self.right)
        reason = self._unreadable[1] if self._unreadable and state == "unknown" else None
        return EyesState(state, openness, left, right, reason, self.closure.value_s, self.closure.ending)

    def _judge(self, openness: float | None) -> EyesVerdict:
        if openness is None:
            return "unknown"
        self._closed = openness <= (REOPENED_ABOVE if self._closed else CLOSED_AT)
        return "closed" if self._closed else "open"

    def _doubtful(self, t: float, state: EyesVerdict) -> bool:
        """Say whether the closure seen at `t` may be a glimpse between two frames that cannot be read."""
        if state == "unknown":
            # A glimpse does not vouch for the next one if nothing was seen for as long in between.
            if t - self._glimpsed_t > SIGHT_S + _EPSILON:
                self._doubted_since = None
            return False
        if state == "open" or self.closure.length_s >= SIGHT_S - _EPSILON:
            self._doubted_since = None
            return False
        self._glimpsed_t = t
        if self._doubted_since is None and self._unreadable and t - self._unreadable[0] <= SIGHT_S + _EPSILON:
            self._doubted_since = t
        return self._doubted_since is not None and t - self._doubted_since < SIGHT_S - _EPSILON


def _witnesses(eye: EyeView, baseline: EyeBaseline) -> tuple[float, float] | None:
    """Return the lids over this driver's own and the probability of closed, None where the eye cannot be read."""
    if eye.opening is None or eye.p_closed is None or eye.reason is not None:
        return None
    if not (math.isfinite(eye.opening) and math.isfinite(eye.p_closed)):
        return None
    return eye.opening / baseline.value, eye.p_closed


def _together(eyes: list[tuple[float, float]]) -> float | None:
    """Return the openness of a driver: eyes close together, so the witnesses of both are heard before it is judged."""
    if not eyes:
        return None
    lids = sum(lids for lids, _ in eyes) / len(eyes)
    return fuse(lids, _probability(sum(_log_odds(p) for _, p in eyes) / len(eyes)))


def _teach(step: TimeStep, eye: EyeView, openness: float | None, baseline: EyeBaseline) -> None:
    if openness is None or eye.opening is None or eye.p_closed is None:
        return
    if eye.p_closed < LEARN_P_CLOSED and eye.opening >= LEARN_OPENNESS * baseline.value:
        baseline.learn(step, eye.opening)


def _reason(eyes: EyesView) -> EyeReason:
    """Return the reason that says most; numbers that are none (NaN) count as blur."""
    found: Iterable[EyeReason | None] = (eyes.left.reason, eyes.right.reason)
    return next((reason for reason in _REASONS if reason in found), "blur")
