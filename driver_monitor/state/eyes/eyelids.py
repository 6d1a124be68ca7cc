"""Measures how far the eyes are open for this driver, and judges whether they are closed."""

from __future__ import annotations

import math
from typing import NamedTuple

from driver_monitor.data.driver_state import EyesState, EyesVerdict
from driver_monitor.data.observation import EyeReason, EyesView, EyeView
from driver_monitor.state.eyes.closure import ShutMeter, closure_timer, log_odds, probability
from driver_monitor.state.eyes.eye_baseline import EyeBaseline
from driver_monitor.timing.cadence import EPSILON_S, TimeStep

CLOSED_AT = 0.2
"""Openness up to which an eye is closed: 80 % closed, P80 of PERCLOS (Wierwille et al., NHTSA DOT HS 808 247, 1994)."""
REOPENED_ABOVE = 0.4
"""Openness above which a closure ends. 0.2 splits one closure into many, 0.35 to 0.5 do not (labelled clips)."""
SIGHT_S = 0.1
"""A closure that begins this soon after an unreadable frame must last as long (ours) before it counts.
Between reflections on a lens, a short view of the lid looks like a closed eye."""
SURE_OPEN, SURE_CLOSED = 0.2, 0.7
"""The eye net is sure below and above these probabilities of closed. It then limits the openness."""
UNDECIDED = 0.6
"""Lid opening, relative to this driver's, that says neither open nor closed. Measured: models/eyes.md."""
ODDS_BY_LIDS = 3.0
"""Weight of the lids beside the net: a tenth more lid opening divides the odds of closed by 1.35 (e to the 0.3). Less
weight until this driver's open eye is known would spare narrow eyes, but lose a sleeper (models/eyes.md)."""
ODDS_THROWN_BACK = 1.0
"""Log odds of eyes that are not open, added while the head is thrown back in a yawn. Half of all yawns close the eyes,
and a sixth of all frames: that is 1.7. Ours is less, because few yawns are labelled."""
FLOOR, CEILING = 0.45, 0.15
"""Least openness of an eye that is surely open (above `REOPENED_ABOVE`), largest of one that is surely closed."""
WIDEST = 1.5
"""Largest openness."""
SURELY_UP = log_odds(SURE_OPEN) - 1e-9
"""Log odds of closed or lowered up to which the probability of closed is below `SURE_OPEN`, however it is rounded."""
LEARN_CLOSED, LEARN_SHUT = log_odds(0.3), log_odds(0.5)
"""The baseline learns only from eyes with lower log odds of closed, and of closed or lowered."""
LOWERED, STILL_LOWERED = 0.5, 0.35
"""Probability of lowered from which the eyes are lowered: more likely than not. Below the second they no longer are."""
LEARN_OPENNESS = 0.4
"""Lids lower than this share of the present baseline are not learned. The lower bound of a baseline is 0.4 of the
upper one, so any wrong first estimate can be unlearned."""
_REASONS: tuple[EyeReason, ...] = ("no_face", "sunglasses", "glare", "dark", "occluded", "pose", "blur")
"""The most informative reason first."""


class Lids(NamedTuple):
    """What lids and net say of one eye, or of both together.

    `lids`: lid opening over this driver's own. `closed`, `shut`: the net's log odds of closed, and of closed or
    lowered. `thrown_back`: the head is thrown back in a yawn.
    """

    lids: float
    closed: float
    shut: float
    thrown_back: bool = False

    def probabilities(self) -> tuple[float, float]:
        """Return the probabilities of closed and of lowered.

        The lids correct the net: wider lids make an open eye more probable. They do not tell a lowered eye from a
        closed one: both have low lids. Seen from below, the lids look wider than they are: they then count only where
        they are low.
        """
        shut = probability(self._shut_odds())
        if self.shut == self.closed:
            return shut, 0.0
        closed = shut * probability(self.closed) / probability(self.shut)
        return closed, shut - closed

    def openness(self, closed: float | None = None) -> float:
        """Return the openness, 0 to `WIDEST`. `closed`: the probability of closed, if it is already known.

        It is `lids`, but at least `FLOOR` at a probability of closed below `SURE_OPEN`, and at most `CEILING` above
        `SURE_CLOSED`. In between, both limits change linearly. Lids seen from below only count for an open eye.
        """
        if closed is None:
            # Most eyes are so surely neither closed nor lowered that `probabilities` is not needed.
            closed = 0.0 if self._shut_odds() <= SURELY_UP else self.probabilities()[0]
        if closed <= SURE_OPEN:
            return max(min(self.lids, WIDEST), FLOOR)
        open_share = min(max((SURE_CLOSED - closed) / (SURE_CLOSED - SURE_OPEN), 0.0), 1.0)
        ceiling = CEILING + open_share * (WIDEST - CEILING)
        lids = open_share * self.lids if self.thrown_back else self.lids
        return max(min(lids, ceiling), open_share * FLOOR, 0.0)

    def _shut_odds(self) -> float:
        """Return the log odds of closed or lowered, by the net and the lids."""
        by_lids = ODDS_BY_LIDS * (UNDECIDED - self.lids)
        if self.thrown_back:
            by_lids = max(by_lids, 0.0) + ODDS_THROWN_BACK
        return self.shut + by_lids


