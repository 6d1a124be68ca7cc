"""Publishes alerts, state and status through ZeroMQ for other programs on this machine.

Topics are `alert/<rule>/`, `state/`, `status/` and, for the car, `vehicle/dms` and `vehicle/vss`. A message has two
frames: the topic and UTF-8 JSON. Late subscribers get the active alerts and the last status.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from driver_monitor.config.addresses import publish_address
from driver_monitor.config.schema import ZmqConfig
from driver_monitor.messages import wire
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.publisher import Publisher, PublishItem
from driver_monitor.outputs.zmtp import protocol
from driver_monitor.outputs.zmtp.server import SubscriberServer
from driver_monitor.outputs.zmtp.subscriber import Kind, Packet


class ZmqPublisher(Publisher[Packet]):
    """Publishes at `config.local_bind`, in one thread. Raises `OutputError` if the address cannot be bound.

    `missed`: see `SubscriberServer`. `clock`: monotonic seconds.
    """

    name = "zmq"

    def __init__(self, config: ZmqConfig, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._server = SubscriberServer(publish_address(config.local_bind), config.send_queue, clock)
        self._start(f"zmq-publisher {self.endpoint}", self._server.wake, self._server.close, clock)

    @property
    def endpoint(self) -> str:
        """The bound address, with the port that is really used."""
        return self._server.endpoint

    @property
    def missed(self) -> dict[Kind, int]:
        """Number of messages by kind that one subscriber missed (`SubscriberServer`)."""
        return self._server.missed

    def dms(self, message: Message) -> None:
        """Publish on `vehicle/dms`. A slow subscriber loses it as it loses states. May be called in any thread."""
        self._worker.put(PublishItem("state", message, "vehicle/dms"))

    def vss(self, message: Message) -> None:
        """Publish on `vehicle/vss`. A slow subscriber loses it as it loses states."""
        self._worker.put(PublishItem("state", message, "vehicle/vss"))

    def counters(self) -> dict[str, int]:
        """Return `zmq_dropped_` and `zmq_missed_` with each kind, and `zmq_refused`, the connections refused."""
        missed = {f"zmq_missed_{kind}": count for kind, count in self.missed.items()}
        return {**super().counters(), **missed, "zmq_refused": self._server.refused}

    def _serve(self) -> None:
        self._server.serve(self._last())

    def _encode(self, item: PublishItem) -> Packet:
        topic = item.topic.encode()
        return Packet(item.kind, topic, protocol.message(topic, wire.encode(item.message)))

    def _transmit(self, encoded: Packet) -> None:
        self._server.send(encoded)
