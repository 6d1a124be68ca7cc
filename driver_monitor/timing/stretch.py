"""Measures how long a condition has been true, and how long something has been missing."""

from __future__ import annotations

from driver_monitor.timing.cadence import EPSILON_S, MAX_GAP_S, TimeStep

ONSET_S = 0.05
"""Time that a change is taken to happen after the last frame that did not show it: lids shut, and saccades land, within
about 50 to 100 ms."""
ONSET_PERIODS = 1.5
"""`lead` counts at most so many usual periods of a step: the time of dropped frames must not make a stretch longer."""
ONSET_LIMIT_S = 0.25
"""Largest `lead` of a stretch, before the first frame that shows it. Below 5 frames a second nothing is promised."""
JUST_BEGUN_S = 1e-3
"""Least length of a running stretch. A length of 0.0 means "there is no stretch" and would end an alert."""


def lead(step: TimeStep) -> float:
    """Estimate how long before `step.t` a change happened that this frame is the first to show, seconds.

    The change is taken to happen `ONSET_S` after the previous frame, at most `ONSET_LIMIT_S` before this one. The
    result is 0 if the step is not seamless, and at a steady 20 frames a second and above. With this correction a
    duration reaches a limit at most one period and 50 ms late, at 5 to 60 frames a second.
    """
    seen_s = min(step.dt, ONSET_PERIODS * step.period)
    return min(max(seen_s - ONSET_S, 0.0), ONSET_LIMIT_S) if step.seamless else 0.0


class Stretch:
    """Measures how long a condition has been true (a stretch). In each frame it is true, false or unknown (None).

    Time counts between two known frames in a row that both show true, at most `TimeStep.reach` apart. The stretch
    begins at the first frame that shows true. If the frame before shows false, it begins `lead` seconds earlier.
    - Unknown: an unknown time up to `bridge_s` does not end the stretch. A longer one discards it without `ended_s`.
    - False: an interruption shorter than `forgive_s` does not end the stretch, and its time does not count. If the
      interruptions add up to `forgive_s` plus `forgive_share` of the true time, the stretch ends: a flickering
      condition is no stretch. Once the true time has reached `settled_s`, the share is 1.
    """

    def __init__(
        self,
        *,
        forgive_s: float = 0.0,
        forgive_share: float = 1.0,
        settled_s: float = 0.0,
        bridge_s: float = MAX_GAP_S,
    ) -> None:
        self._forgive_s, self._forgive_share, self._bridge_s = forgive_s, forgive_share, bridge_s
        self._settled_s = settled_s
        self._total = 0.0
        self._tail = 0.0
        self._forgiven = 0.0
        self._last: bool | None = None
        self._known: bool | None = None
        self._known_t: float | None = None
        self._false_since: float | None = None
        self.running = False
        """Whether a stretch has begun and not ended."""
        self.ignores: tuple[bool | None, ...] = ()
        """Conditions for which the next `update` changes nothing and may be skipped. Empty during a stretch."""
        self.began = False
        """Whether this frame is the first of a stretch."""
        self.ending = False
        """Whether the stretch is interrupted, but not yet for long enough to end."""
        self.ended_s: float | None = None
        """Length of the stretch that ended with this frame, seconds, else None."""
        self.length_s = 0.0
        """Seconds so far, 0.0 when there is no stretch. It is kept while an unknown time is bridged."""
        self.value_s: float | None = None
        """Seconds so far, 0.0 when there is no stretch, None while the condition is unknown."""

    def update(self, step: TimeStep, holds: bool | None) -> None:
        """Take one frame and set the attributes. `holds`: whether the condition is true, None if unknown."""
        self.ended_s = None
        self.began = False
        if holds and self._goes_on(step):
            return
        if False in self.ignores:
            self._known_t = step.t - step.dt
        if self._known_t is not None and step.t - self._known_t > self._bridge_s + EPSILON_S:
            self.reset()
        if holds is not None:
            if holds:
                self._true(step)
            else:
                self._false(step)
            self._known, self._known_t = holds, step.t
        self._last = holds
        self._measure()

    def _goes_on(self, step: TimeStep) -> bool:
        """Take a frame in the middle of a stretch: most frames are such. False: it is none, and nothing was done."""
        if not self.running or not self._last or self._false_since is not None or self._known_t is None:
            return False
        seconds = step.t - self._known_t
        if seconds > min(step.reach, self._bridge_s):
            return False
        self._total += seconds
        self._known_t = step.t
        self.length_s = self.value_s = max(round(self._total, 6), JUST_BEGUN_S)
        return True

    def begin(self, step: TimeStep, already_s: float) -> None:
        """Discard any stretch, and begin one that has a length of `already_s` seconds at this frame."""
        self.reset()
        self.running = self._last = self._known = True
        self._total, self._known_t, self._forgiven = already_s, step.t, 0.0
        self._measure()

    def reset(self) -> None:
        """Discard any stretch. `length_s` becomes 0.0, and `value_s` None until the condition is known again."""
        self.running = False
        self._total = 0.0
        self._last = self._known = self._known_t = self._false_since = None
        self._measure()

    def _measure(self) -> None:
        """Set what callers read. Plain attributes: they are read more often than they change."""
        self.length_s = max(round(self._total, 6), JUST_BEGUN_S) if self.running else 0.0
        self.value_s = None if self._last is None else self.length_s
        self.ending = self.running and self._false_since is not None
        unchanging = not self.running and self.ended_s is None and self._last is not True
        self.ignores = (self._last,) if unchanging else ()

    def _true(self, step: TimeStep) -> None:
        if not self.running:
            self.running = self.began = True
            self._total = lead(step) if self._last is False else 0.0
            self._forgiven = 0.0
        elif self._known and self._known_t is not None and step.t - self._known_t <= step.reach + EPSILON_S:
            self._total += step.t - self._known_t
        if self._false_since is not None:
            self._forgiven += step.t - self._false_since
        self._false_since = None

    def _false(self, step: TimeStep) -> None:
        if not self.running:
            return
        if self._false_since is None:
            was_true = self._last is True
            self._false_since = step.t - (lead(step) if was_true else 0.0)
            self._tail = step.dt - lead(step) if was_true and step.seamless else 0.0
        off_s = step.t - self._false_since
        share = self._forgive_share if self._total < self._settled_s else 1.0
        if max(off_s, self._forgiven + off_s - share * self._total) >= self._forgive_s - EPSILON_S:
            self.running = False
            self.ended_s = round(self._total + self._tail, 6)
            self._total, self._false_since = 0.0, None


class Outage:
    """Measures how long something has been missing, from the first frame without it.

    The outage ends when the thing has been back for `heal_s` seconds in one piece. Until then `length_s` grows.
    """

    def __init__(self, heal_s: float = 0.0) -> None:
        self._heal_s = heal_s
        self._since: float | None = None
        self._back: float | None = None
        self.length_s = 0.0
        """Seconds so far, 0.0 when nothing is missing."""
        self.running = False
        """Whether there is an outage. While there is none, frames with nothing missing need not be given."""

    def update(self, t: float, missing: bool) -> None:
        """Take one frame at `t`, seconds. `missing`: whether the thing is missing in it."""
        if missing:
            self._since = t if self._since is None else self._since
            self._back = None
        elif self._since is not None:
            self._back = t if self._back is None else self._back
            if t - self._back >= self._heal_s - EPSILON_S:
                self._since = self._back = None
        self.running = self._since is not None
        self.length_s = 0.0 if self._since is None else round(t - self._since, 6)
