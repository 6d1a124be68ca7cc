"""Publishes alerts, state and status through ZeroMQ for other programs on this machine.

Topics are `alert/<rule>/`, `state/`, `status/` and, for the car, `vehicle/dms` and `vehicle/vss`. A message has two
frames: the topic and UTF-8 JSON. Late subscribers get the active alerts and the last status.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from driver_monitor.config.addresses import publish_address
from driver_monitor.config.schema import ZmqConfig
from driver_monitor.messages import wire
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.zmtp import protocol
from driver_monitor.outputs.zmtp.server import SubscriberServer
from driver_monitor.outputs.zmtp.subscriber import DROP_ORDER, Kind, Packet
from driver_monitor.threads.worker import QueueWorker

QUEUE = 256
"""Length of the queue. The thread never waits for subscribers, so more than a few messages mean an overloaded CPU."""
STALL_S = 5.0
"""Time without progress, while messages wait, after which the publisher counts as failed (ours). There is a status each
second, so a hang is noticed after 6 s. The thread itself never waits for anything but the CPU."""
CLOSE_S = 1.5
"""Time limit of `close`. Sending the queue takes milliseconds, and slow subscribers may take 0.5 s (`LINGER_S`)."""

log = logging.getLogger(__name__)


class _Item(NamedTuple):
    kind: Kind
    message: Message
    topic: str


class ZmqPublisher(Output):
    """Publishes at the address `config.local_bind`, in one thread. Raises `OutputError` if the address cannot be bound.

    `dropped`: number of messages by kind that no subscriber got: the queue was full, the thread had ended, or the
    message cannot be encoded (the first of each kind is logged). `missed`: see `SubscriberServer`. `clock`: monotonic
    seconds.
    """

    name = "zmq"

    def __init__(self, config: ZmqConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self.dropped: dict[Kind, int] = dict.fromkeys(DROP_ORDER, 0)
        self._last_status: Packet | None = None
        self._active: dict[bytes, Packet] = {}
        self._rejected: set[Kind] = set()
        self._server = SubscriberServer(publish_address(config.local_bind), config.send_queue, clock)
        self._worker: QueueWorker[_Item] = QueueWorker(
            f"zmq-publisher {self.endpoint}",
            self._send,
            limit=QUEUE,
            rank=lambda item: DROP_ORDER.index(item.kind),
            lost=self._count_lost,
            wait=self._serve_subscribers,
            wake=self._server.wake,
            ended=self._server.close,
            clock=clock,
        )
        self._worker.start()

    @property
    def endpoint(self) -> str:
        """The bound address, with the port that is really used."""
        return self._server.endpoint

    @property
    def missed(self) -> dict[Kind, int]:
        """Number of messages by kind that one subscriber missed (`SubscriberServer`)."""
        return self._server.missed

    @property
    def failure(self) -> str | None:
        """Why the thread failed, or that it has made no progress for `STALL_S`; else None."""
        if self._worker.failure is None and self._worker.stalled_s() > STALL_S:
            return f"{self._worker.thread.name}: the thread hangs: messages wait, and none was sent for {STALL_S:.0f} s"
        return self._worker.failure

    def alert(self, alert: Message) -> None:
        """Publish on `alert/<rule>/`. Late subscribers get the last message of an alert until it is cleared.

        They also get the end of an alert by a restart, until the next alert of its rule.
        """
        self._worker.put(_Item("alert", alert, f"alert/{alert.get('rule')}/"))

    def state(self, state: Message) -> None:
        """Publish on `state/`."""
        self._worker.put(_Item("state", state, "state/"))

    def dms(self, message: Message) -> None:
        """Publish on `vehicle/dms`. A slow subscriber loses it as it loses states. May be called in any thread."""
        self._worker.put(_Item("state", message, "vehicle/dms"))

    def vss(self, message: Message) -> None:
        """Publish on `vehicle/vss`. A slow subscriber loses it as it loses states."""
        self._worker.put(_Item("state", message, "vehicle/vss"))

    def status(self, status: Message) -> None:
        """Publish on `status/`. Late subscribers get the last one."""
        self._worker.put(_Item("status", status, "status/"))

    def counters(self) -> dict[str, int]:
        """Return `zmq_dropped_` and `zmq_missed_` with each kind, and `zmq_refused`, the connections refused."""
        dropped = {f"zmq_dropped_{kind}": count for kind, count in self.dropped.items()}
        missed = {f"zmq_missed_{kind}": count for kind, count in self.missed.items()}
        return {**dropped, **missed, "zmq_refused": self._server.refused}

    def close(self) -> None:
        """Send what is queued and release the address, in at most `CLOSE_S`."""
        self._worker.close(CLOSE_S)

    def _count_lost(self, item: _Item) -> None:
        self.dropped[item.kind] += 1

    def _serve_subscribers(self) -> None:
        self._server.serve([*self._active.values(), *([self._last_status] if self._last_status else [])])

    def _send(self, item: _Item) -> None:
        try:
            packet = _packet(item)
        except (TypeError, ValueError) as error:
            self._worker.count_lost(item)
            if item.kind not in self._rejected:
                self._rejected.add(item.kind)
                log.error("zmq: a message of kind %s is not published: %s; there may be more", item.kind, error)
            return
        if item.kind == "status":
            self._last_status = packet
        elif item.kind == "alert":
            self._active.pop(packet.topic, None)
            if item.message.get("phase") != "cleared" or item.message.get("restart"):
                self._active[packet.topic] = packet
        self._server.send(packet)


def _packet(item: _Item) -> Packet:
    """Return the message as it is sent. Raises `TypeError` or `ValueError` if it cannot be encoded."""
    topic = item.topic.encode()
    return Packet(item.kind, topic, protocol.message(topic, wire.encode(item.message)))
