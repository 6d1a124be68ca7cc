"""ZeroMQ: alerts, state and status for everybody on this machine who wants to listen.

Topics `alert/<rule>/`, `state/`, `status/`; two frames, the topic and UTF-8 JSON. See `xpub` for late subscribers.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections import deque
from typing import Literal, NamedTuple

import zmq

from driver_monitor.config.schema import ZmqConfig
from driver_monitor.data.alert import Level
from driver_monitor.messages import wire
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.last_value_socket import Frames, LastValueSocket

Kind = Literal["state", "status", "alert"]
DISPENSABLE: tuple[Kind, ...] = ("state", "status", "alert")
"""What goes first when the queue is full: the oldest of the first kind there is."""
QUEUE = 256
"""Messages waiting for the publishing thread; it never blocks, so that more than a few mean an overloaded machine."""
CLOSE_S = 1.5
"""The drained queue takes milliseconds, the socket's linger half a second."""

log = logging.getLogger(__name__)


class _Item(NamedTuple):
    kind: Kind
    message: Message


class ZmqPublisher:
    """Publishes on `config.bind`; one thread owns the socket. Raises `OutputError` when it cannot be bound.

    `dropped`: messages lost because the machine was too slow, by kind.
    """

    def __init__(self, config: ZmqConfig) -> None:
        self.failure: str | None = None
        self.dropped: dict[Kind, int] = dict.fromkeys(DISPENSABLE, 0)
        self._queue: deque[_Item] = deque()
        self._lock = threading.Lock()
        self._closing = False
        self._last_status: Frames | None = None
        self._active: dict[str, Frames] = {}
        self._refused: set[Kind] = set()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            self._socket = LastValueSocket(self._context, config.bind, config.send_queue)
        except BaseException:
            self._context.destroy(0)
            raise
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="zmq-publisher", daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """The address in use, with its real port."""
        return self._socket.endpoint

    def alert(self, alert: Message) -> None:
        """Publish on `alert/<rule>/`; kept for late subscribers until it is cleared."""
        self._put(_Item("alert", alert))

    def level(self, level: Level | None) -> None:
        """Say nothing: the level is in alerts and status."""

    def state(self, state: Message) -> None:
        """Publish on `state/`."""
        self._put(_Item("state", state))

    def status(self, status: Message) -> None:
        """Publish on `status/`; the last one is kept for late subscribers."""
        self._put(_Item("status", status))

    def counters(self) -> dict[str, int]:
        """Return the messages that were lost because the machine was too slow, by kind."""
        return {f"zmq_dropped_{kind}": count for kind, count in self.dropped.items()}

    def close(self) -> None:
        """Send what is queued, release the address; at most `CLOSE_S`."""
        with self._lock:
            first, self._closing = not self._closing, True
        if first:
            self._wake()
        self._thread.join(CLOSE_S)

    def _put(self, item: _Item) -> None:
        with self._lock:
            if self._closing or self.failure is not None:
                return
            self._queue.append(item)
            if len(self._queue) > QUEUE:
                self._drop()
            wake = len(self._queue) == 1
        if wake:
            self._wake()

    def _drop(self) -> None:
        kind = next(kind for kind in DISPENSABLE if any(item.kind == kind for item in self._queue))
        del self._queue[next(index for index, item in enumerate(self._queue) if item.kind == kind)]
        self.dropped[kind] += 1

    def _wake(self) -> None:
        # full means that the thread has been woken already; closed, that there is none
        with contextlib.suppress(OSError):
            self._wake_in.send(b"\0")

    def _run(self) -> None:
        try:
            self._publish()
        except Exception as error:
            self.failure = f"the ZeroMQ publisher on {self.endpoint} stopped: {error}"
            log.error("%s", self.failure)
        finally:
            self._socket.close()
            self._context.term()
            self._wake_in.close()
            self._wake_out.close()

    def _publish(self) -> None:
        poller = zmq.Poller()
        poller.register(self._socket.raw, zmq.POLLIN)
        poller.register(self._wake_out, zmq.POLLIN)
        while True:
            poller.poll()
            with contextlib.suppress(BlockingIOError):
                self._wake_out.recv(4096)
            with self._lock:
                items, closing = list(self._queue), self._closing
                self._queue.clear()
            self._socket.serve(self._retained())
            for item in items:
                self._send(item)
            if closing:
                return

    def _retained(self) -> list[Frames]:
        return [*self._active.values(), *([self._last_status] if self._last_status else [])]

    def _send(self, item: _Item) -> None:
        try:
            frames = self._frames(item)
        except (TypeError, ValueError) as error:
            if item.kind not in self._refused:
                self._refused.add(item.kind)
                log.error("a message of kind %s cannot be published, and so may others: %s", item.kind, error)
            return
        if item.kind == "status":
            self._last_status = frames
        elif item.kind == "alert":
            self._remember(item.message, frames)
        self._socket.send(frames)

    def _remember(self, alert: Message, frames: Frames) -> None:
        rule = str(alert.get("rule"))
        self._active.pop(rule, None)
        if alert.get("phase") != "cleared":
            self._active[rule] = frames

    @staticmethod
    def _frames(item: _Item) -> Frames:
        topic = f"alert/{item.message.get('rule')}/" if item.kind == "alert" else f"{item.kind}/"
        return topic.encode(), wire.encode(item.message)
