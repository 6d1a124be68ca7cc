"""A car for the tests of the collector: it sends alerts, again until they are stored, and keeps what it is told."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from paho.mqtt.client import Client

from driver_monitor.messages import wire
from driver_monitor.mqtt import topics
from driver_monitor.mqtt.broker import parse_broker
from driver_monitor.mqtt.client import ClientSettings, build_client, connect, digest_property, serve
from driver_monitor.mqtt.login import Login
from tests.processes import PATIENCE_S


def alert(vehicle: str, seq: int, **changes: Any) -> dict[str, Any]:
    """The envelope of an alert. Its id follows from vehicle and number."""
    id_ = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{vehicle} {seq}"))
    message = {
        "schema": 1, "id": id_, "seq": seq, "episode": id_, "vehicle": vehicle, "trip": "trip-1", "boot": "boot-1",
        "t": seq / 2, "t_mono": seq / 2, "t_wall": f"2026-11-29T12:{seq // 60 % 60:02}:{seq % 60:02}.125Z",
        "wall_synced": True, "rule": "microsleep", "level": "critical", "phase": "raised",
        "message": "Augen zu für 1.0 s", "evidence": {"measured": {"eyes.closed_s": 1.0}}, "model": "m",
        "config": "c", "profile": "fleet",
    }  # fmt: skip
    return message | changes


def status(vehicle: str, uptime_s: float, **changes: Any) -> dict[str, Any]:
    """A status, `uptime_s` after the start of the trip."""
    message = {
        "schema": 1, "vehicle": vehicle, "t_wall": "2026-11-29T12:00:00.000Z", "wall_synced": False,
        "trip": "trip-1", "boot": "boot-1", "uptime_s": uptime_s, "driving_s": uptime_s / 2, "camera": "ok",
        "attention": None, "degraded": None, "active": [], "alerts": 0, "config_fault": None, "versions": {},
        "spool": {"waiting": 0, "bytes": 0, "oldest_s": None, "dropped": 0, "absent": []},
    }  # fmt: skip
    return message | changes


class Car:
    """A connected car. `told`: the ids in each message `stored`."""

    def __init__(self, port: int, vehicle: str = "car-1") -> None:
        self.vehicle = vehicle
        self.told: list[list[str]] = []
        self.sent: dict[str, tuple[str, bytes]] = {}
        self._broker = parse_broker(f"mqtt://127.0.0.1:{port}")
        self._client: Client | None = None

    @property
    def stored(self) -> set[str]:
        """All ids that the car was told of."""
        return {id_ for ids in self.told for id_ in ids}

    def connect(self) -> Car:
        """Connect, also again; returns when `stored` is subscribed to."""
        settings = ClientSettings(f"car {self.vehicle}")
        client = self._client = build_client(self._broker, Login(), settings)
        ready: list[bool] = []
        client.on_connect = lambda *_: self._subscribe(client)
        client.on_subscribe = lambda *_: ready.append(True)
        client.on_message = lambda _client, _data, message: self.told.append(json.loads(message.payload))
        client.max_inflight_messages_set(1000)
        connect(client, self._broker, settings)
        self.until(lambda: bool(ready))
        return self

    def send(self, message: Mapping[str, Any]) -> None:
        """Send an alert, and remember it until it is stored."""
        topic, payload = topics.alert(self.vehicle, str(message["rule"])), wire.encode(message)
        self.sent[str(message["id"])] = (topic, payload)
        self._publish(topic, payload)

    def send_again(self) -> None:
        """Send what is not stored once more."""
        for id_, (topic, payload) in self.sent.items():
            if id_ not in self.stored:
                self._publish(topic, payload)

    def publish(self, topic: str, payload: bytes, retain: bool = False, qos: int = 1) -> None:
        """Send anything, without a digest."""
        assert self._client is not None
        self._client.publish(topic, payload, qos=qos, retain=retain)
        self.serve()

    def serve(self, wait_s: float = 0.02) -> bool:
        """Read and write for a short time; False if the connection has ended."""
        return self._client is not None and serve(self._client, wait_s)

    def until(self, condition: Callable[[], bool]) -> None:
        """Serve until `condition` is true."""
        end = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end, "it has not happened in time"
            if not self.serve():
                time.sleep(0.01)

    def until_all_stored(self, again_s: float = 0.5) -> None:
        """Serve until all alerts are stored; connect again, and send again after `again_s`, if necessary."""
        end, due = time.monotonic() + PATIENCE_S, time.monotonic() + again_s
        while not set(self.sent) <= self.stored:
            assert time.monotonic() < end, f"{len(set(self.sent) - self.stored)} alerts are not stored"
            if not self.serve():
                try:
                    self.connect()
                except OSError:
                    time.sleep(0.02)
                    continue
                due = 0.0
            if time.monotonic() > due:
                self.send_again()
                due = time.monotonic() + again_s

    def close(self) -> None:
        """Leave."""
        if self._client is not None:
            self._client.disconnect()

    def _subscribe(self, client: Client) -> None:
        client.subscribe(topics.stored(self.vehicle), 1)

    def _publish(self, topic: str, payload: bytes) -> None:
        assert self._client is not None
        self._client.publish(topic, payload, qos=1, properties=digest_property(payload))
        self.serve(0.0)
