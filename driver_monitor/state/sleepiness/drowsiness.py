"""Estimates Karolinska sleepiness (KSS) from PERCLOS, blinks, yawns and nods, with an interval and the reason.

Two estimates are averaged: the smaller the error of one, the larger its weight. Yawns and nods then add points.
- PERCLOS: 8 and 12 % over a minute are settings of a field test (NHTSA DOT HS 811 117, 2009, as reported). They are no
  levels of sleepiness: most of its alerts were false. Wierwille et al. (NHTSA DOT HS 808 247, 1994, as reported) have
  other bands: awake below 7.5 %, questionable up to 15 %, drowsy above. On the Karolinska scale 7 is "sleepy, no effort
  to stay awake" and 8 "some effort" (Akerstedt and Gillberg, Int. J. Neurosci. 52, 1990, as reported). The mapping of
  PERCLOS to the scale is ours, not a fit (docs/clauses.md).
- Blinks: a fit on UTA-RLDD (`tools.drowsiness.fit`) compares the last thirty with this driver's own. On people not in
  the fit, its AUC for alert against drowsy is 0.84, and it is off by 2.3 points. So its weight is small.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from functools import lru_cache

import numpy as np

from driver_monitor.data.driver_state import Blink, Drowsiness, Perclos
from driver_monitor.state.eyes.perclos import WINDOW_S
from driver_monitor.state.sleepiness.blink_baseline import BlinkBaseline
from driver_monitor.state.sleepiness.blink_features import BLINKS, features, probabilities
from driver_monitor.state.sleepiness.drowsiness_weights import DEVIATION, MEAN, WEIGHTS

PERCLOS_POINTS = (0.0, 0.08, 0.12, 0.30)
KSS_POINTS = (3.0, 6.5, 7.5, 9.0)
"""Karolinska sleepiness at each PERCLOS, linear in between. An alert driver has 3; the scale ends at 9. Ours."""
KSS = (2.0, 6.5, 8.5)
"""Middles of the levels of UTA-RLDD: alert (1 to 3), low vigilance (6 and 7), drowsy (8 and 9). The levels are those of
the paper; that they are these Karolinska numbers is ours, not found in its abstract."""
SIGN_KSS, SIGNS_COUNTED = 0.5, 3
"""Each yawn and each nod of the last five minutes adds so much, up to so many of each: 3 points in all at most."""
PERCLOS_OFF = 2.0
"""Half of the interval of the PERCLOS estimate, in points, at full coverage. It grows as the coverage falls. Ours."""
BLINKS_OFF = 4.5
"""Half of the interval of the blink estimate, in points: twice the 2.3 points by which the fit is off."""
BLINKS_WEIGHT = BLINKS_OFF**-2
"""Weight of the blink estimate."""
OLD_S = 600.0
"""Older blinks are dropped. The blink estimate is then unknown until there are thirty blinks again."""
LOWEST, HIGHEST = 1.0, 9.0

_WEIGHTS, _MEAN, _DEVIATION = np.array(WEIGHTS), np.array(MEAN), np.array(DEVIATION)


class DrowsinessMeter:
    """Estimates the KSS from PERCLOS, blinks, yawns and nods. The blink estimate needs 30 blinks in ten minutes."""

    def __init__(self) -> None:
        self._baseline = BlinkBaseline()
        self._blinks: deque[Blink] = deque(maxlen=BLINKS)
        self._by_blinks: float | None = None

    def update(self, t: float, blink: Blink | None, perclos: Perclos, yawns: int, nods: int) -> Drowsiness | None:
        """Take the frame at `t`, seconds, and its `blink`. Return None if PERCLOS and blink estimate are unknown."""
        if blink is not None:
            self._add(blink)
        if self._blinks and t - self._blinks[0].t > OLD_S:
            self._blinks.popleft()
            self._by_blinks = None
        total = weighted = 0.0
        if perclos.value is not None:
            total = (PERCLOS_OFF / perclos.coverage) ** -2
            weighted = total * _kss(perclos.value)
        if self._by_blinks is not None:
            total += BLINKS_WEIGHT
            weighted += BLINKS_WEIGHT * self._by_blinks
        if not total:
            return None
        kss = weighted / total
        kss = min(kss + SIGN_KSS * (min(yawns, SIGNS_COUNTED) + min(nods, SIGNS_COUNTED)), HIGHEST)
        half = total**-0.5
        percent = None if perclos.value is None else round(100 * perclos.value)
        reason = _reason(percent, round(100 * perclos.coverage), self._by_blinks, yawns, nods)
        return Drowsiness(kss, max(kss - half, LOWEST), min(kss + half, HIGHEST), reason)

    def _add(self, blink: Blink) -> None:
        self._baseline.learn(blink)
        self._blinks.append(blink)
        if not self._baseline.known or len(self._blinks) < BLINKS:
            return
        z = np.array([[self._baseline.deviations(one) for one in self._blinks]])
        p = probabilities(features(z), _WEIGHTS, _MEAN, _DEVIATION)[0]
        self._by_blinks = float(p @ np.array(KSS))


@lru_cache(maxsize=8)
def _reason(percent: int | None, coverage: int, by_blinks: float | None, yawns: int, nods: int) -> str:
    """Return in words what the level is computed from. Cached, because it is mostly the same from frame to frame."""
    parts = []
    if percent is not None:
        parts.append(f"eyes closed {percent}% of {WINDOW_S:.0f} s (coverage {coverage}%)")
    if by_blinks is not None:
        parts.append(f"the last {BLINKS} blinks as at Karolinska {by_blinks:.1f}")
    parts.append(f"{yawns} yawns and {nods} nods in five minutes")
    return ", ".join(parts)


def _kss(perclos: float) -> float:
    """Return the sleepiness for a PERCLOS. `numpy.interp` takes ten times as long for one number."""
    i = min(bisect_right(PERCLOS_POINTS, perclos), len(PERCLOS_POINTS) - 1)
    x0, x1, y0, y1 = PERCLOS_POINTS[i - 1], PERCLOS_POINTS[i], KSS_POINTS[i - 1], KSS_POINTS[i]
    return y0 + (y1 - y0) * min((perclos - x0) / (x1 - x0), 1.0)
