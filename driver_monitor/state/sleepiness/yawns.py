"""Counts yawns: a mouth that is held wide open. Talking and laughing open it for shorter times."""

from __future__ import annotations

import math
from collections import deque

from driver_monitor.data.driver_state import Mouth
from driver_monitor.timing.cadence import TimeStep
from driver_monitor.timing.stretch import Stretch

OPEN_AT = 0.42
"""Least `FaceView.mouth_opening` of a wide mouth, for our landmark net. On labelled clips two sure yawns hold 0.45 and
0.78 for `HELD_S`, the demo 0.57, a doubtful one 0.39; talk, laughs, grimaces at most 0.25. Provisional: two are few."""
ENDED_BELOW = 0.32
"""The mouth is no longer wide open below this: a tenth of hysteresis. Its changes within a yawn stay above."""
HELD_S = 1.5
"""Least time with a wide mouth. A yawn lasts 4 to 7 s (Barbizet, J. Neurol. Neurosurg. Psychiatry 21, 1958), its wide
phase about half of that. Syllables and laughter open the mouth for well under a second. To be confirmed on data."""
FORGIVE_S = 0.25
"""A shorter dip does not end a yawn."""
APART_S = 15.0
"""Least time from one counted yawn to the next. A mouth held wide sooner is the same yawn, or a grimace."""
WINDOW_S = 300.0
"""Yawns are counted over five minutes."""


class YawnCounter:
    """Counts each yawn once, when it has been held long enough."""

    def __init__(self) -> None:
        self._wide = Stretch(forgive_s=FORGIVE_S)
        self._is_wide = False
        self._yawning = False
        self._times: deque[float] = deque()

    def update(self, step: TimeStep, opening: float | None) -> Mouth:
        """Return mouth and yawns after one frame. `opening`: as in `FaceView.mouth_opening`, None while unknown."""
        if opening is not None and not math.isfinite(opening):
            opening = None
        if opening is not None:
            self._is_wide = opening >= (ENDED_BELOW if self._is_wide else OPEN_AT)
        wide = None if opening is None else self._is_wide
        if wide not in self._wide.ignores:
            self._wide.update(step, wide)
        held = self._wide.length_s
        if held >= HELD_S and not self._yawning and not (self._times and step.t - self._times[-1] < APART_S):
            self._times.append(step.t)
        self._yawning = held >= HELD_S
        while self._times and self._times[0] < step.t - WINDOW_S:
            self._times.popleft()
        return Mouth(opening, None if opening is None else self._yawning, len(self._times), WINDOW_S)
