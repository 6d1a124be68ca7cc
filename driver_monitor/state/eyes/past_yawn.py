"""Measures closed eyes without the time of a yawn."""

from __future__ import annotations

from driver_monitor.timing.stretch import JUST_BEGUN_S, Stretch


class PastYawnMeter:
    """Measures how long a closure has outlasted a yawn. People close their eyes when they yawn."""

    def __init__(self) -> None:
        self._yawned_s = 0.0

    def update(self, closure: Stretch, yawn: bool, likely: bool) -> float | None:
        """Return the length of the present closure without the time up to the end of a yawn in it, seconds.

        `closure`: the timer of closed eyes, with this frame. `yawn`: whether there is a yawn. `likely`: whether there
        may be one. 0.0 without a closure. None while there is or may be a yawn, or while the eyes are unknown.
        """
        if closure.began or not closure.running:
            self._yawned_s = 0.0
        if closure.running and yawn:
            self._yawned_s = closure.length_s
        if closure.value_s is None or (closure.running and (yawn or likely)):
            return None
        return max(closure.length_s - self._yawned_s, JUST_BEGUN_S) if closure.running else 0.0
