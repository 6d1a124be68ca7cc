"""Time summed over a sliding window."""

from __future__ import annotations

from collections import deque


class WindowedTime:
    """Sum of stretches of time within the last `window_s` seconds; constant cost a frame, bounded memory."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._stretches: deque[list[float]] = deque()
        self._total = 0.0

    def add(self, start: float, end: float) -> None:
        """Add the time from `start` to `end`; stretches come in order of time and do not overlap."""
        if end <= start:
            return
        if self._stretches and start - self._stretches[-1][1] < 1e-9:
            self._stretches[-1][1] = end
        else:
            self._stretches.append([start, end])
        self._total += end - start

    def clear(self) -> None:
        """Forget all."""
        self._stretches.clear()
        self._total = 0.0

    def total(self, now: float) -> float:
        """Return the seconds that lie in the window ending at `now`."""
        edge = now - self._window_s
        while self._stretches and self._stretches[0][0] < edge:
            first = self._stretches[0]
            if first[1] <= edge:
                self._total -= first[1] - first[0]
                self._stretches.popleft()
            else:
                self._total -= edge - first[0]
                first[0] = edge
        if not self._stretches:
            self._total = 0.0
        return self._total
