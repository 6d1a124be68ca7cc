"""Ends a thread's wait for sockets: a pair of sockets, of which the thread waits for one."""

from __future__ import annotations

import socket
from contextlib import suppress


class Wakeup:
    """`socket`: the thread adds it to those that it waits for. It can be read after `wake`, until `clear`."""

    def __init__(self) -> None:
        self._sender, self.socket = socket.socketpair()
        self._sender.setblocking(False)
        self.socket.setblocking(False)

    def wake(self) -> None:
        """End the present or next wait. May be called in any thread and in a signal handler, also after `close`."""
        # The socket is full if a wake-up is under way already, and closed if the thread has ended.
        with suppress(OSError):
            self._sender.send(b"\0")

    def clear(self) -> None:
        """Forget all wake-ups so far. Call it in the thread that waits."""
        with suppress(BlockingIOError):
            while self.socket.recv(4096):
                pass

    def close(self) -> None:
        """Close both sockets. May be called twice."""
        self._sender.close()
        self.socket.close()