def fuse(lids: float, p_closed: float, p_lowered: float = 0.0) -> float:
    """Return the openness of an eye, 0 to `WIDEST`, from its lids (over this driver's own) and the net's answers."""
    return Lids(lids, log_odds(p_closed), log_odds(p_closed + p_lowered)).openness()


class Eyelids:
    """Openness of each eye and of both, and the present closure."""

    def __init__(self) -> None:
        self.left, self.right = EyeBaseline(), EyeBaseline()
        self.closure = closure_timer()
        self._closed = self._lowered = False
        self._shut = ShutMeter()
        self._unreadable: tuple[float, EyeReason | None] | None = None
        self._doubted_since: float | None = None
        self._doubted_t = 0.0

    def update(
        self,
        step: TimeStep,
        eyes: EyesView | None,
        missing: EyeReason | None,
        may_learn: bool,
        thrown_back: bool = False,
    ) -> EyesState:
        """Take one frame and return the state of the eyes.

        `eyes`: None without a face; `missing` then says why. `may_learn`: the gaze is frontal and steady, so baselines
        may learn from open eyes. `thrown_back`: the head is thrown back in a yawn. A closure just after an unreadable
        frame is "unknown" for its first `SIGHT_S`.
        """
        left, right = self._read(step.t, eyes, missing)
        both = _of_both(left, right, thrown_back)
        p_closed, p_lowered = (None, None) if both is None else both.probabilities()
        openness = None if both is None else both.openness(p_closed)
        state = self._judge(openness)
        if self._doubtful(step.t, state):
            state, openness, p_closed, p_lowered, left, right = "unknown", None, None, None, None, None
        self._time(step, state, p_closed)
        if eyes and may_learn and state == "open" and step.seamless and not self.closure.running:
            _learn(self.left, step, eyes.left, left)
            _learn(self.right, step, eyes.right, right)
        return EyesState(
            state,
            openness,
            None if left is None else left.openness(),
            None if right is None else right.openness(),
            self._unreadable[1] if self._unreadable and state == "unknown" else None,
            self.closure.value_s,
            self.closure.ending,
            p_closed,
            self._judge_lowered(state, p_lowered if _tell_lowered(eyes) else None),
            self._shut.p_closure,
            self._shut.stretch.value_s,
            self._shut.stretch.ending,
        )

    def _read(self, t: float, eyes: EyesView | None, missing: EyeReason | None) -> tuple[Lids | None, Lids | None]:
        """Return what lids and net say of the left and the right eye. Keep why neither could be read, and when."""
        left = right = None
        if eyes is not None:
            left, right = _measured(eyes.left, self.left), _measured(eyes.right, self.right)
        if left is None and right is None:
            self._unreadable = t, _reason(eyes) if eyes else missing
        return left, right

    def _time(self, step: TimeStep, state: EyesVerdict, p_closed: float | None) -> None:
        """Time the closure, and the eyes that may be closed."""
        closed = None if state == "unknown" else state == "closed"
        if closed not in self.closure.ignores:
            self.closure.update(step, closed)
        self._shut.update(step, self.closure, state, p_closed)

    def _judge_lowered(self, state: EyesVerdict, p_lowered: float | None) -> bool | None:
        if p_lowered is None:
            self._lowered = False
            return None
        self._lowered = state == "open" and p_lowered >= (STILL_LOWERED if self._lowered else LOWERED)
        return self._lowered

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


def _tell_lowered(eyes: EyesView | None) -> bool:
    """Return whether the net has told for at least one eye how probably it is lowered."""
    return eyes is not None and (_told(eyes.left.p_lowered) or _told(eyes.right.p_lowered))


def _told(p: float | None) -> bool:
    return p is not None and math.isfinite(p)


def _measured(eye: EyeView, baseline: EyeBaseline) -> Lids | None:
    """Return what lids and net say of an eye, None where it cannot be read."""
    if eye.opening is None or eye.p_closed is None or eye.reason is not None:
        return None
    if not (math.isfinite(eye.opening) and math.isfinite(eye.p_closed)):
        return None
    closed = log_odds(eye.p_closed)
    lowered = eye.p_lowered
    shut = log_odds(eye.p_closed + lowered) if lowered and math.isfinite(lowered) else closed
    return Lids(eye.opening / baseline.value, closed, shut)


def _learn(baseline: EyeBaseline, step: TimeStep, view: EyeView, seen: Lids | None) -> None:
    """Learn the baseline of one eye, if the eye is seen and surely open."""
    if seen is not None and seen.lids >= LEARN_OPENNESS and seen.closed < LEARN_CLOSED and seen.shut < LEARN_SHUT:
        baseline.learn(step, view.opening or 0.0)


def _of_both(left: Lids | None, right: Lids | None, thrown_back: bool) -> Lids | None:
    """Return the mean of both eyes, None without one. They close together, so they are judged together."""
    if left is None or right is None:
        one = right if left is None else left
        return one._replace(thrown_back=True) if one is not None and thrown_back else one
    return Lids(
        (left.lids + right.lids) / 2, (left.closed + right.closed) / 2, (left.shut + right.shut) / 2, thrown_back
    )


def _reason(eyes: EyesView) -> EyeReason:
    """Return the most informative reason. Eyes whose numbers are not finite count as blur."""
    reasons = (eyes.left.reason, eyes.right.reason)
    return next((reason for reason in _REASONS if reason in reasons), "blur")
