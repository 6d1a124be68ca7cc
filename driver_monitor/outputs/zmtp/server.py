"""Serves all subscribers: accepts connections, reads subscriptions, sends messages. One thread runs it.

Everything is bounded: connections, time until a connection has become a subscriber, prefixes, messages and bytes that
wait, and the bytes that are read. All subscribers are programs on this machine, so the kernel reports their end at
once. No heartbeat is needed, and a subscriber that stops reading for an hour gets its alerts afterwards.
"""

from __future__ import annotations

import errno
import logging
import resource
import select
import socket
import time
from collections.abc import Callable, Iterable

from driver_monitor.outputs.zmtp.listener import SEND_BUFFER, Listener
from driver_monitor.outputs.zmtp.protocol import ProtocolError, SubscriberRequest, pong
from driver_monitor.outputs.zmtp.subscriber import DROP_ORDER, Kind, Packet, Subscriber
from driver_monitor.threads.wakeup import Wakeup

MAX_SUBSCRIBERS = 256
"""Most connections (ours): a quarter of the usual limit of 1,024 descriptors, and at most half of a lower limit.
Camera, journal and pins need theirs."""
HANDSHAKE_S = 5.0
"""Time in which a connection must become a subscriber (ours). libzmq needs milliseconds."""
STALLED_S = 10.0
"""Time without reading after which a subscriber must make room for a new one if there is no other room (ours)."""
TICK_S = 0.1
"""Period of the checks while something depends on time: a handshake, a subscriber that reads too slowly or sends too
much, a process without free descriptors (ours)."""
ACCEPT_PAUSE_S = 1.0
"""Pause when the process has no descriptor left. The listening socket would wake the thread without an end."""
ACCEPTS_AT_ONCE = 16
EVENTS_AT_ONCE = 64
"""Most connections that are accepted, and most that are served, before our own messages are sent (ours)."""
LINGER_S = 0.5
"""Time limit at the close for sending what waits."""

_GONE = select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP

_BUSY = 3

log = logging.getLogger(__name__)


