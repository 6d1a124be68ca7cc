"""A stand-in for the operator: hears all that a vehicle sends to a real broker, and says what is stored."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from driver_monitor.mqtt.broker import parse_broker
from driver_monitor.mqtt.client import ClientSettings, build_client, connect, digest_in
from driver_monitor.mqtt.login import Login
from tests.processes import PATIENCE_S


class Heard(NamedTuple):
    topic: str
    payload: bytes
    digest: str | None
    retain: bool

    @property
    def message(self) -> dict[str, Any]:
        return json.loads(self.payload)  # type: ignore[no-any-return]


class OperatorSide:
    """Subscribed to everything at the broker at `port`. `answers`: whether it says `stored` for each alert."""

    def __init__(self, port: int, *, answers: bool = True, client_id: str = "operator") -> None:
        self.heard: list[Heard] = []
        self.answers, self._changed = answers, threading.Condition()
        broker, settings = parse_broker(f"mqtt://127.0.0.1:{port}"), ClientSettings(client_id)
        self.client = build_client(broker, Login(), settings)
        self.client.on_message = self._on_message
        subscribed = threading.Event()
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.on_connect = self._on_connect
        connect(self.client, broker, settings)
        self.client.loop_start()
        assert subscribed.wait(PATIENCE_S)

    def _on_connect(self, *_: object) -> None:
        self.client.subscribe("dm/1/#", qos=1)

    def _on_message(self, _client: object, _data: object, message: Any) -> None:
        if message.topic.endswith("/stored"):
            return
        with self._changed:
            self.heard.append(Heard(message.topic, message.payload, digest_in(message.properties), message.retain))
            self._changed.notify_all()
        if self.answers and "/alert/" in message.topic:
            alert = json.loads(message.payload)
            self.store(alert["vehicle"], alert["id"])

    def store(self, vehicle: str, *ids: str) -> None:
        """Tell the vehicle that these are stored."""
        self.client.publish(f"dm/1/{vehicle}/stored", json.dumps(ids), qos=1)

    def say(self, topic: str, payload: bytes) -> None:
        self.client.publish(topic, payload, qos=1)

    def alerts(self) -> list[Heard]:
        return [one for one in self.heard if "/alert/" in one.topic]

    def ids(self) -> list[str]:
        return [one.message["id"] for one in self.alerts()]

    def until(self, wanted: Callable[[], object]) -> None:
        """Wait until `wanted` holds after a message."""
        with self._changed:
            assert self._changed.wait_for(wanted, PATIENCE_S), [one.topic for one in self.heard[-5:]]

    def last(self, kind: str) -> dict[str, Any] | None:
        """Return the last message of a topic that ends so; None: there is none."""
        return next((one.message for one in reversed(self.heard) if one.topic.endswith(f"/{kind}")), None)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@contextmanager
def operator_side(port: int, *, answers: bool = True) -> Iterator[OperatorSide]:
    operator = OperatorSide(port, answers=answers)
    try:
        yield operator
    finally:
        operator.close()


def wait_until(wanted: Callable[[], object]) -> None:
    """Wait until `wanted` holds."""
    end = time.monotonic() + PATIENCE_S
    while not wanted():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)
