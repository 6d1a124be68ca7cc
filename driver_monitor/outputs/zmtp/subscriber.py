"""One connection to a subscriber: what it asked for, and the messages that wait for it."""

from __future__ import annotations

import contextlib
import socket
from typing import Literal, NamedTuple

from driver_monitor.outputs.zmtp.protocol import OPENING, RequestParser, SubscriberRequest
from driver_monitor.outputs.zmtp.subscriptions import Subscriptions
from driver_monitor.threads.bounded_queue import BoundedQueue

Kind = Literal["state", "status", "alert"]
DROP_ORDER: tuple[Kind, ...] = ("state", "status", "alert")
"""Order of dropping: a full queue drops its oldest state; without a state its oldest status; else its oldest alert."""

READ_BYTES = 4096
"""Most bytes that are read from one subscriber at once (ours): others are served in between."""
BURST_BYTES = 65_536
READ_BYTES_S = 8192
"""Bytes that a subscriber may send at once, and for each second after that (ours). 1,000 subscriptions have about
30,000 bytes. A subscriber that sends more waits: reading endless subscriptions would take time from the pipeline."""
MAX_ANSWERS = 4096
"""Bytes of answers to pings that may wait. With more, the subscriber sends pings and does not read: further ones are
not answered (ours)."""


class Packet(NamedTuple):
    """One message: its kind, its topic, and its bytes as they are sent."""

    kind: Kind
    topic: bytes
    data: bytes


class Subscriber:
    """The connection `connection`, which must not block.

    `limit`: number of messages that may wait. `now`: monotonic seconds at which it was accepted. `closed`: the other
    end or an error has ended the connection. `events`: the events of epoll that the server waits for. All methods
    return at once and do not raise `OSError`.
    """

    def __init__(self, connection: socket.socket, limit: int, now: float) -> None:
        self.connection = connection
        self.ready = self.closed = False
        self.events = 0
        self.subscriptions = Subscriptions()
        self.since = now
        self.blocked_since: float | None = None
        self._parser = RequestParser()
        self._queue: BoundedQueue[Packet] = BoundedQueue(limit, lambda packet: DROP_ORDER.index(packet.kind))
        self._sending: Packet | None = None
        self._bytes = OPENING
        self._allowance, self._allowance_t = float(BURST_BYTES), now

    @property
    def wants_to_send(self) -> bool:
        """Whether bytes wait because the connection has not taken them yet."""
        return bool(self._bytes or self._queue)

    def may_read(self, now: float) -> bool:
        """Return whether it has sent so little that more may be read at `now`, monotonic seconds."""
        earned = (now - self._allowance_t) * READ_BYTES_S
        self._allowance, self._allowance_t = min(BURST_BYTES, self._allowance + earned), now
        return self._allowance > 0

    def receive(self) -> list[SubscriberRequest]:
        """Read at most `READ_BYTES` and return the requests. Raises `ProtocolError`."""
        try:
            data = self.connection.recv(READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        self.closed = self.closed or not data
        self._allowance -= len(data)
        return self._parser.feed(data)

    def answer(self, data: bytes) -> None:
        """Queue bytes that are no message, such as the answer to a ping."""
        if len(self._bytes) <= MAX_ANSWERS:
            self._bytes += data

    def put(self, packet: Packet) -> Packet | None:
        """Queue a message. Returns the message that was dropped, or None."""
        return self._queue.put(packet)

    def send(self, now: float) -> None:
        """Send what waits, as far as the connection takes it. `now`: monotonic seconds."""
        while not self.closed and self.wants_to_send:
            if not self._bytes:
                self._sending = self._queue.pop()
                self._bytes = self._sending.data
            try:
                sent = self.connection.send(self._bytes)
            except BlockingIOError:
                self.blocked_since = self.blocked_since or now
                return
            except OSError:
                self.closed = True
                return
            self._bytes = self._bytes[sent:]
            self.blocked_since = None
            if not self._bytes:
                self._sending = None

    def close(self) -> list[Packet]:
        """Close the connection. Returns the messages that were not sent completely."""
        self.closed = True
        with contextlib.suppress(OSError):
            # Unread bytes would make the kernel discard what the other end has not read yet (RFC 1122, 4.2.2.13).
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.recv(BURST_BYTES)
        self.connection.close()
        unsent = [self._sending] if self._sending is not None else []
        while self._queue:
            unsent.append(self._queue.pop())
        return unsent
