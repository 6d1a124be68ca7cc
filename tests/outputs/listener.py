"""A subscriber for tests. Markers show that a message was not received, without waiting for a time-out."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from typing import Any

import zmq

from driver_monitor.outputs.zmq_publisher import ZmqPublisher

PATIENCE_MS = 5000
"""Only a failing test waits so long."""
RETRY_MS = 20
"""Pause between two markers, until the subscription has arrived."""

_numbers = itertools.count(1)


def alert(seq: int, rule: str = "microsleep", phase: str = "raised", **more: Any) -> dict[str, Any]:
    return {"schema": 1, "id": f"id-{seq}", "seq": seq, "rule": rule, "level": "warning", "phase": phase, **more}


def status(frame: int) -> dict[str, Any]:
    return {"schema": 1, "frame": frame}


def mark(publisher: ZmqPublisher, prefix: str) -> int:
    """Send a numbered message to subscribers of `prefix`. Late subscribers do not get it, except on `status/`."""
    number = next(_numbers)
    marker = {"schema": 1, "marker": number}
    if prefix.startswith("alert/"):
        publisher.alert({**marker, "rule": prefix.removeprefix("alert/").strip("/") or "marker", "phase": "cleared"})
    elif prefix == "status/":
        publisher.status(marker)
    else:
        publisher.state(marker)
    return number


class Listener:
    """A SUB socket, or an XSUB one, that has subscribed to `prefixes`."""

    def __init__(self, endpoint: str, *prefixes: str, kind: int = zmq.SUB, hwm: int = 1000) -> None:
        self.prefixes = prefixes
        self.socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVHWM, hwm)
        self.socket.connect(endpoint)
        for prefix in prefixes:
            self.socket.setsockopt(zmq.SUBSCRIBE, prefix.encode())

    def receive(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """Wait for `count` messages that are no markers."""
        received: list[tuple[str, dict[str, Any]]] = []
        while len(received) < count:
            topic, message = self.next()
            if "marker" not in message:
                received.append((topic, message))
        return received

    def receive_seqs(self, count: int) -> list[int]:
        return [message["seq"] for _, message in self.receive(count)]

    def next(self) -> tuple[str, dict[str, Any]]:
        assert self.socket.poll(PATIENCE_MS), "nothing received"
        topic, payload = self.socket.recv_multipart()
        return topic.decode(), json.loads(payload)

    def until_marked(self, publisher: ZmqPublisher, prefix: str | None = None) -> list[dict[str, Any]]:
        """Return all that comes before a marker that is sent now; by then the subscription has arrived."""
        prefix = self.prefixes[0] if prefix is None else prefix
        for _ in range(PATIENCE_MS // RETRY_MS):
            number = mark(publisher, prefix)
            if self.socket.poll(RETRY_MS):
                break
        received: list[dict[str, Any]] = []
        while True:
            _, message = self.next()
            if message.get("marker") == number:
                return received
            if "marker" not in message:
                received.append(message)


@contextlib.contextmanager
def listening(publisher: ZmqPublisher, *prefixes: str, **options: Any) -> Iterator[Listener]:
    listener = Listener(publisher.endpoint, *prefixes, **options)
    try:
        yield listener
    finally:
        listener.socket.close()
