"""Opens libzmq's publishing socket with CURVE, and the socket that tells of its connections."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import zmq

from driver_monitor.outputs.curve.access import DOMAIN
from driver_monitor.outputs.curve.listener import CurveListener

LINGER_MS = 500
"""Time for sending what waits when the socket is closed. With 0 the last alerts of a daemon that stops are lost."""
HEARTBEAT_MS, DEAD_MS = 2000, 6000
"""A client that is silent is asked every 2 s, and closed after 6 s: a tablet that has left the network."""
HANDSHAKE_MS = 3000
"""A connection that has not shown its key after this time is closed. A slow network needs four round trips."""
MAX_FRAME = 1024
"""Longest frame of a client, bytes: 20 times the longest topic. A longer one ends the connection."""
_FAILED = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
_EVENTS = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED | _FAILED
_numbers = itertools.count(1)


class CurveSockets(NamedTuple):
    """The XPUB socket, and the PAIR socket with the events of its connections: accepted, ended, failed handshakes."""

    publisher: zmq.Socket[bytes]
    events: zmq.Socket[bytes]

    def close(self) -> None:
        """End all connections, after what waits was sent, in at most `LINGER_MS`. Does not wait for that."""
        self.publisher.disable_monitor()
        self.events.close(0)
        self.publisher.close()


def open_sockets(
    context: zmq.Context[zmq.Socket[bytes]], listener: CurveListener, secret: str, send_queue: int
) -> CurveSockets:
    """Return the sockets of a publisher at `listener`. `secret`: the vehicle's secret key. `send_queue`: as configured.

    The authenticator must listen in `context` before this.
    """
    publisher = context.socket(zmq.XPUB)
    options = {
        zmq.CURVE_SERVER: 1,
        # Without it, libzmq lets everybody in while nobody answers its requests for access.
        zmq.ZAP_ENFORCE_DOMAIN: 1,
        zmq.SNDHWM: send_queue,
        zmq.LINGER: LINGER_MS,
        zmq.HEARTBEAT_IVL: HEARTBEAT_MS,
        zmq.HEARTBEAT_TIMEOUT: DEAD_MS,
        zmq.HEARTBEAT_TTL: DEAD_MS,
        zmq.HANDSHAKE_IVL: HANDSHAKE_MS,
        zmq.MAXMSGSIZE: MAX_FRAME,
        zmq.XPUB_VERBOSE: 1,  # each subscription is a message, also if another client has the same
        zmq.XPUB_NODROP: 1,
        zmq.IPV6: int(listener.is_ipv6),
        zmq.USE_FD: listener.descriptor(),
    }
    for option, value in options.items():
        publisher.setsockopt(option, value)
    publisher.setsockopt(zmq.CURVE_SECRETKEY, secret.encode())
    publisher.setsockopt(zmq.ZAP_DOMAIN, DOMAIN)
    name = f"inproc://events-{next(_numbers)}"
    publisher.monitor(name, _EVENTS)
    events = context.socket(zmq.PAIR)
    events.setsockopt(zmq.RCVHWM, 0)  # no event is lost: the number of open connections must stay right
    events.connect(name)
    publisher.bind(listener.endpoint)
    return CurveSockets(publisher, events)
