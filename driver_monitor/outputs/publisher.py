"""The base class of the two ZeroMQ publishers: a queue, a thread that owns the sockets, and the last messages."""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from driver_monitor.messages.wire import Message
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.zmtp.subscriber import DROP_ORDER, Kind
from driver_monitor.threads.worker import QueueWorker

QUEUE = 256
"""Length of the queue. The thread never waits for subscribers, so more than a few messages mean an overloaded CPU."""
STALL_S = 5.0
"""Time without progress, while messages wait, after which the publisher counts as failed (ours). There is a status each
second, so a hang is noticed after 6 s. The thread itself never waits for anything but the CPU."""
CLOSE_S = 1.5
"""Time limit of `close`. Sending the queue takes milliseconds, and slow subscribers may take 0.5 s (`LINGER_S`)."""

log = logging.getLogger(__name__)
Encoded = TypeVar("Encoded")


class PublishItem(NamedTuple):
    """One message in the queue of a publisher."""

    kind: Kind
    message: Message
    topic: str


class Publisher(Output, Generic[Encoded]):
    """Sends each message in one thread, and keeps what late subscribers must get. A derived class has the sockets.

    `dropped`: number of messages by kind that no subscriber got: the queue was full, the thread had ended, or the
    message cannot be encoded (the first of each kind is logged).
    """

    def __init__(self) -> None:
        self.dropped: dict[Kind, int] = dict.fromkeys(DROP_ORDER, 0)
        self._last_status: Encoded | None = None
        self._active: dict[str, Encoded] = {}
        self._rejected: set[Kind] = set()

    def _start(
        self,
        thread: str,
        wake: Callable[[], object],
        ended: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the thread, named `thread`. `wake` ends `_serve`, `ended` closes the sockets in the thread."""
        self._worker: QueueWorker[PublishItem] = QueueWorker(
            thread,
            self._send,
            limit=QUEUE,
            rank=lambda item: DROP_ORDER.index(item.kind),
            lost=self._count_lost,
            wait=self._serve,
            wake=wake,
            ended=ended,
            clock=clock,
        )
        self._worker.start()

    @abstractmethod
    def _serve(self) -> None:
        """Wait for subscribers or `wake`, and serve those who came. Runs in the thread."""

    @abstractmethod
    def _encode(self, item: PublishItem) -> Encoded:
        """Return the message as it is sent. Raises `TypeError` or `ValueError` if it cannot be encoded."""

    @abstractmethod
    def _transmit(self, encoded: Encoded) -> None:
        """Send one message, without waiting. Runs in the thread."""

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
        self._worker.put(PublishItem("alert", alert, f"alert/{alert.get('rule')}/"))

    def state(self, state: Message) -> None:
        """Publish on `state/`."""
        self._worker.put(PublishItem("state", state, "state/"))

    def status(self, status: Message) -> None:
        """Publish on `status/`. Late subscribers get the last one."""
        self._worker.put(PublishItem("status", status, "status/"))

    def counters(self) -> dict[str, int]:
        """Return `<name>_dropped_` with each kind."""
        return {f"{self.name}_dropped_{kind}": count for kind, count in self.dropped.items()}

    def close(self) -> None:
        """Send what is queued and release the address, in at most `CLOSE_S`."""
        self._worker.close(CLOSE_S)

    def _last(self) -> list[Encoded]:
        """Return what a late subscriber must get: the active alerts and the last status."""
        return [*self._active.values(), *([self._last_status] if self._last_status is not None else [])]

    def _count_lost(self, item: PublishItem) -> None:
        self.dropped[item.kind] += 1

    def _send(self, item: PublishItem) -> None:
        try:
            encoded = self._encode(item)
        except (TypeError, ValueError) as error:
            self._worker.count_lost(item)
            if item.kind not in self._rejected:
                self._rejected.add(item.kind)
                name = self.name
                log.error("%s: a message of kind %s is not published: %s; there may be more", name, item.kind, error)
            return
        if item.kind == "status":
            self._last_status = encoded
        elif item.kind == "alert":
            self._active.pop(item.topic, None)
            if item.message.get("phase") != "cleared" or item.message.get("restart"):
                self._active[item.topic] = encoded
        self._transmit(encoded)
