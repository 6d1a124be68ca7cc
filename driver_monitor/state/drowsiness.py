"""A first, honest guess at Karolinska sleepiness: a stated mapping, not a fit.

PERCLOS carries it: 8 % is taken as the onset of sleepiness and 12 % as sleepy (Wierwille et al., NHTSA DOT HS
808 247, 1994; brief, section 5), laid on the Karolinska scale where 7 is "sleepy, no effort to stay awake" and 8
"some effort" (Akerstedt and Gillberg, Int. J. Neurosci. 52, 1990). The interval is wide on purpose, because nothing
here was fitted. To be replaced by a fit on data.
"""

from __future__ import annotations

import numpy as np

from driver_monitor.state.driver_state import Drowsiness, Mouth, Perclos

PERCLOS_POINTS = (0.0, 0.08, 0.12, 0.30)
KSS_POINTS = (3.0, 6.5, 7.5, 9.0)
"""Karolinska sleepiness at each PERCLOS; between them linear. An alert driver stands at 3, the scale ends at 9."""
YAWN_KSS, YAWNS_COUNTED = 0.5, 3
"""Each yawn in the window adds so much, up to so many: yawns alone do not make a driver sleepy."""
HALF_WIDTH = 2.0
"""Half the interval at full coverage; it widens as coverage falls."""
LOWEST, HIGHEST = 1.0, 9.0


def drowsiness(perclos: Perclos, mouth: Mouth) -> Drowsiness | None:
    """Return the level with its interval and reason; None while PERCLOS is unknown."""
    if perclos.value is None:
        return None
    yawns = min(mouth.yawns, YAWNS_COUNTED)
    kss = min(float(np.interp(perclos.value, PERCLOS_POINTS, KSS_POINTS)) + YAWN_KSS * yawns, HIGHEST)
    half = HALF_WIDTH / perclos.coverage
    reason = (
        f"eyes closed {perclos.value:.0%} of {perclos.window_s:.0f} s (coverage {perclos.coverage:.0%}), "
        f"{mouth.yawns} yawns in {mouth.yawn_window_s / 60:.0f} min"
    )
    return Drowsiness(kss, max(kss - half, LOWEST), min(kss + half, HIGHEST), reason)
