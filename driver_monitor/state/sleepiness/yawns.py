"""Counts yawns: a mouth that opens once, wide, and stays so. Talk and laughs open it for shorter times, in turns."""

from __future__ import annotations

import math
from collections import deque

from driver_monitor.data.driver_state import Mouth
from driver_monitor.timing.cadence import TimeStep
from driver_monitor.timing.stretch import Stretch

USUAL_AT_FIRST, USUAL_S = 0.1, 20.0
"""This driver's usual `FaceView.mouth_opening`: its mean with this time constant. A mouth at rest has 0.05 to 0.15
(labelled clips). The mouth of a person who talks may have 0.4 for minutes, and is not wide."""
ABOVE = 0.22
"""A mouth is wide from this much above the usual one. Of three yawns, the least wide one has 0.25 to 0.35 more."""
LEAST = 0.32
"""Least opening of a wide mouth. Talk, laughs and grimaces of the labelled clips have 0.1 to 0.3 most of the time."""
LEAST_AT_FIRST = 0.55
"""Least opening of a wide mouth that has not been seen less open. One labelled person talks with 0.4 on average."""
HYSTERESIS = 0.06
"""A wide mouth stays wide until it is this much below the limit. Our landmarks move by less from frame to frame."""
PLATEAU = 0.7
"""Least share of the largest opening so far, both above the usual one, within a yawn. Talk goes up and down by more."""
FORGIVE_S, FORGIVE_SHARE = 0.15, 0.1
"""A shorter dip does not end a yawn. A vowel lasts 0.1 to 0.3 s, so talk has longer dips. Dips may add up to this
share."""
HELD_S, HELD_WITH_SIGN_S = 1.4, 1.0
"""Least time with a wide mouth, and with a second sign. A yawn lasts 4 to 7 s (Barbizet, J. Neurol. Neurosurg.
Psychiatry 21, 1958), its wide phase about half of that. A sung note may be held for 1.2 s."""
ENOUGH, ENOUGH_WITH_SIGN = 0.6, 0.45
"""Sum over the seconds of a wide mouth, of the opening above the usual one: 0.6 is 2 s of 0.3, or 1 s of 0.6. Three
yawns of the labelled clips have 0.77, 1.4 and 2.9, the one of the demo 1.3. Talk, laughs and mouth exercises have at
most 0.49. With a second sign, less is enough."""
SIGN_SHARE = 0.4
"""Second sign: the eyes are closed for this share of the time with a wide mouth, or a hand covers the mouth after it
has opened wide. Ours."""
HAND_S = 3.0
"""A mouth that was wide and is then covered may be wide again after this time: it is the same yawn."""
PITCH_S, THROWN_BACK_DEG = 3.0, 10.0
"""A head is thrown back from so many degrees above its mean pitch, with this time constant. The jaw of a wide mouth
alone moves the measured pitch up by 3 to 6 degrees (labelled clips)."""
SHUT_ABOVE, CLOSING_S = 0.1, 1.0
"""A yawn is over when the mouth is less than this above the usual one, or so long after it was last wide."""
LONGEST_S = 10.0
"""A mouth that is open for longer is not in a yawn: it may be a sleeper's."""
CANDIDATE_S = 0.3
"""A mouth that is wide for so long may be in a yawn. A vowel is shorter."""
APART_S = 15.0
"""Least time from one counted yawn to the next. A mouth held wide sooner is the same yawn, or a grimace."""
WINDOW_S = 300.0
"""Yawns are counted over five minutes."""
UNSEEN_S = 0.5
"""A wide mouth that was not seen for longer is no likely yawn any more (ours)."""


