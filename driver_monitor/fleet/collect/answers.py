"""What the vehicles are told: the ids of stored alerts, until the broker has taken the message. Pure."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MOST_IDS = 500
"""Most ids in one message: 20 kB."""
MOST_WAITING = 10_000
"""Most messages that wait for the broker (ours). More are forgotten: the vehicle sends the alert again, and is told."""


@dataclass(frozen=True, slots=True)
class StoredIds:
    """One message `stored` for a vehicle."""

    vehicle: str
    ids: tuple[str, ...]

    @property
    def payload(self) -> bytes:
        """Return the JSON list of ids."""
        return json.dumps(self.ids, separators=(",", ":")).encode()


def answers(stored: Iterable[tuple[str, str]]) -> Iterator[StoredIds]:
    """Yield the messages for these pairs of vehicle and id; an id that stands there twice is told once."""
    by_vehicle: dict[str, dict[str, None]] = {}
    for vehicle, id_ in stored:
        by_vehicle.setdefault(vehicle, {})[id_] = None
    for vehicle, ids in by_vehicle.items():
        told = tuple(ids)
        for first in range(0, len(told), MOST_IDS):
            yield StoredIds(vehicle, told[first : first + MOST_IDS])


class Outbox:
    """Answers that the broker has not acknowledged. `forgotten`: how many were too many."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self.forgotten = 0
        self._most = most
        self._waiting: deque[StoredIds] = deque()
        self._flying: dict[int, StoredIds] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self._flying)

    def add(self, answer: StoredIds) -> None:
        """Append an answer."""
        self._waiting.append(answer)
        if len(self) > self._most and len(self._waiting) > 1:
            self._waiting.popleft()
            self.forgotten += 1

    def next(self) -> StoredIds | None:
        """Take out the next answer to be published; None if there is none. Follow with `flies`."""
        return self._waiting.popleft() if self._waiting else None

    def flies(self, mid: int, answer: StoredIds) -> None:
        """`answer` was published with this number and waits for the broker."""
        self._flying[mid] = answer

    @property
    def flying(self) -> int:
        """Return how many wait for the broker."""
        return len(self._flying)

    def landed(self, mid: int) -> None:
        """The broker has acknowledged this number."""
        self._flying.pop(mid, None)

    def disconnected(self) -> None:
        """The connection has ended: what waited for the broker is published again in the next one."""
        self._waiting.extendleft(reversed(self._flying.values()))
        self._flying.clear()
