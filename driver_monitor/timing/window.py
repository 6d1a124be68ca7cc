"""Time summed over a sliding window."""

from __future__ import annotations

from collections import deque


class WindowedTime:
    """Sums intervals of time within the last `window_s` seconds. Older time is dropped, also a part of an interval."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._intervals: deque[list[float]] = deque()
        self._total = 0.0

    def add(self, start: float, end: float) -> None:
        """Add the time from `start` to `end`; none if `end` is not later. Add in order of time, without overlap."""
        if end <= start:
            return
        if self._intervals and start - self._intervals[-1][1] < 1e-9:
            self._intervals[-1][1] = end
        else:
            self._intervals.append([start, end])
        self._total += end - start

    def clear(self) -> None:
        """Remove all intervals."""
        self._intervals.clear()
        self._total = 0.0

    def total(self, now: float) -> float:
        """Return the sum, in seconds, in the window that ends at `now`. `now` must not decrease from call to call."""
        intervals = self._intervals
        if not intervals:
            return 0.0
        edge = now - self._window_s
        while intervals and intervals[0][0] < edge:
            first = intervals[0]
            if first[1] <= edge:
                self._total -= first[1] - first[0]
                intervals.popleft()
            else:
                self._total -= edge - first[0]
                first[0] = edge
        if not intervals:
            self._total = 0.0
        return self._total
