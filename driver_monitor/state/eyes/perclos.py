"""PERCLOS P80 and the blinks, over the last minute of time in which the eyes could be read."""

from __future__ import annotations

from collections import deque

from driver_monitor.data.driver_state import EyesVerdict, Perclos
from driver_monitor.timing.cadence import TimeStep
from driver_monitor.timing.stretch import Stretch
from driver_monitor.timing.window import WindowedTime

WINDOW_S = 60.0
"""One minute (Wierwille et al., NHTSA DOT HS 808 247, 1994; FHWA-MCRT-98-006, 1998)."""
MIN_COVERAGE = 0.5
"""Below half coverage the value is unknown: less than half a minute seen says too little of a minute."""
BLINK_MIN_S, BLINK_MAX_S = 0.1, 0.4
"""A blink keeps the eyes closed so long (FHWA-MCRT-98-006 and blink literature); it is not counted in PERCLOS."""


class PerclosMeter:
    """Shares of time; each interval between frames counts as what the frame at its beginning showed."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._readable = WindowedTime(window_s)
        self._closed = WindowedTime(window_s)
        self._pending: list[tuple[float, float]] = []
        self._blinks: deque[float] = deque()
        self._last: EyesVerdict = "unknown"
        self._coverage = 0.0
        self._readable_s = 0.0

    def update(self, step: TimeStep, state: EyesVerdict, closure: Stretch) -> Perclos:
        """Take one frame: the eyes' `state` and the closure timer already updated with it."""
        if step.seamless and self._last != "unknown" and state != "unknown":
            interval = (step.t - step.dt, step.t)
            self._readable.add(*interval)
            if self._last == "closed":
                self._pending.append(interval)
        self._settle(step, closure)
        self._last = state
        self._readable_s = self._readable.total(step.t)
        self._coverage = min(self._readable_s / self._window_s, 1.0)
        closed = self._closed.total(step.t)
        enough = self._coverage >= MIN_COVERAGE
        value = min(closed / self._readable_s, 1.0) if enough else None
        low = closed / max(self._window_s, self._readable_s)
        return Perclos(value, low, min(low + (1.0 - self._coverage), 1.0), self._coverage, self._window_s)

    def rate(self, t: float) -> float | None:
        """Return the blinks a minute of readable time at `t`, None below half coverage."""
        while self._blinks and self._blinks[0] < t - self._window_s:
            self._blinks.popleft()
        return len(self._blinks) * 60.0 / self._readable_s if self._coverage >= MIN_COVERAGE else None

    def _settle(self, step: TimeStep, closure: Stretch) -> None:
        """Decide what the pending closed time was: part of a long closure, a blink, or not known yet."""
        length = closure.ended_s if closure.ended_s is not None else closure.length_s
        if length > BLINK_MAX_S + 1e-6:
            for interval in self._pending:
                self._closed.add(*interval)
            self._pending.clear()
        elif closure.ended_s is not None:
            self._pending.clear()
            # Seen through frames, a closure is known to within a period; at 10 fps a blink is often one frame.
            if closure.ended_s >= BLINK_MIN_S - step.dt:
                self._blinks.append(step.t)
        elif not closure.running:
            self._pending.clear()
