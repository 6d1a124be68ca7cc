"""Reads the times of pictures that a camera program writes into a second pipe, one line for each picture."""

from __future__ import annotations

import os
import select
from collections import deque
from contextlib import suppress

from driver_monitor.capture.child.picture_clock import parse_time

WAIT_S = 0.02
"""Longest wait for the line of a picture, which the program writes just after the picture (ours)."""
MOST_MISSES = 5
"""After so many pictures in a row without a line, nothing is waited for any more: the program keeps lines back."""
JUDGED = 8
"""The number of lines is compared with that of pictures from so many pictures on (ours)."""
FITTING = (0.6, 1.6)
"""Lines for each picture. The pipe for pictures holds two or three, whose lines may be read before them (ours)."""
MOST_LINES = 1000
"""Most lines that are kept, and bytes of one line (ours)."""


class PictureTimes:
    """Gives the time of each picture. The n-th line belongs to the n-th picture. `descriptor`: must not block."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._lines: deque[float] = deque(maxlen=MOST_LINES)
        self._rest = b""
        self._misses = self._owed = 0
        self._pictures = self._count = 0

    def next(self) -> float | None:
        """Return the time of the next picture, seconds by the program's clock; None: its line has not come."""
        self._pictures += 1
        self._read_lines()
        if not self._lines and self._misses < MOST_MISSES and self._poll.poll(WAIT_S * 1000.0):
            self._read_lines()
        if not self._lines:
            self._misses += 1
            self._owed += 1
            return None
        self._misses = 0
        return self._lines.popleft()

    @property
    def per_picture(self) -> float | None:
        """Lines for each picture asked for. None: no line has come, or fewer than `JUDGED` pictures were asked for."""
        return self._count / self._pictures if self._count and self._pictures >= JUDGED else None

    @property
    def fitting(self) -> bool:
        """Whether as many lines as pictures have come, and enough of both to say so."""
        return self._pictures >= JUDGED and self._count - self._pictures in (0, 1)

    @property
    def doubtful(self) -> bool:
        """Whether there are more or fewer lines than pictures, by more than the one that is being written."""
        return self._count > 0 and abs(self._count - self._pictures) > 1

    def _read_lines(self) -> None:
        data = b""
        with suppress(BlockingIOError):
            data = os.read(self._descriptor, 1 << 16)
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-MOST_LINES:]
        for line in lines:
            time_s = parse_time(line)
            if time_s is None:
                continue
            self._count += 1
            if self._owed:
                self._owed -= 1  # the line of a picture that went on without it
            else:
                self._lines.append(time_s)
