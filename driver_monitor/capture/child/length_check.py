"""Finds out that raw pictures in a pipe have another length than expected. Pure.

Raw pictures have no marks: a program that gives 320x240 instead of 640x480 would be seen as four small pictures in one.
But a camera pauses after each picture. So the number of bytes from pause to pause is the true length.
"""

from __future__ import annotations

PAUSE_S = 0.005
"""A pipe without a byte for this time has a pause (ours). At 120 pictures a second one comes each 8.3 ms. A program
that is writing a picture is rarely interrupted for so long, and not at the same place each time."""
CONFIRMED = 2
"""So many right distances in a row confirm the length. One could be a burst of short pictures."""
WRONG = 3
"""So many equal distances in a row, no multiple of the right one, prove another length (ours)."""
WRONG_MULTIPLE = 8
"""The same for a multiple: a reader that is late finds two pictures at once, but rarely eight times in a row (ours)."""


class LengthCheck:
    """Compares the distances of pauses with `expected`, the bytes of a picture. `confirmed`: it is the right length."""

    def __init__(self, expected: int) -> None:
        self.confirmed = False
        self._expected = expected
        self._last = self._distance = self._repeats = 0

    def pause(self, offset: int) -> int | None:
        """Note a pause after `offset` bytes of the stream. Return the true length once it is known to differ."""
        distance, self._last = offset - self._last, offset
        if distance == 0 or self.confirmed:
            return None
        self._repeats = self._repeats + 1 if distance == self._distance else 1
        self._distance = distance
        if distance == self._expected:
            self.confirmed = self._repeats >= CONFIRMED
            return None
        limit = WRONG if distance % self._expected else WRONG_MULTIPLE
        return distance if self._repeats >= limit else None
