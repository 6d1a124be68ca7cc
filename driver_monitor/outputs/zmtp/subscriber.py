"""One connection to a subscriber: what it asked for, and the messages that wait for it."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import sys
import termios
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
STATUS_ROOM = 24_576
STATE_ROOM = 16_384
"""Bytes in the kernel that the subscriber has not taken, up to which it still gets statuses, and states (ours). What
the kernel has cannot be taken back. So the rest of `SEND_BUFFER` is left for alerts: they arrive even if the daemon
ends before the subscriber reads. A healthy subscriber takes everything within milliseconds."""
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
    end or an error has ended the connection. `full`: the kernel takes no more bytes. `blocked_since`: since when
    something has waited, monotonic seconds; None: nothing waits. `events`: the events of epoll that the server waits
    for. All methods return at once and do not raise `OSError`.
    """

    def __init__(self, connection: socket.socket, limit: int, now: float) -> None:
        self.connection = connection
        self.ready = self.closed = self.full = False
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

    def send(self, now: float, last: bool = False) -> None:
        """Send what waits, as far as the connection takes it. `now`: monotonic seconds. `last`: there is no later call
        in time, so alerts are sent first and states last."""
        self.full = False
        while not self.closed and not self.full and (self._bytes or self._take_next(last)):
            try:
                self._bytes = self._bytes[self.connection.send(self._bytes) :]
            except BlockingIOError:
                self.full = True
            except OSError:
                self.closed = True
            if not self._bytes:
                self._sending = None
        self.blocked_since = (self.blocked_since or now) if self.wants_to_send else None

    def _take_next(self, last: bool) -> bool:
        """Take the next message from the queue. Returns False if there is none, or none that may be sent now."""
        ranks = range(len(DROP_ORDER))[::-1] if last else [self._lowest_rank()] if self._queue else []
        self._sending = next((packet for rank in ranks if (packet := self._queue.pop(rank)) is not None), None)
        self._bytes = self._sending.data if self._sending is not None else b""
        return self._sending is not None

    def _lowest_rank(self) -> int:
        """Return the lowest rank that may be sent, from the number of bytes in the kernel (SIOCOUTQ in tcp(7))."""
        try:
            waiting = int.from_bytes(fcntl.ioctl(self.connection, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
        except OSError:
            return 0
        return DROP_ORDER.index("alert" if waiting >= STATUS_ROOM else "status" if waiting >= STATE_ROOM else "state")

    def close(self) -> list[Packet]:
        """Close the connection. Returns the messages that were not sent completely."""
        self.closed = True
        with contextlib.suppress(OSError):
            # Unread bytes would make the kernel discard what the other end has not read yet (RFC 1122, 4.2.2.13).
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.recv(BURST_BYTES)
        self.connection.close()
        unsent = [self._sending] if self._sending is not None else []
        while (packet := self._queue.pop()) is not None:
            unsent.append(packet)
        return unsent
