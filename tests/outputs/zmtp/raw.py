"""Connections that speak ZMTP byte by byte, as an attacker or a broken program does."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from driver_monitor.outputs.zmtp.protocol import GREETING
from driver_monitor.outputs.zmtp.server import SubscriberServer

PATIENCE_S = 5.0
"""Only a failing test waits so long."""


def frame(flags: int, body: bytes) -> bytes:
    if len(body) < 256:
        return bytes((flags, len(body))) + body
    return bytes((flags | 2,)) + len(body).to_bytes(8, "big") + body


def command(name: bytes, data: bytes = b"") -> bytes:
    return frame(4, bytes((len(name),)) + name + data)


def ready(kind: bytes = b"SUB") -> bytes:
    return command(b"READY", b"\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind)


def subscription(prefix: bytes) -> bytes:
    return frame(0, b"\x01" + prefix)


HELLO = GREETING + ready()
"""All that a subscriber sends before its first subscription."""


def connect(endpoint: str) -> socket.socket:
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
    connection.settimeout(PATIENCE_S)
    return connection


def is_closed(connection: socket.socket) -> bool:
    """Whether the other end closes the connection; waits for it."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@contextlib.contextmanager
def serving(send_queue: int = 100, clock: Clock | None = None) -> Iterator[SubscriberServer]:
    """A server that the test drives itself, in its own thread."""
    server = SubscriberServer("tcp://127.0.0.1:*", send_queue, clock or Clock())
    try:
        yield server
    finally:
        server.close()
