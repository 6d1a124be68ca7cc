"""Measures PERCLOS (P80) and the blink rate, over the readable time of the last minute."""

from __future__ import annotations

from collections import deque

from driver_monitor.data.driver_state import EyesVerdict, Perclos
from driver_monitor.state.eyes.closure import BLINK_MAX_S, BLINK_MIN_S, SURE
from driver_monitor.timing.cadence import EPSILON_S, TimeStep
from driver_monitor.timing.stretch import Stretch
from driver_monitor.timing.window import WindowedTime

WINDOW_S = 60.0
"""One minute (Wierwille et al., NHTSA DOT HS 808 247, 1994, repeated in FHWA-MCRT-98-006, 1998). It is the least
reliable window: twenty agree better with lapses (as reported)."""
MIN_COVERAGE = 0.5
"""Below half coverage the value is unknown: less than half a minute says too little about a minute."""


class PerclosMeter:
    """Measures PERCLOS and blink rate. A step counts as its first frame if seamless and both frames are readable."""

    def __init__(self) -> None:
        self._readable, self._closed = WindowedTime(WINDOW_S), WindowedTime(WINDOW_S)
        self._doubted = WindowedTime(WINDOW_S)
        self._pending: list[tuple[float, float]] = []
        self._blinks: deque[float] = deque()
        self._last: EyesVerdict = "unknown"
        self._sure = True
        self.blinks_per_min: float | None = None
        """Blinks a minute of readable time, None below half coverage."""

    def update(self, step: TimeStep, state: EyesVerdict, closure: Stretch, p_closure: float | None) -> Perclos:
        """Return PERCLOS after a frame with eyes in `state`.

        `closure`: the timer of closed eyes, already updated with the frame. `p_closure`: probability that the present
        closure is one, None without one. A closure that is not sure (`closure.SURE`) counts in the interval only.
        """
        known = step.seamless and self._last != "unknown" and state != "unknown"
        interval = (step.t - step.dt, step.t)
        if known and self._last == "closed":
            self._pending.append(interval)
        self._last = state
        self._settle(step, closure)
        self._sure = self._sure if p_closure is None else p_closure >= SURE
        if known:
            self._readable.add(*interval)
        readable_s, closed_s = self._readable.total(step.t), self._closed.total(step.t)
        coverage = min(readable_s / WINDOW_S, 1.0)
        enough = coverage >= MIN_COVERAGE
        while self._blinks and self._blinks[0] < step.t - WINDOW_S:
            self._blinks.popleft()
        self.blinks_per_min = len(self._blinks) * 60.0 / readable_s if enough else None
        value = min(closed_s / readable_s, 1.0) if enough else None
        whole_s = max(WINDOW_S, readable_s)
        low = closed_s / whole_s
        doubted_s = self._doubted.total(step.t)
        return Perclos(value, low, min(low + doubted_s / whole_s + 1.0 - coverage, 1.0), coverage, WINDOW_S)

    def _settle(self, step: TimeStep, closure: Stretch) -> None:
        """Decide whether the pending closed time belongs to a blink or to a longer closure, once that is known."""
        length = closure.ended_s if closure.ended_s is not None else closure.length_s
        if length > BLINK_MAX_S + EPSILON_S:
            counted = self._closed if self._sure else self._doubted
            for interval in self._pending:
                counted.add(*interval)
            self._pending.clear()
        elif closure.ended_s is not None:
            self._pending.clear()
            # Frames show a closure to within one period. At 10 frames a second a blink is often a single frame.
            if closure.ended_s >= BLINK_MIN_S - step.dt:
                self._blinks.append(step.t)
        elif not closure.running:
            self._pending.clear()
