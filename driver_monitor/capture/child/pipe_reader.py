"""Reads an exact number of bytes from a pipe, with a time limit, and notes where the pipe pauses."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Sequence

Note = Callable[[int], object]
"""Is called with the number of bytes read so far at each pause."""


class PipeReader:
    """Reads from `descriptor`, which does not block.

    `pause_s`: a pipe without a byte for this time has a pause; `paused` is then called. `idle`: called while nothing
    comes, every `slice_s` seconds; the reading ends when it returns True.
    """

    def __init__(
        self,
        descriptor: int,
        pause_s: float,
        paused: Note,
        idle: Callable[[], bool],
        slice_s: float = 0.05,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.offset = 0
        """Bytes read so far."""
        self.ended = False
        """Whether the other end is closed."""
        self.first_byte = 0.0
        """When the first byte of the last `fill` was there, monotonic seconds."""
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._pause_s, self._paused, self._idle, self._slice_s = pause_s, paused, idle, slice_s
        self._monotonic = monotonic

    def fill(self, parts: Sequence[memoryview], limit_s: float) -> int:
        """Fill `parts` one after the other, and return the number of bytes read.

        Fewer than asked for: it would have taken longer than `limit_s` seconds, the other end was closed (`ended`), or
        `idle` ended it. Bytes that are there are read in any case.
        """
        wanted, got = sum(map(len, parts)), 0
        left, begin = list(parts), self._monotonic()
        while got < wanted and self.wait(limit_s - (self._monotonic() - begin)):
            if got == 0:
                self.first_byte = self._monotonic()
            count = os.readv(self._descriptor, left)
            if count == 0:
                self.ended = True
                break
            got, self.offset = got + count, self.offset + count
            if got < wanted:
                left = _after(left, count)
        return got

    def wait(self, limit_s: float) -> bool:
        """Wait at most `limit_s` seconds until there is something to read; return whether there is."""
        begin = self._monotonic()
        while True:
            waited = self._monotonic() - begin
            ready = bool(self._poll.poll(max(0.0, min(self._slice_s, limit_s - waited)) * 1000.0))
            waited = self._monotonic() - begin
            if ready or waited >= limit_s or self._idle():
                if waited >= self._pause_s:
                    self._paused(self.offset)
                return ready


def _after(parts: list[memoryview], count: int) -> list[memoryview]:
    """Return `parts` without the first `count` bytes."""
    while count >= len(parts[0]):
        count -= len(parts[0])
        parts = parts[1:]
    return [parts[0][count:], *parts[1:]]
