"""Measures how far the eyes are open for this driver, and judges whether they are closed."""

from __future__ import annotations

import math

from driver_monitor.data.driver_state import EyesState, EyesVerdict
from driver_monitor.data.observation import EyeReason, EyesView, EyeView
from driver_monitor.state.eyes.eye_baseline import EyeBaseline
from driver_monitor.timing.cadence import EPSILON_S, TimeStep
from driver_monitor.timing.stretch import Stretch

CLOSED_AT = 0.2
"""Openness up to which an eye is closed: 80 % closed, P80 of PERCLOS (Wierwille et al., NHTSA DOT HS 808 247, 1994)."""
REOPENED_ABOVE = 0.4
"""Openness above which a closure ends. 0.2 splits one closure into many, 0.35 to 0.5 do not (labelled clips)."""
REOPENED_FOR_S = 0.1
"""Eyes that seem open for less are noise: the lids alone need longer to rise and fall. One or two wrong frames at 20
frames a second, or one at 10, do not split a closure. Below that rate one open frame ends it."""
REOPENED_SHARE = 0.05
"""Share of a closure that such noise may add up to, beside `REOPENED_FOR_S` (ours): one wrong frame in twenty. Lids
that flicker at half height for a second or two are not one closure of a second."""
SETTLED_S = 1.0
"""From this length on (ours: a microsleep), a closure may be interrupted by as many wrong frames as before this limit
was set: a sleeper must stay asleep when one frame in ten is read wrongly."""
SIGHT_S = 0.1
"""A closure that begins this soon after an unreadable frame must last as long (the shortest blink) before it counts.
Between reflections on a lens, a short view of the lid looks like a closed eye."""
SURE_OPEN, SURE_CLOSED = 0.2, 0.8
"""The eye net is sure below and above these probabilities of closed. It then limits the openness."""
UNDECIDED = 0.6
"""Lid opening, relative to this driver's, that says neither open nor closed. Measured: models/eyes.md."""
ODDS_BY_LIDS = 3.0
"""Weight of the lids beside the net: a tenth more lid opening divides the odds of closed by 1.35 (e to the 0.3)."""
SUREST = 5.0
"""Largest log odds (99.3 %) that the net's answer counts for, so that one eye cannot override the other."""
FLOOR, CEILING = 0.45, 0.15
"""Least openness of an eye that is surely open (above `REOPENED_ABOVE`), largest of one that is surely closed."""
WIDEST = 1.5
"""Largest openness."""
LEARN_P_CLOSED = 0.3
"""The baseline learns only from eyes with a lower probability of closed."""
LEARN_OPENNESS = 0.4
"""Lids lower than this share of the present baseline are not learned. The lower bound of a baseline is 0.4 of the
upper one, so any wrong first estimate can be unlearned."""
_REASONS: tuple[EyeReason, ...] = ("no_face", "sunglasses", "glare", "dark", "occluded", "pose", "blur")
"""The most informative reason first."""

Measured = tuple[float, float]
"""Lid opening over this driver's own, and probability of closed."""


def fuse(lids: float, p_closed: float) -> float:
    """Return the openness, 0 to `WIDEST`, of an eye from its lids and the eye net.

    `lids`: lid opening over this driver's own. `p_closed`: the net's probability of an eye at least 80 % closed.
    First the lids correct the probability: wider lids lower it. Then the openness is `lids`, but at least `FLOOR` at a
    probability below `SURE_OPEN`, and at most `CEILING` above `SURE_CLOSED`. In between, both limits change linearly.
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
    """Openness of each eye and of both, and the present closure."""

    def __init__(self) -> None:
        self.left, self.right = EyeBaseline(), EyeBaseline()
        self.closure = Stretch(forgive_s=REOPENED_FOR_S, forgive_share=REOPENED_SHARE, settled_s=SETTLED_S)
        self._closed = False
        self._unreadable: tuple[float, EyeReason | None] | None = None
        self._doubted_since: float | None = None
        self._doubted_t = 0.0

    def update(self, step: TimeStep, eyes: EyesView | None, missing: EyeReason | None, may_learn: bool) -> EyesState:
        """Take one frame and return the state of the eyes.

        `eyes`: None without a face; `missing` then says why. `may_learn`: the gaze is frontal and steady, so baselines
        may learn from open eyes. A closure just after an unreadable frame is "unknown" for its first `SIGHT_S`.
        """
        left, right = (_measured(eyes.left, self.left), _measured(eyes.right, self.right)) if eyes else (None, None)
        if left is None and right is None:
            self._unreadable = step.t, _reason(eyes) if eyes else missing
        openness = _of_both([one for one in (left, right) if one is not None])
        state = self._judge(openness)
        if self._doubtful(step.t, state):
            state, openness, left, right = "unknown", None, None, None
        left_openness, right_openness = (None if one is None else fuse(*one) for one in (left, right))
        closed = None if state == "unknown" else state == "closed"
        if closed not in self.closure.ignores:
            self.closure.update(step, closed)
        if eyes and may_learn and state == "open" and step.seamless and not self.closure.running:
            for view, seen, baseline in ((eyes.left, left, self.left), (eyes.right, right, self.right)):
                if seen is not None and seen[0] >= LEARN_OPENNESS and seen[1] < LEARN_P_CLOSED:
                    baseline.learn(step, view.opening or 0.0)
        reason = self._unreadable[1] if self._unreadable and state == "unknown" else None
        closure = self.closure
        return EyesState(state, openness, left_openness, right_openness, reason, closure.value_s, closure.ending)

    def _judge(self, openness: float | None) -> EyesVerdict:
        if openness is None:
            return "unknown"
        self._closed = openness <= (REOPENED_ABOVE if self._closed else CLOSED_AT)
        return "closed" if self._closed else "open"

    def _doubtful(self, t: float, state: EyesVerdict) -> bool:
        """Return whether the closure seen at `t` may be a short view of the lid between two unreadable frames."""
        if state == "unknown":
            # One doubtful frame does not support the next if nothing was readable for as long in between.
            if t - self._doubted_t > SIGHT_S + EPSILON_S:
                self._doubted_since = None
            return False
        if state == "open" or self.closure.length_s >= SIGHT_S - EPSILON_S:
            self._doubted_since = None
            return False
        self._doubted_t = t
        if self._doubted_since is None and self._unreadable and t - self._unreadable[0] <= SIGHT_S + EPSILON_S:
            self._doubted_since = t
        return self._doubted_since is not None and t - self._doubted_since < SIGHT_S - EPSILON_S


def _measured(eye: EyeView, baseline: EyeBaseline) -> Measured | None:
    """Return what lids and net say of an eye, None where it cannot be read."""
    if eye.opening is None or eye.p_closed is None or eye.reason is not None:
        return None
    if not (math.isfinite(eye.opening) and math.isfinite(eye.p_closed)):
        return None
    return eye.opening / baseline.value, eye.p_closed


def _of_both(eyes: list[Measured]) -> float | None:
    """Return the openness of both eyes. They close together, so their means are fused."""
    if not eyes:
        return None
    lids = sum(lids for lids, _ in eyes) / len(eyes)
    return fuse(lids, _probability(sum(_log_odds(p) for _, p in eyes) / len(eyes)))


def _reason(eyes: EyesView) -> EyeReason:
    """Return the most informative reason. Eyes whose numbers are not finite count as blur."""
    reasons = (eyes.left.reason, eyes.right.reason)
    return next((reason for reason in _REASONS if reason in reasons), "blur")
