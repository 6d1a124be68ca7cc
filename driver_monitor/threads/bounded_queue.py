"""A queue with a limit. When it is full, it drops what matters least."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class BoundedQueue(Generic[Item]):
    """A queue: first in, first out. Only one thread at a time may use it.

    `limit`: number of items that may wait. `rank`: when the queue is full, the oldest of the items with the lowest rank
    is dropped; the new item may be this one.
    """

    def __init__(self, limit: int, rank: Callable[[Item], int] = lambda _: 0) -> None:
        self.limit = limit
        self._rank = rank
        self._number = 0
        # One line of numbered items for each rank: the work for one item does not grow with the length of the queue.
        self._lines: dict[int, deque[tuple[int, Item]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def put(self, item: Item) -> Item | None:
        """Append `item`. Returns the item that was dropped, or None."""
        self._number += 1
        self._lines.setdefault(self._rank(item), deque()).append((self._number, item))
        if len(self) <= self.limit:
            return None
        lowest = min(rank for rank, line in self._lines.items() if line)
        return self._lines[lowest].popleft()[1]

    def pop(self, lowest: int | None = None) -> Item | None:
        """Remove and return the oldest item of at least the rank `lowest` (None: of any rank). None: there is none."""
        lines = [line for rank, line in self._lines.items() if line and (lowest is None or rank >= lowest)]
        return min(lines, key=lambda line: line[0][0]).popleft()[1] if lines else None