class SubscriberServer:
    """Listens at `bind`. Raises `OutputError` if this is not possible. All methods but `wake` belong to one thread.

    `send_queue`: number of messages that may wait for one subscriber. `missed`: number of messages by kind that one
    subscriber did not get; a message that three subscribers miss counts three times. `refused`: number of connections
    that were closed because they were no subscribers or because there was no room. `clock`: monotonic seconds.
    """

    def __init__(self, bind: str, send_queue: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.missed: dict[Kind, int] = dict.fromkeys(DROP_ORDER, 0)
        self.refused = 0
        self._send_queue, self._clock = send_queue, clock
        self._listener = Listener(bind)
        self.endpoint = self._listener.endpoint
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        unlimited = descriptors == resource.RLIM_INFINITY
        self._limit = MAX_SUBSCRIBERS if unlimited else min(MAX_SUBSCRIBERS, descriptors // 2)
        self._subscribers: dict[int, Subscriber] = {}
        self._paused_until: float | None = None
        self._next_check = 0.0
        self._wakeup = Wakeup()
        self._epoll = select.epoll()
        self._epoll.register(self._listener.socket, select.EPOLLIN)
        self._epoll.register(self._wakeup.socket, select.EPOLLIN)

    @property
    def subscribers(self) -> int:
        """Number of open connections."""
        return len(self._subscribers)

    def wake(self) -> None:
        """End the present or next wait of `serve`. May be called in any thread, also after `close`."""
        self._wakeup.wake()

    def serve(self, last: Iterable[Packet]) -> None:
        """Wait for subscribers or `wake`, and handle what came. A new subscription gets what matches it in `last`."""
        accepts = False
        for number, events in self._epoll.poll(self._timeout_s(), EVENTS_AT_ONCE):
            if number == self._wakeup.socket.fileno():
                self._wakeup.clear()
            elif number == self._listener.socket.fileno():
                accepts = True
            elif (subscriber := self._subscribers.get(number)) is not None:
                self._serve_one(subscriber, events, last)
        if accepts:  # last: a new connection may get the number of one that has just been closed
            self._accept()
        self._check_times()

    def send(self, packet: Packet) -> None:
        """Send a message to all subscribers of its topic. A subscriber that is too slow misses what matters least."""
        for subscriber in list(self._subscribers.values()):
            if packet.topic.startswith(subscriber.subscriptions.wanted):
                self._put(subscriber, packet)
                self._update(subscriber)

    def close(self) -> None:
        """Release the address, then send what waits, for at most `LINGER_S`."""
        self._epoll.unregister(self._listener.socket)
        self._listener.close()
        self._epoll.unregister(self._wakeup.socket)
        for subscriber in list(self._subscribers.values()):
            if subscriber.ready and subscriber.wants_to_send:
                self._epoll.modify(subscriber.connection, select.EPOLLOUT)
            else:
                self._remove(subscriber)
        end = time.monotonic() + LINGER_S
        while self._subscribers and (left_s := end - time.monotonic()) > 0:
            for number, _ in self._epoll.poll(left_s, EVENTS_AT_ONCE):
                subscriber = self._subscribers[number]
                subscriber.send(self._clock(), last=True)
                if subscriber.closed or not subscriber.wants_to_send:
                    self._remove(subscriber)
        for subscriber in list(self._subscribers.values()):
            self._remove(subscriber)
        self._epoll.close()
        self._wakeup.close()

    def _timeout_s(self) -> float | None:
        """Return `TICK_S` if something depends on time, else None (no limit)."""
        timed = any(not one.ready or _is_held(one) for one in self._subscribers.values())
        return TICK_S if timed or self._paused_until is not None else None

    def _accept(self) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                connection, _ = self._listener.socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ECONNABORTED:
                    self._pause(error)
                    return
                continue
            if len(self._subscribers) >= self._limit and not self._make_room():
                connection.close()
                self._refuse(f"{self._limit} subscribers are connected; further ones are refused")
                continue
            try:
                self._add(connection)
            except OSError as error:
                connection.close()
                self._refuse(f"a connection cannot be served: {error.strerror}")

    def _add(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        # A TCP socket inherits it from the listening one, a local socket does not.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        subscriber = Subscriber(connection, self._send_queue, self._clock())
        self._epoll.register(connection, subscriber.events)
        self._subscribers[connection.fileno()] = subscriber
        self._update(subscriber)

    def _pause(self, error: OSError) -> None:
        """Accept nothing for `ACCEPT_PAUSE_S`: the process or the machine has no descriptor or no memory left."""
        self._refuse(f"a connection cannot be accepted: {error.strerror}; check LimitNOFILE of the service")
        self._paused_until = self._clock() + ACCEPT_PAUSE_S
        self._epoll.modify(self._listener.socket, 0)

    def _make_room(self) -> bool:
        """Close the connection that is least likely to be missed. Returns False if all are busy subscribers."""
        now = self._clock()
        least = min(self._subscribers.values(), key=lambda one: (_worth(one, now), one.since))
        if _worth(least, now) == _BUSY:
            return False
        self._refuse("too many connections; the oldest one that gets no messages is closed")
        self._remove(least)
        return True

    def _refuse(self, reason: str) -> None:
        self.refused += 1
        if self.refused == 1:
            log.warning("zmq: %s: %s; more of them are only counted (zmq_refused)", self.endpoint, reason)

    def _serve_one(self, subscriber: Subscriber, events: int, last: Iterable[Packet]) -> None:
        subscriber.closed = bool(events & _GONE)
        try:
            if events & select.EPOLLIN and not subscriber.closed:
                for request in subscriber.receive():
                    self._handle(subscriber, request, last)
        except ProtocolError as error:
            subscriber.closed = True
            self._refuse(f"a connection was closed: {error}")
        self._update(subscriber)

    def _handle(self, subscriber: Subscriber, request: SubscriberRequest, last: Iterable[Packet]) -> None:
        if request.kind == "ready":
            subscriber.ready = True
        elif request.kind == "ping":
            subscriber.answer(pong(request.body))
        elif request.kind == "cancel":
            subscriber.subscriptions.remove(request.body)
        else:
            known = subscriber.subscriptions.wanted
            if subscriber.subscriptions.add(request.body):
                wanted = subscriber.subscriptions.wanted
                for packet in last:
                    if packet.topic.startswith(wanted) and not packet.topic.startswith(known):
                        self._put(subscriber, packet)

    def _put(self, subscriber: Subscriber, packet: Packet) -> None:
        dropped = subscriber.put(packet)
        if dropped is not None:
            self._count_missed(dropped)

    def _count_missed(self, packet: Packet) -> None:
        self.missed[packet.kind] += 1
        if packet.kind == "alert" and self.missed["alert"] == 1:
            text = "a subscriber reads too slowly and missed an alert; more of them are only counted (zmq_missed_alert)"
            log.warning("zmq: %s: %s", self.endpoint, text)

    def _update(self, subscriber: Subscriber) -> None:
        """Send what waits. Then wait for what `subscriber` must do next, or remove it if it is closed."""
        now = self._clock()
        subscriber.send(now)
        if subscriber.closed:
            self._remove(subscriber)
            return
        reads = select.EPOLLIN if subscriber.may_read(now) else 0
        writes = select.EPOLLOUT if subscriber.full else 0
        if (events := select.EPOLLRDHUP | reads | writes) != subscriber.events:
            subscriber.events = events
            self._epoll.modify(subscriber.connection, events)

    def _remove(self, subscriber: Subscriber) -> None:
        del self._subscribers[subscriber.connection.fileno()]
        self._epoll.unregister(subscriber.connection)
        for packet in subscriber.close():
            self._count_missed(packet)

    def _check_times(self) -> None:
        """End the handshakes that take too long, read again from subscribers that waited, accept again."""
        now = self._clock()
        if now < self._next_check:
            return
        self._next_check = now + TICK_S
        for subscriber in list(self._subscribers.values()):
            if not subscriber.ready and now - subscriber.since > HANDSHAKE_S:
                self._refuse(f"a connection did not become a subscriber within {HANDSHAKE_S:.0f} s and was closed")
                self._remove(subscriber)
            elif _is_held(subscriber):
                self._update(subscriber)
        if self._paused_until is not None and now >= self._paused_until:
            self._paused_until = None
            self._epoll.modify(self._listener.socket, select.EPOLLIN)


def _is_held(subscriber: Subscriber) -> bool:
    """Return whether it is read again, or gets its next message, at a later time and not at an event of epoll."""
    return not subscriber.events & select.EPOLLIN or (subscriber.blocked_since is not None and not subscriber.full)


def _worth(subscriber: Subscriber, now: float) -> int:
    """Return 0 before the handshake, 1 without a subscription, 2 if it has not read for `STALLED_S`, else `_BUSY`."""
    if not subscriber.ready:
        return 0
    if not subscriber.subscriptions.wanted:
        return 1
    stalled = subscriber.blocked_since is not None and now - subscriber.blocked_since > STALLED_S
    return 2 if stalled else _BUSY
