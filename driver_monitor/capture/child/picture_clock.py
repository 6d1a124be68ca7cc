"""Puts the camera program's own times of pictures on the daemon's monotonic clock. Pure.

`rpicam-vid --save-pts` gives the sensor's time of each picture, in milliseconds since the first one. Both clocks run at
the same speed, and a picture cannot arrive before it was taken. So the least delay seen so far connects them.
"""

from __future__ import annotations

import math

OLDEST_S = 1.0
"""A picture older than this at its arrival has a wrong time, as for a V4L2 camera (`capture.v4l2`). Then the clocks are
connected anew."""


class PictureClock:
    """Connects the times of one child process with the monotonic clock. The times that it returns never decrease."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._last = -math.inf

    def at(self, own_s: float | None, arrival: float) -> float:
        """Return when a picture was taken, monotonic seconds; never later than `arrival`.

        `own_s`: its time by the program, seconds; None: not known, then `arrival` is returned.
        """
        t = arrival
        if own_s is not None:
            delay = arrival - own_s
            offset = delay if self._offset is None else min(self._offset, delay)
            self._offset = offset if arrival - (own_s + offset) <= OLDEST_S else delay
            t = own_s + self._offset
        self._last = max(self._last, min(t, arrival))
        return self._last


def parse_time(line: bytes) -> float | None:
    """Return the time in a line of `--save-pts`, seconds. None: a comment (`# timecode format v2`), or no number."""
    try:
        value = float(line) / 1000.0
    except ValueError:
        return None
    return value if math.isfinite(value) else None
