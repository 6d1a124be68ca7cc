"""How many connections are let in, and what one client may do. No I/O: time comes with each call, monotonic seconds."""

from __future__ import annotations

from collections import deque

MOST_OPEN = 64
"""Most connections that are open at once (ours): the screens of a depot, and room for strangers who stall."""
BURST, NEW_A_SECOND = 64, 50.0
"""New connections at once, and for each second after that (ours). A handshake costs the processor about 1 ms."""
CONNECTS, CONNECTS_S = 30, 60.0
"""Most connections of one key in so many seconds (ours). A tablet at the edge of a wireless network makes fewer."""
REQUESTS, REQUESTS_S = 2000, 10.0
"""Most subscriptions and other messages of one client in so many seconds (ours). libzmq keeps each new subscription."""
BAN_S = 60.0
"""Seconds for which a client that sent more is not let in."""


class ConnectionLimit:
    """Counts open connections and the rate of new ones. `now`: monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._open: set[int] = set()
        self._tokens, self._t = float(BURST), now

    def accepted(self, number: int) -> None:
        """A connection was accepted. `number`: its descriptor."""
        self._open.add(number)
        self._tokens -= 1

    def ended(self, number: int) -> None:
        """A connection has ended."""
        self._open.discard(number)

    def forget(self) -> None:
        """All connections have ended."""
        self._open.clear()

    def is_reached(self, now: float) -> bool:
        """Return whether no new connection may come in now."""
        self._tokens, self._t = min(float(BURST), self._tokens + (now - self._t) * NEW_A_SECOND), now
        return len(self._open) >= MOST_OPEN or self._tokens < 1


class ClientLimits:
    """Counts what each client does, by its public key. Only keys on the list come here, so the memory has an end."""

    def __init__(self) -> None:
        self._connects: dict[str, deque[float]] = {}
        self._requests: dict[str, int] = {}
        self._since = 0.0
        self._banned: dict[str, float] = {}

    def may_connect(self, key: str, now: float) -> bool:
        """Return whether a client may connect now, and count this."""
        times = self._connects.setdefault(key, deque())
        while times and now - times[0] > CONNECTS_S:
            times.popleft()
        if now < self._banned.get(key, now) or len(times) >= CONNECTS:
            return False
        times.append(now)
        return True

    def floods(self, key: str, now: float) -> bool:
        """Count one message of a client. Returns True once if it sends too many: its connection must end."""
        if now - self._since > REQUESTS_S:
            self._since = now
            self._requests.clear()
        count = self._requests[key] = self._requests.get(key, 0) + 1
        if count <= REQUESTS or now < self._banned.get(key, now):
            return False
        self._banned[key] = now + BAN_S
        return True

    def forget_connects(self) -> None:
        """All connections were ended here, so that clients connect again through no fault of theirs."""
        self._connects.clear()

    def forget_all_but(self, keys: frozenset[str]) -> None:
        """Keep only what is known of `keys`."""
        self._connects = {key: times for key, times in self._connects.items() if key in keys}
        self._requests = {key: count for key, count in self._requests.items() if key in keys}
        self._banned = {key: end for key, end in self._banned.items() if key in keys}
