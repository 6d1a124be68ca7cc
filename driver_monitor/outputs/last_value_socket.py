"""The socket under the publisher: an XPUB that gives the newcomer, and only it, the last values.

A late subscriber is owed every active alert and the status. They go out just before its subscription is entered and
with `INVERT_MATCHING` on: that reaches every peer which has *not* subscribed to the topic, thus the newcomer; a SUB
socket which never asked for the topic drops it on arrival, and those that had it before are left out. (An XSUB socket
drops nothing: it hears what newcomers are owed, too.) Two subscribers that join within the same millisecond may get a
message twice, with the same `id` and `seq`: consumers drop duplicates by `id`.

libzmq's own `XPUB_MANUAL_LAST_VALUE` is not used: it sends one message to the newcomer alone, but when the newcomer
has gone meanwhile, to everybody, so that one peer that comes and goes floods the others.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
from pathlib import Path

import zmq

from driver_monitor.errors import OutputError

Frames = tuple[bytes, bytes]
"""A topic and its JSON."""

LINGER_MS = 500
"""Time for the last alerts of a daemon that stops; with 0 they would be lost."""
HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS = 2000, 6000
"""A subscriber that went without a word (power cut) is forgotten after the second."""
MAX_SUBSCRIPTION = 1024
"""Bytes; a longer message from a subscriber is none of ours and ends its connection."""
MAX_PATH = 107
"""Bytes of a Unix socket's path (unix(7)); an abstract name's @ stands for a byte too."""
NOTICES_AT_ONCE = 64
"""Subscriptions served before it is the turn of our own messages."""


class LastValueSocket:
    """An XPUB socket, bound; owned by one thread at a time. Raises `OutputError` when it cannot be bound.

    `send_queue`: messages kept for a slow subscriber, whose further messages are dropped.
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
        self._confused = False
        try:
            self.raw.bind(bind)
            self.endpoint: str = bytes(self.raw.getsockopt(zmq.LAST_ENDPOINT)).decode().rstrip("\0")
            _let_group_connect(self.endpoint)
        except (zmq.ZMQError, OSError) as error:
            self.raw.close(0)
            raise OutputError(_cannot_bind(bind, error)) from None

    def send(self, frames: Frames) -> None:
        """Send to every subscriber of the topic; never waits."""
        self.raw.send_multipart(frames, zmq.DONTWAIT)

    def serve(self, last: list[Frames]) -> None:
        """Enter and remove subscriptions that have come in; `last` is what a newcomer is owed, oldest first."""
        for _ in range(NOTICES_AT_ONCE):
            try:
                notice = bytes(self.raw.recv(zmq.DONTWAIT))
            except zmq.Again:
                self._confused = False
                return
            self._serve(notice, last)

    def close(self) -> None:
        """Release the address; queued messages get `LINGER_MS` to leave, in the background."""
        self.raw.close()

    def _serve(self, notice: bytes, last: list[Frames]) -> None:
        if not notice or notice[0] > 1:
            # libzmq 4.3.5 pairs notices with peers by counting and miscounts when an XSUB peer sends anything else:
            # until all is read, no notice can be trusted to be from the peer it is entered for. So each gets
            # everything; a SUB socket drops what it did not ask for.
            self._confused = True
        if self._confused:
            self._send_to_newcomers(last)
            self.raw.setsockopt(zmq.SUBSCRIBE, b"")
        elif notice[0] == 1:
            self._welcome(notice[1:], last)
        else:
            self.raw.setsockopt(zmq.UNSUBSCRIBE, notice[1:])

    def _welcome(self, prefix: bytes, last: list[Frames]) -> None:
        self._send_to_newcomers([frames for frames in last if frames[0].startswith(prefix)])
        self.raw.setsockopt(zmq.SUBSCRIBE, prefix)

    def _send_to_newcomers(self, owed: list[Frames]) -> None:
        self.raw.setsockopt(zmq.INVERT_MATCHING, 1)
        for frames in owed:
            self.send(frames)
        self.raw.setsockopt(zmq.INVERT_MATCHING, 0)


def _check(bind: str) -> None:
    """Refuse what libzmq would take and turn into something else."""
    port = re.fullmatch(r"tcp://.*:(\d+)", bind)
    if port and int(port[1]) > 65535:
        raise OutputError(f"zmq.bind: {bind}: there is no port {port[1]}; choose one from 1024 to 65535")
    if not bind.startswith("ipc://") or bind == "ipc://*":
        return
    path = bind.removeprefix("ipc://")
    if len(os.fsencode(path)) > MAX_PATH:
        raise OutputError(f"zmq.bind: {bind}: its path is too long; a socket's path has at most {MAX_PATH} bytes")
    if path.startswith("@"):
        if _answers("\0" + path[1:]):
            raise OutputError(f"zmq.bind: {bind} is in use; stop the other daemon or choose another name")
        return
    parent = Path(path).parent
    if not parent.is_dir():
        raise OutputError(f"zmq.bind: {bind}: there is no folder {parent}; make it or choose another path")
    if Path(path).exists() and not stat.S_ISSOCK(Path(path).stat().st_mode):
        raise OutputError(f"zmq.bind: {bind}: a file that is no socket stands there; choose another path")
    if _answers(path):
        raise OutputError(f"zmq.bind: {bind} is in use; stop the other daemon or choose another path")


def _answers(path: str) -> bool:
    """Whether someone listens on the Unix socket `path`; libzmq itself would push them aside without a word."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        try:
            probe.connect(path)
        except OSError:
            return False
        return True


def _let_group_connect(endpoint: str) -> None:
    """Let the daemon's group listen (connecting needs write permission), and nobody else."""
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
