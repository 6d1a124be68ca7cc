"""Notices that libzmq has given up a connection: it never connects again then, and the input would be deaf for ever."""

from __future__ import annotations

import itertools

import zmq
from zmq.utils.monitor import recv_monitor_message

EVENTS_AT_ONCE = 64
"""Most events read in one call. libzmq tries to connect ten times a second, with one event each time."""

_numbers = itertools.count()


class ConnectionMonitor:
    """Follows the connection of `socket`. Make it before the socket is connected, and close it before the socket.

    After an ordinary end libzmq connects again: a second event follows the one of the end. After a message larger than
    `MAXMSGSIZE`, or if the other side does not speak ZeroMQ or is no publisher, no second event follows.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], socket: zmq.Socket[bytes]) -> None:
        # The name is our own: that of `get_monitor_socket` is taken as long as an earlier socket is being closed.
        address = f"inproc://vehicle-monitor-{next(_numbers)}"
        socket.monitor(address, zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED)
        self._monitored, self._events = socket, context.socket(zmq.PAIR)
        self._events.setsockopt(zmq.LINGER, 0)
        self._events.connect(address)
        self._ended = False

    def given_up(self) -> bool:
        """Return whether the connection has ended for good. Never waits. True only at the second call after the end."""
        ended = self._ended
        for _ in range(EVENTS_AT_ONCE):
            try:
                event = recv_monitor_message(self._events, zmq.DONTWAIT)["event"]
            except zmq.Again:
                break
            self._ended = event == zmq.EVENT_DISCONNECTED
            ended = ended and self._ended
        return ended and self._ended

    def close(self) -> None:
        """Stop following the connection."""
        self._monitored.disable_monitor()
        self._events.close(0)
