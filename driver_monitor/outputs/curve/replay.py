"""What late subscribers must get, and when it is sent. No I/O: time comes with each call, monotonic seconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

REPLAY_S = 0.2
"""Shortest time between two repetitions (ours). All clients get them: libzmq cannot send to one. So a client that
subscribes again and again makes at most five a second. Clients drop what they know by its `id`."""
MOST_PREFIXES = 64
"""Most prefixes that are kept until the next repetition (ours). With more, everything is repeated."""


class HasTopic(Protocol):
    """A message with a topic."""

    @property
    def topic(self) -> bytes:
        """The topic."""


Repeated = TypeVar("Repeated", bound=HasTopic)


class Replay:
    """Collects new subscriptions until the last messages are repeated."""

    def __init__(self) -> None:
        self._prefixes: set[bytes] = set()
        self._next = 0.0

    def subscribed(self, prefix: bytes) -> None:
        """A client has subscribed to the topics that begin with `prefix`."""
        self._prefixes.add(prefix if len(self._prefixes) < MOST_PREFIXES else b"")

    def is_due(self, now: float) -> bool:
        """Return whether something must be repeated now."""
        return bool(self._prefixes) and now >= self._next

    def wait_s(self, now: float, longest: float) -> float:
        """Return for how long nothing has to be repeated, at most `longest` seconds."""
        return min(longest, max(0.0, self._next - now)) if self._prefixes else longest

    def take(self, last: Iterable[Repeated], now: float) -> list[Repeated]:
        """Return those of `last` that new subscriptions want, and forget the subscriptions."""
        wanted, self._prefixes, self._next = tuple(self._prefixes), set(), now + REPLAY_S
        return [message for message in last if message.topic.startswith(wanted)]
