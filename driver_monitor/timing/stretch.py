"""How long something has been going on: the one timer behind closures, looks away, yawns and the rules' delays."""

from __future__ import annotations

from driver_monitor.timing.cadence import MAX_GAP_S, TimeStep

ONSET_S = 0.05
"""What is first seen in a frame began this long after the frame before, if that was so long ago: lids shut, and
saccades land, within about 50 to 100 ms."""
ONSET_PERIODS = 1.5
"""A step of up to so many usual periods is jitter, and what it shows may have begun right after its beginning; in a
longer one a frame was dropped, which must not make a stretch longer."""
ONSET_LIMIT_S = 0.25
"""A stretch is never taken to begin earlier than this before it was first seen: below 5 frames a second nothing is
promised."""
JUST_BEGUN_S = 1e-3
"""Length of a stretch in its first frame: 0.0 is kept for "there is none", and must not end an alert."""
_EPSILON = 1e-6


def lead(step: TimeStep) -> float:
    """Return how long before `step.t` a change that this frame is the first to show is taken to have happened, s.

    With it a duration is full at most a period and 50 ms late at 5 to 60 frames a second; steady at 20 and above it
    is 0.
    """
    seen_s = min(step.dt, ONSET_PERIODS * step.period)
    return min(max(seen_s - ONSET_S, 0.0), ONSET_LIMIT_S) if step.seamless else 0.0


class Stretch:
    """Times a condition that is true, false or unknown (None) in each frame.

    Only time between two looks that both say true is counted, and only if nothing can hide in between: a frame or
    two that cannot be read are like frames not taken. A longer unknown time neither counts nor resets, up to
    `bridge_s`; beyond, the stretch is forgotten and its length unknown. The stretch ends when the condition has been
    false for `forgive_s`; a shorter interruption neither counts nor ends it, unless the interruptions together are
    longer than the stretch by so much: what is there and gone in turns is no stretch.
    """

    def __init__(self, *, forgive_s: float = 0.0, bridge_s: float = MAX_GAP_S) -> None:
        self._forgive_s, self._bridge_s = forgive_s, bridge_s
        self._total = 0.0
        self._tail = 0.0
        self._forgiven = 0.0
        self._last: bool | None = None
        self._known: bool | None = None
        self._known_t: float | None = None
        self._false_since: float | None = None
        self.running = False
        """Whether a stretch is under way."""
        self.began = False
        """Whether a stretch was first seen in this frame: a new one, however the one before ended."""
        self.ended_s: float | None = None
        """Length of the stretch that ended with this frame, seconds, else None."""

    @property
    def ending(self) -> bool:
        """Whether a stretch has been interrupted, not yet for long enough to be over."""
        return self.running and self._false_since is not None

    @property
    def value_s(self) -> float | None:
        """Seconds so far, 0.0 when there is no stretch, None while the condition is unknown."""
        return None if self._last is None else self.length_s

    @property
    def length_s(self) -> float:
        """Seconds so far, held over an unknown time that is short enough to be bridged."""
        return max(round(self._total, 6), JUST_BEGUN_S) if self.running else 0.0

    def update(self, step: TimeStep, verdict: bool | None) -> None:
        """Take one frame."""
        self.ended_s = None
        self.began = False
        if self._known_t is not None and step.t - self._known_t > self._bridge_s + _EPSILON:
            self.reset()
        if verdict is None:
            self._last = None
            return
        if verdict:
            self._true(step)
        else:
            self._false(step)
        self._last = self._known = verdict
        self._known_t = step.t

    def begin(self, step: TimeStep, already_s: float) -> None:
        """Begin anew with this frame, in which it has been so for `already_s` seconds."""
        self.reset()
        self.running = self._last = self._known = True
        self._total, self._known_t, self._forgiven = already_s, step.t, 0.0

    def reset(self) -> None:
        """Forget everything: the length is unknown until the condition is known again."""
        self.running = False
        self._total = 0.0
        self._last = self._known = self._known_t = self._false_since = None

    def _true(self, step: TimeStep) -> None:
        if not self.running:
            self.running = self.began = True
            self._total = lead(step) if self._last is False else 0.0
            self._forgiven = 0.0
        elif self._known and self._known_t is not None and step.t - self._known_t <= step.reach + _EPSILON:
            self._total += step.t - self._known_t
        if self._false_since is not None:
            self._forgiven += step.t - self._false_since
        self._false_since = None

    def _false(self, step: TimeStep) -> None:
        if not self.running:
            return
        if self._false_since is None:
            seen = self._last is True
            self._false_since = step.t - (lead(step) if seen else 0.0)
            self._tail = step.dt - lead(step) if seen and step.seamless else 0.0
        off_s = step.t - self._false_since
        if max(off_s, self._forgiven + off_s - self._total) >= self._forgive_s - _EPSILON:
            self.running = False
            self.ended_s = round(self._total + self._tail, 6)
            self._total, self._false_since = 0.0, None


class Outage:
    """How long something has been missing, by the clock: here a gap between frames counts as missing too.

    It is over when the thing has been back for `heal_s`.
    """

    def __init__(self, heal_s: float = 0.0) -> None:
        self._heal_s = heal_s
        self._since: float | None = None
        self._back: float | None = None

    def update(self, t: float, out: bool) -> float:
        """Return the length of the outage at `t` in seconds; 0.0 when all is well."""
        if out:
            self._since = t if self._since is None else self._since
            self._back = None
        elif self._since is not None:
            self._back = t if self._back is None else self._back
            if t - self._back >= self._heal_s - _EPSILON:
                self._since = self._back = None
        return 0.0 if self._since is None else round(t - self._since, 6)
