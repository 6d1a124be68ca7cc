"""Serves a registry of prometheus_client on loopback, in one thread. Everything is bounded.

No HTTP server of a library is used: those of the standard library and of prometheus_client start a thread for each
connection, or let one slow client hold up all others.
"""

from __future__ import annotations

import logging
import selectors
import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from driver_monitor.config.addresses import loopback_address
from driver_monitor.errors import OutputError
from driver_monitor.metrics import http
from driver_monitor.threads.wakeup import Wakeup
from driver_monitor.threads.worker import Worker

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

MAX_CONNECTIONS = 16
"""Most connections at once (ours). One Prometheus uses one."""
BACKLOG = 128
"""Connections that the kernel keeps until they are accepted (ours). With fewer, a burst waits seconds for retries."""
LONGEST_S = 5.0
"""Time in which a connection must have asked and read its answer (ours). On loopback it takes milliseconds."""
TICK_S = 0.5
"""Period in which connections that are too slow are closed, while there is any (ours)."""
CHUNK = 65536

log = logging.getLogger(__name__)


class Server:
    """Answers at `host` and `port` until `close`; it belongs to `serve`. `listener`: a listening socket."""

    def __init__(
        self, listener: socket.socket, page: Callable[[], bytes], content_type: str, clock: Callable[[], float]
    ) -> None:
        self._listener, self._page, self._content_type, self._clock = listener, page, content_type, clock
        host, port = listener.getsockname()[:2]
        self.host, self.port = str(host), int(port)
        self._open: dict[socket.socket, _Connection] = {}
        self._selector = selectors.DefaultSelector()
        self._wakeup = Wakeup()
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(self._wakeup.socket, selectors.EVENT_READ)
        self._page_failed = False
        self._worker = Worker(f"metrics {self.host}:{self.port}", self._serve, self._wakeup.wake, self._release)
        self._worker.start()

    @property
    def failure(self) -> str | None:
        """Why the thread failed, else None."""
        return self._worker.failure

    def close(self) -> None:
        """Release the port, and close all connections. May be called twice."""
        self._worker.close()

    def _release(self) -> None:
        for one in (*self._open, self._listener):
            one.close()
        self._wakeup.close()
        self._selector.close()

    def _serve(self) -> None:
        while not self._worker.closing:
            for key, _ in self._selector.select(TICK_S if self._open else None):
                if key.fileobj is self._wakeup.socket:
                    self._wakeup.clear()
                elif key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._open:
                    self._go_on(key.fileobj)
            now = self._clock()
            for connection in [one for one, state in self._open.items() if now - state.since > LONGEST_S]:
                self._drop(connection)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # the client has gone already, or the process has no descriptor left
            self._drop_oldest()
            return
        if len(self._open) >= MAX_CONNECTIONS:
            self._drop_oldest()
        connection.setblocking(False)
        self._open[connection] = _Connection(self._clock())
        self._selector.register(connection, selectors.EVENT_READ)

    def _go_on(self, connection: socket.socket) -> None:
        state = self._open[connection]
        try:
            if state.answer is None:
                self._read(connection, state)
            if state.answer is not None:
                state.answer = state.answer[connection.send(state.answer[:CHUNK]) :]
                if not state.answer:
                    connection.shutdown(socket.SHUT_WR)
                    self._drop(connection)
        except BlockingIOError:
            return
        except OSError:
            self._drop(connection)

    def _read(self, connection: socket.socket, state: _Connection) -> None:
        received = connection.recv(http.LONGEST_REQUEST + 1)
        if not received:
            raise ConnectionResetError
        state.request += received
        if http.END in state.request[: http.LONGEST_REQUEST]:
            state.answer = self._answer(state.request.partition(http.END)[0])
        elif len(state.request) >= http.LONGEST_REQUEST:
            state.answer = http.refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if state.answer is not None:
            self._selector.modify(connection, selectors.EVENT_WRITE)

    def _answer(self, head: bytes) -> bytes:
        try:
            return http.answer(head, self._page, self._content_type)
        except Exception as error:
            if not self._page_failed:
                self._page_failed = True
                log.error("metrics: the counters cannot be shown: %s; this is a bug, please report it", error)
            return http.refusal(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _drop(self, connection: socket.socket) -> None:
        del self._open[connection]
        self._selector.unregister(connection)
        connection.close()

    def _drop_oldest(self) -> None:
        if self._open:
            self._drop(next(iter(self._open)))


class _Connection:
    """The request as far as it has come, then what is left of the answer. `since`: monotonic seconds."""

    def __init__(self, since: float) -> None:
        self.since, self.request = since, b""
        self.answer: bytes | None = None


def new_registry() -> CollectorRegistry:
    """Return an empty registry. Raises `OutputError` if prometheus_client is missing."""
    try:
        from prometheus_client import CollectorRegistry
    except ModuleNotFoundError:
        install = "install it with: pip install 'driver-monitor[metrics]'"
        raise OutputError(f"metrics.bind: prometheus-client is missing; {install}") from None
    return CollectorRegistry(auto_describe=False)


def serve(registry: CollectorRegistry, address: str, clock: Callable[[], float] = time.monotonic) -> Server:
    """Serve `registry` at `address`, such as 127.0.0.1:9464; port 0: any that is free. `clock`: monotonic seconds.

    Raises `OutputError`: the address is not of this machine's loopback, or it is in use.
    """
    from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

    try:
        host, port = loopback_address(address)
    except ValueError as error:
        raise OutputError(f"metrics: {error}") from None
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise OutputError(f"metrics {address}: {error.strerror}; choose another port, or end what uses it") from None
    listener.setblocking(False)
    return Server(listener, lambda: generate_latest(registry), CONTENT_TYPE_LATEST, clock)
