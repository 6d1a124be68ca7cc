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

    def pop(self) -> Item:
        """Remove and return the oldest item. Raises `IndexError` if the queue is empty."""
        lines = [line for line in self._lines.values() if line]
        if not lines:
            raise IndexError("the queue is empty")
        return min(lines, key=lambda line: line[0][0]).popleft()[1]
