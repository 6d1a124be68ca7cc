"""Messages that wait for the next batch. Pure: the time comes with each call."""

from __future__ import annotations

import math
from dataclasses import dataclass

from driver_monitor.fleet.store.rows import Row

BATCH_S = 0.05
"""Longest time for which a message waits for others (ours)."""
BATCH_ROWS = 1000
"""Most messages in a batch. It is also the Receive Maximum: the broker sends no more before it is acknowledged."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message. `mid`: its number in the connection, None if it is not acknowledged. `row`: None if it needs none."""

    mid: int | None
    row: Row | None


class Inbox:
    """Messages of one connection in the order of their arrival. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._waiting: list[Arrived] = []
        self._oldest_at = math.inf

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def oldest_at(self) -> float:
        """Return when the oldest message came, infinity without one. What `take` left counts from then."""
        return self._oldest_at

    def add(self, arrived: Arrived, now: float) -> None:
        """Append a message."""
        if not self._waiting:
            self._oldest_at = now
        self._waiting.append(arrived)

    def wait_s(self, now: float) -> float:
        """Return how long it takes until a batch is due; infinity if nothing waits."""
        return 0.0 if len(self._waiting) >= BATCH_ROWS else max(0.0, self._oldest_at + BATCH_S - now)

    def take(self, now: float) -> list[Arrived]:
        """Return the next batch, at most `BATCH_ROWS` messages; empty if none is due."""
        if self.wait_s(now) > 0.0:
            return []
        batch, self._waiting = self._waiting[:BATCH_ROWS], self._waiting[BATCH_ROWS:]
        self._oldest_at = now if self._waiting else math.inf
        return batch
