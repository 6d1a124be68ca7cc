"""The publisher's XPUB socket. It sends the last values to a new subscriber, and only to this one.

The last values are the active alerts and the last status. They are sent just before the new peer is subscribed, with
`INVERT_MATCHING` on: libzmq then sends to every peer that has *not* subscribed to the topic. Peers with an older
subscription get nothing. A SUB socket drops topics that it did not ask for, so only the new subscriber keeps them.
(An XSUB socket drops nothing: it also gets what is meant for others.) If two subscribers join within a millisecond,
a message may come twice. Subscribers must drop an alert whose `id` they have already received.

libzmq's own `XPUB_MANUAL_LAST_VALUE` is not used. If the new subscriber has already disconnected, its messages go to
all others. One peer that connects and disconnects repeatedly would flood the others.
"""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import zmq

from driver_monitor.config.addresses import MAX_IPC_PATH, MAX_PORT, tcp_port
from driver_monitor.errors import OutputError

Frames = tuple[bytes, bytes]
"""The two frames of a message: its topic and its JSON."""

LINGER_MS = 500
"""Time limit after `close` for sending the queued messages. With 0 they would be lost."""
HEARTBEAT_MS = 2000
HEARTBEAT_TIMEOUT_MS = 6000
"""Interval of the heartbeat, and time without an answer (power cut) until a subscriber is disconnected. Both ours."""
MAX_SUBSCRIPTION = 1024
"""Longest message from a subscriber, bytes (ours). A longer one ends its connection."""
NOTICES_AT_ONCE = 64
"""Most new or ended subscriptions that one call of `serve` handles; our own messages must not wait (ours)."""


class LastValueSocket:
    """An XPUB socket, bound to the address `bind`. The caller passes the last values to `serve`, for new subscribers.

    Only one thread at a time may use the socket. Raises `OutputError` if the address cannot be bound. Only the daemon's
    user and group can connect to a file (`ipc:///path`); every user can to an abstract name (`ipc://@name`).
    `send_queue`: number of messages kept for each slow subscriber; further ones for this subscriber are dropped.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], bind: str, send_queue: int) -> None:
        _check(bind)
        self.raw = context.socket(zmq.XPUB)
        options = {
            zmq.SNDHWM: send_queue,
            zmq.LINGER: LINGER_MS,
            zmq.HEARTBEAT_IVL: HEARTBEAT_MS,
            zmq.HEARTBEAT_TIMEOUT: HEARTBEAT_TIMEOUT_MS,
            zmq.XPUB_MANUAL: 1,
            zmq.MAXMSGSIZE: MAX_SUBSCRIPTION,
            zmq.IPV6: int("[" in bind),
        }
        for option, value in options.items():
            self.raw.setsockopt(option, value)
        self._miscounted = False
        try:
            self.raw.bind(bind)
            self.endpoint: str = bytes(self.raw.getsockopt(zmq.LAST_ENDPOINT)).decode().rstrip("\0")
            _let_group_connect(self.endpoint)
        except (zmq.ZMQError, OSError) as error:
            self.raw.close(0)
            raise OutputError(_cannot_bind(bind, error)) from None

    def send(self, frames: Frames) -> None:
        """Send one message to every subscriber of its topic. Never waits: a subscriber with a full queue misses it."""
        self.raw.send_multipart(frames, zmq.DONTWAIT)

    def serve(self, last: list[Frames]) -> None:
        """Handle new and ended subscriptions. A new subscriber gets the messages of its topics in `last`, in order."""
        for _ in range(NOTICES_AT_ONCE):
            try:
                notice = bytes(self.raw.recv(zmq.DONTWAIT))
            except zmq.Again:
                self._miscounted = False
                return
            self._handle(notice, last)

    def close(self) -> None:
        """Release the address. libzmq keeps sending queued messages for at most `LINGER_MS`."""
        self.raw.close()

    def _handle(self, notice: bytes, last: list[Frames]) -> None:
        if not notice or notice[0] > 1:
            # libzmq 4.3.5 assigns notices to peers by counting, and miscounts if an XSUB peer sends anything else.
            # Until all notices are read, the peer of a notice is not known. So every such peer is subscribed to
            # everything; its SUB socket drops what it did not ask for.
            self._miscounted = True
        if not self._miscounted and notice[0] == 0:
            self.raw.setsockopt(zmq.UNSUBSCRIBE, notice[1:])
            return
        prefix = b"" if self._miscounted else notice[1:]
        self.raw.setsockopt(zmq.INVERT_MATCHING, 1)
        for frames in last:
            if frames[0].startswith(prefix):
                self.send(frames)
        self.raw.setsockopt(zmq.INVERT_MATCHING, 0)
        self.raw.setsockopt(zmq.SUBSCRIBE, prefix)


def _check(bind: str) -> None:
    """Raise `OutputError` for a port or `ipc://` path that cannot be used, but that libzmq may accept and change."""
    port = tcp_port(bind)
    if port is not None and port > MAX_PORT:
        raise OutputError(f"zmq.bind: {bind}: there is no port {port}; choose one from 1024 to {MAX_PORT}")
    if not bind.startswith("ipc://") or bind == "ipc://*":
        return
    path = bind.removeprefix("ipc://")
    if len(os.fsencode(path)) > MAX_IPC_PATH:
        raise OutputError(f"zmq.bind: {bind}: its path is too long; a socket's path has at most {MAX_IPC_PATH} bytes")
    abstract, file = path.startswith("@"), Path(path)
    if not abstract and not file.parent.is_dir():
        raise OutputError(f"zmq.bind: {bind}: there is no folder {file.parent}; create it or choose another path")
    if not abstract and file.exists() and not file.is_socket():
        raise OutputError(f"zmq.bind: {bind}: the path exists and is not a socket; choose another path")
    if _in_use(f"\0{path[1:]}" if abstract else path):
        other = "name" if abstract else "path"
        raise OutputError(f"zmq.bind: {bind} is in use; stop the other daemon or choose another {other}")


def _in_use(path: str) -> bool:
    """Return whether a program listens on the Unix socket `path`. libzmq would take its place without an error."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        try:
            probe.connect(path)
        except OSError:
            return False
        return True


def _let_group_connect(endpoint: str) -> None:
    """Let only the daemon's user and group write to an `ipc://` file: connecting to it needs write permission."""
    path = endpoint.removeprefix("ipc://")
    if path != endpoint and not path.startswith("@"):
        Path(path).chmod(0o660)


def _cannot_bind(bind: str, error: zmq.ZMQError | OSError) -> str:
    reasons = {
        errno.EADDRINUSE: "is in use; stop the other program (`ss -ltnp` shows which) or choose another port",
        errno.EADDRNOTAVAIL: "is not an address of this machine; choose tcp://127.0.0.1:5556",
        errno.ENODEV: "is not an address of this machine; choose tcp://127.0.0.1:5556",
        errno.EACCES: "is not permitted; choose a port above 1023, or a folder that this user may write",
    }
    other = f"cannot be bound: {os.strerror(error.errno or 0)}; correct zmq.bind in the configuration"
    return f"zmq.bind: {bind} {reasons.get(error.errno or 0, other)}"
