"""The web server: binds the address, runs in a thread of its own, and ends by itself."""

from __future__ import annotations

import errno
import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from typing import Literal, Protocol

import uvicorn
from starlette.types import ASGIApp

from driver_monitor.errors import OutputError, UsageError

PORT = 8642
"""The port that is tried first, so that a phone's history helps. Ours: no known service has it."""
LOOPBACK = "127.0.0.1"
FAREWELL_S = 0.5
"""Seconds in which open pages hear of the end."""
CLOSE_S = 3.0
"""Longest wait for the server's thread."""
MOST_CONNECTIONS = 32
MOST_MESSAGE_BYTES = 1024
"""Longest message that a page may send over its WebSocket."""

End = Literal["time", "stopped"]


class PageLife(Protocol):
    """Says when a page ends. `ended`: why it has ended, None while it lives; open pages are told this value."""

    ended: End | None

    def time_is_over(self) -> bool:
        """Return whether the page has lived as long as it may."""


def bound(address: str) -> socket.socket:
    """Return a socket that listens at `address`, an IP address of this machine.

    Its port is `PORT`, or a free one if that is in use.
    Raises `UsageError` if it is no single address, and `OutputError` if it is not one of this machine.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise UsageError(
            f"--bind {address}: not an IP address; `ip -brief address` shows those of this machine"
        ) from None
    if parsed.is_unspecified or parsed.is_multicast:
        raise UsageError(f"--bind {address}: names no single address of this machine; `ip -brief address` shows them")
    family = socket.AF_INET6 if parsed.version == 6 else socket.AF_INET
    for port in (PORT, 0):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address, port))
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE and port:
                continue
            hint = "`ip -brief address` shows those of this machine"
            raise OutputError(f"--bind {address}: {error.strerror}; {hint}") from error
        listener.listen(MOST_CONNECTIONS)  # now: whoever opens the printed address at once is not refused
        return listener
    raise AssertionError("port 0 is always free")


class PageServer:
    """Serves `app` at `listener` in a thread. `life`: says when the time is over, and tells open pages of the end.

    `name`: the verb of the page, for errors and for the name of the thread.
    """

    def __init__(self, app: ASGIApp, listener: socket.socket, life: PageLife, name: str) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,  # the address of the first request holds the token
            access_log=False,
            log_level="warning",
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=1,  # an open page would hold the end
            limit_concurrency=MOST_CONNECTIONS,
            ws_max_size=MOST_MESSAGE_BYTES,
            ws="websockets-sansio",
        )
        self._server, self._life, self._listener, self._name = uvicorn.Server(config), life, listener, name
        self._thread = threading.Thread(target=self._serve, name=f"{name}-page", daemon=True)
        self._thread.start()

    def run(self, check: Callable[[], object], period_s: float = 0.1) -> None:
        """Return when the time of `life` is over or it has `ended`. `check`: called each `period_s`; it may raise.

        Raises `OutputError` if the server has failed.
        """
        while self._life.ended is None and self._thread.is_alive():
            if self._life.time_is_over():
                self._life.ended = "time"
                return
            check()
            time.sleep(period_s)
        if self._life.ended is None:
            raise OutputError(f"{self._name}: the web server has failed; see the lines above")

    def close(self) -> None:
        """Tell open pages that it has ended, and end the server."""
        if self._life.ended is None:
            self._life.ended = "stopped"
        if self._server.server_state.connections:
            time.sleep(FAREWELL_S)
        self._server.should_exit = True
        self._thread.join(CLOSE_S)
        self._listener.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._listener])
