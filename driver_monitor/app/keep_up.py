"""Finds out whether the daemon uses the frames that the camera gives, or is too slow for them."""

from __future__ import annotations

from collections import deque

KEEP_UP_S = 5.0
"""Dropped frames are judged over this time (ours). A reload, or another program for a moment, is shorter."""
TOO_MANY, FEW = 0.1, 0.02
"""Shares of the captured frames. With the first dropped, the daemon cannot keep up; with the second, it can again."""
MOST_DROPS = 5
"""Fewer dropped frames in `KEEP_UP_S` are never too many: at one frame a second a single one is a share of 20 %."""


class KeepUp:
    """Tells whether the daemon uses the frames that the camera gives, or drops too many because it is too slow.

    `total`: dropped frames of all sources. `share`: share of the frames of the last `KEEP_UP_S` that were dropped.
    """

    def __init__(self) -> None:
        self.total, self.share = 0, 0.0
        self._captured = 0
        self._last = (0, 0)
        self._samples: deque[tuple[float, int, int]] = deque()
        self._slow_since: tuple[float, int] | None = None

    @property
    def slow(self) -> bool:
        """Whether the daemon cannot keep up."""
        return self._slow_since is not None

    def update(self, captured: int, dropped: int, now: float) -> str | None:
        """Take the counts of the source at `now`, monotonic seconds; they begin at 0 again with another source.

        Returns what to log when `slow` changes, else None.
        """
        before = self._last if captured >= self._last[0] and dropped >= self._last[1] else (0, 0)
        self._captured += captured - before[0]
        self.total += dropped - before[1]
        self._last = captured, dropped
        self._samples.append((now, self._captured, self.total))
        while len(self._samples) > 1 and now - self._samples[1][0] >= KEEP_UP_S:
            self._samples.popleft()
        first, captured_then, dropped_then = self._samples[0]
        frames, drops = self._captured - captured_then, self.total - dropped_then
        self.share = drops / frames if frames else 0.0
        if self._slow_since is None and self.share >= TOO_MANY and drops >= MOST_DROPS:
            self._slow_since = now, self.total
            used = (frames - drops) / (now - first)
            return (
                f"cannot keep up: {self.share:.0%} of the camera's frames are dropped, {used:.1f} a second are used; "
                "lower camera.fps or stop other programs"
            )
        if self._slow_since is not None and self.share <= FEW and frames:
            since, dropped_since = self._slow_since
            self._slow_since = None
            return f"keeps up again: {self.total - dropped_since} frames were dropped in {now - since:.0f} s"
        return None