class YawnCounter:
    """Counts each yawn once, when the mouth has been wide for long enough.

    `under_way`: whether there is a yawn, until the mouth is shut again. `likely`: whether there may be one: the mouth
    is wide, but not yet for long enough. `thrown_back`: whether the head is thrown back in either.
    """

    def __init__(self) -> None:
        self._wide = Stretch(forgive_s=FORGIVE_S, forgive_share=FORGIVE_SHARE, bridge_s=HAND_S)
        self._usual, self._rest = USUAL_AT_FIRST, USUAL_AT_FIRST
        self._peak = self._sum = self._closed_s = 0.0
        self._covered = self._yawning = self._seen_shut = False
        self._times: deque[float] = deque()
        self._pitch: float | None = None
        self._found_t = self._wide_t = -math.inf
        self.under_way = self.likely = self.thrown_back = False

    def update(self, step: TimeStep, opening: float | None, closed: bool = False, pitch: float | None = None) -> Mouth:
        """Return mouth and yawns after one frame.

        `opening`: as in `FaceView.mouth_opening`, None while unknown, as when a hand covers the mouth. `closed`:
        whether the eyes are closed. `pitch`: of the head, degrees, + up, None while unknown.
        """
        if opening is not None and not math.isfinite(opening):
            opening = None
        self._measure(step, opening, closed)
        found = self._found()
        if found and not self._yawning and not (self._times and step.t - self._times[-1] < APART_S):
            self._times.append(step.t)
        self._yawning = found
        length = self._wide.length_s
        if opening is not None and self._wide.running and not self._wide.ending:
            self._wide_t = step.t
        # A mouth that is not seen, as of a head that sinks, must not hold back an alert for long.
        self.likely = not found and CANDIDATE_S <= length < LONGEST_S and step.t - self._wide_t <= UNSEEN_S
        shut = opening is not None and opening < self._rest + SHUT_ABOVE
        self._found_t = step.t if found else self._found_t
        self.under_way = step.t - self._found_t <= CLOSING_S and not shut
        self.thrown_back = self._throws_back(step, pitch)
        while self._times and self._times[0] < step.t - WINDOW_S:
            self._times.popleft()
        return Mouth(opening, None if opening is None else self._yawning, len(self._times), WINDOW_S)

    def _throws_back(self, step: TimeStep, pitch: float | None) -> bool:
        if pitch is None or not math.isfinite(pitch):
            return False
        if self._pitch is None:
            self._pitch = pitch
        if not (self.likely or self.under_way):
            self._pitch += (1 - math.exp(-step.shown_s / PITCH_S)) * (pitch - self._pitch)
            return False
        return pitch >= self._pitch + THROWN_BACK_DEG

    def _found(self) -> bool:
        length = self._wide.length_s
        sign = self._covered or self._closed_s >= SIGN_SHARE * length
        held_s, enough = (HELD_WITH_SIGN_S, ENOUGH_WITH_SIGN) if sign else (HELD_S, ENOUGH)
        return held_s <= length < LONGEST_S and self._sum >= enough

    def _measure(self, step: TimeStep, opening: float | None, closed: bool) -> None:
        """Take one frame into the present stretch of a wide mouth."""
        if opening is None:
            self._covered = self._covered or self._wide.running
            if None not in self._wide.ignores:
                self._wide.update(step, None)
            return
        if not self._wide.running:
            self._rest, self._peak = self._usual, 0.0
        least = max(LEAST, self._rest + ABOVE)
        self._seen_shut = self._seen_shut or opening < least
        limit = (least if self._seen_shut else LEAST_AT_FIRST) - (HYSTERESIS if self._wide.running else 0.0)
        above = opening - self._rest
        wide = opening >= limit and above >= PLATEAU * self._peak
        self._peak = max(self._peak, above) if wide else self._peak
        before_s = self._wide.length_s
        if wide not in self._wide.ignores:
            self._wide.update(step, wide)
        if self._wide.began:
            self._sum, self._closed_s, self._covered, before_s = 0.0, 0.0, False, 0.0
        more_s = max(self._wide.length_s - before_s, 0.0)
        self._sum += more_s * above
        self._closed_s += more_s if closed else 0.0
        self._usual += (1 - math.exp(-step.shown_s / USUAL_S)) * (opening - self._usual)
