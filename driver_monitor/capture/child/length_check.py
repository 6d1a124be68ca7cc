"""Finds out that raw pictures in a pipe have another length than expected. Pure.

Raw pictures have no marks: a program that gives 320x240 instead of 640x480 would be seen as four small pictures in one.
But a camera pauses after each picture. So the number of bytes from pause to pause is the true length, or a multiple of
it where the reader was late.
"""

from __future__ import annotations

PAUSE_S = 0.005
"""A pipe without a byte for this time has a pause (ours). At 120 pictures a second one comes each 8.3 ms. A program
that is writing a picture is rarely interrupted for so long, and not at the same place each time."""
CONFIRMED = 2
"""So many right distances in a row confirm the length. One could be a burst of short pictures."""
WRONG = 3
"""So many distances that are multiples of the shortest of them, itself no multiple of the right one, prove another
length (ours)."""
WRONG_MULTIPLE = 8
"""The same for a multiple: a reader that is late finds two pictures at once, but rarely eight times in a row (ours)."""

MOST_TIMES = 64
"""No camera gives pictures so many times as large as expected: 1280x960 instead of 160x120 is 64 times (ours). Longer
distances are those of a program that fills the pipe without pauses."""


class LengthCheck:
    """Compares the distances of pauses with `expected`, the bytes of a picture.

    `confirmed`: it is the right length. `suspected`: all distances so far fit another length.
    """

    def __init__(self, expected: int) -> None:
        self.confirmed = False
        self._expected = expected
        self._last = self._shortest = self._fitting = self._right = 0

    @property
    def suspected(self) -> bool:
        """Whether the distances so far, if there are any, fit another length."""
        most = MOST_TIMES * self._expected
        return not self.confirmed and 0 < self._shortest <= most and self._shortest != self._expected

    def pause(self, offset: int) -> int | None:
        """Note a pause after `offset` bytes of the stream. Return the true length once it is known to differ."""
        distance, self._last = offset - self._last, offset
        if distance == 0 or self.confirmed:
            return None
        self._right = self._right + 1 if distance == self._expected else 0
        self.confirmed = self._right >= CONFIRMED
        if self._fitting and distance % self._shortest == 0:
            self._fitting += 1
        elif self._fitting and self._shortest % distance == 0:
            self._shortest, self._fitting = distance, self._fitting + 1
        else:
            self._shortest, self._fitting = distance, 1
        limit = WRONG if self._shortest % self._expected else WRONG_MULTIPLE
        return self._shortest if self.suspected and self._fitting >= limit else None
