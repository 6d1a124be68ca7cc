"""Publishes alerts, state and status through ZeroMQ for other programs on this machine.

Topics are `alert/<rule>/`, `state/` and `status/`. A message has two frames: the topic and UTF-8 JSON. Late
subscribers get the active alerts and the last status (see `last_value_socket`).
"""

from __future__ import annotations

import contextlib
import logging
import socket
from typing import Literal, NamedTuple

import zmq

from driver_monitor.config.schema import ZmqConfig
from driver_monitor.messages import wire
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.last_value_socket import Frames, LastValueSocket
from driver_monitor.outputs.output import Output
from driver_monitor.threads.worker import QueueWorker

Kind = Literal["state", "status", "alert"]
DROP_ORDER: tuple[Kind, ...] = ("state", "status", "alert")
"""Order of dropping: a full queue drops its oldest state; without a state its oldest status; else its oldest alert."""
QUEUE = 256
"""Length of the queue. The thread never waits for subscribers, so more than a few messages mean an overloaded CPU."""
CLOSE_S = 1.5
"""Time limit of `close`. Sending the queue takes milliseconds, and the socket may take 0.5 s (`LINGER_MS`)."""

log = logging.getLogger(__name__)


class _Item(NamedTuple):
    kind: Kind
    message: Message


class ZmqPublisher(Output):
    """Publishes at the address `config.bind`, in one thread. Raises `OutputError` if the address cannot be bound.

    `dropped`: number of messages by kind that found the queue full or closed. Not counted: messages that a slow
    subscriber misses, and messages that cannot be encoded (the first of each kind is logged).
    """

    name = "zmq"

    def __init__(self, config: ZmqConfig) -> None:
        self.dropped: dict[Kind, int] = dict.fromkeys(DROP_ORDER, 0)
        self._last_status: Frames | None = None
        self._active: dict[str, Frames] = {}
        self._rejected: set[Kind] = set()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            self._socket = LastValueSocket(self._context, config.bind, config.send_queue)
        except BaseException:
            self._context.destroy(0)
            raise
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._poller = zmq.Poller()
        self._poller.register(self._socket.raw, zmq.POLLIN)
        self._poller.register(self._wake_out, zmq.POLLIN)
        self._worker: QueueWorker[_Item] = QueueWorker(
            f"zmq-publisher {self.endpoint}",
            self._send,
            limit=QUEUE,
            rank=lambda item: DROP_ORDER.index(item.kind),
            wait=self._serve_subscribers,
            wake=self._wake,
            ended=self._release,
        )
        self._worker.start()

    @property
    def endpoint(self) -> str:
        """The bound address, with the port that is really used."""
        return self._socket.endpoint

    def alert(self, alert: Message) -> None:
        """Publish on `alert/<rule>/`. Late subscribers get the last message of an alert until it is cleared.

        They also get the end of an alert by a restart, until the next alert of its rule.
        """
        self._put(_Item("alert", alert))

    def state(self, state: Message) -> None:
        """Publish on `state/`."""
        self._put(_Item("state", state))

    def status(self, status: Message) -> None:
        """Publish on `status/`. Late subscribers get the last one."""
        self._put(_Item("status", status))

    def counters(self) -> dict[str, int]:
        """Return `dropped` as counters: `zmq_dropped_` and the kind."""
        return {f"zmq_dropped_{kind}": count for kind, count in self.dropped.items()}

    def close(self) -> None:
        """Send what is queued and release the address, in at most `CLOSE_S`."""
        self._worker.close(CLOSE_S)

    def _put(self, item: _Item) -> None:
        dropped = self._worker.put(item)
        if dropped is not None:
            self.dropped[dropped.kind] += 1

    def _wake(self) -> None:
        # The socket is full if a wake-up is under way already, and closed if the thread has ended.
        with contextlib.suppress(OSError):
            self._wake_in.send(b"\0")

    def _serve_subscribers(self) -> None:
        self._poller.poll()
        with contextlib.suppress(BlockingIOError):
            self._wake_out.recv(4096)
        self._socket.serve([*self._active.values(), *([self._last_status] if self._last_status else [])])

    def _send(self, item: _Item) -> None:
        topic = f"alert/{item.message.get('rule')}/" if item.kind == "alert" else f"{item.kind}/"
        try:
            frames = topic.encode(), wire.encode(item.message)
        except (TypeError, ValueError) as error:
            if item.kind not in self._rejected:
                self._rejected.add(item.kind)
                log.error("zmq: a message of kind %s is not published: %s; there may be more", item.kind, error)
            return
        if item.kind == "status":
            self._last_status = frames
        elif item.kind == "alert":
            self._active.pop(topic, None)
            if item.message.get("phase") != "cleared" or item.message.get("restart"):
                self._active[topic] = frames
        self._socket.send(frames)

    def _release(self) -> None:
        self._socket.close()
        self._context.term()
        self._wake_in.close()
        self._wake_out.close()
