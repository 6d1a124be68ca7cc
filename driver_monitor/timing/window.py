"""Time summed over a sliding window."""

from __future__ import annotations

from collections import deque


class WindowedTime:
    """Sum of intervals of time within the last `window_s` seconds. Cost and memory are bounded."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._intervals: deque[list[float]] = deque()
        self._total = 0.0

    def add(self, start: float, end: float) -> None:
        """Add the time from `start` to `end`. Intervals come in order of time and do not overlap."""
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
        """Return the seconds of all intervals in the window that ends at `now`."""
        edge = now - self._window_s
        while self._intervals and self._intervals[0][0] < edge:
            first = self._intervals[0]
            if first[1] <= edge:
                self._total -= first[1] - first[0]
                self._intervals.popleft()
            else:
                self._total -= edge - first[0]
                first[0] = edge
        if not self._intervals:
            self._total = 0.0
        return self._total
