"""A real daemon that is killed while its operator is away: each of its alerts arrives, as it was on ZeroMQ."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

from tests.fleet.services import Mosquitto, needs_mosquitto
from tests.outputs.uplink.operator_side import operator_side
from tests.processes import PATIENCE_S, DaemonProcess, Subscriber, free_port

pytestmark = needs_mosquitto


class Bytes:
    """Hears the daemon at `port`: its alerts as bytes."""

    def __init__(self, port: int) -> None:
        self.socket = Subscriber(port).socket
        self.alerts: list[bytes] = []

    def until(self, wanted: Callable[[bytes, bytes], object]) -> None:
        """Wait for a message for whose topic and payload `wanted` holds."""
        while True:
            assert self.socket.poll(int(PATIENCE_S * 1000))
            topic, payload = self.socket.recv_multipart()
            self.alerts += [payload] if topic.startswith(b"alert/") else []
            if wanted(topic, payload):
                return

    def on_disk(self, topic: bytes, payload: bytes) -> bool:
        """Return whether this status says that all alerts so far are on disk."""
        return topic == b"status/" and json.loads(payload)["outputs"]["uplink_waiting"] == len(self.alerts)

    def close(self) -> None:
        """Take what has come meanwhile, and close."""
        while self.socket.poll(100):
            topic, payload = self.socket.recv_multipart()
            self.alerts += [payload] if topic.startswith(b"alert/") else []
        self.socket.close()


def microsleep(topic: bytes, payload: bytes) -> bool:
    return topic == b"alert/microsleep/" and b'"restart"' not in payload


def test_ok__a_kill_a_broker_that_was_away_and_a_new_vehicle_id_lose_and_double_no_alert(
    tmp_path: Path, short_clip: Path
) -> None:
    port, broker_port = free_port(), free_port()
    fleet = f"uplink: {{brokers: ['mqtt://127.0.0.1:{broker_port}']}}\nvehicle: {{id: van-12}}"
    first = Bytes(port)
    with DaemonProcess(tmp_path, short_clip, port, fleet) as daemon:
        first.until(microsleep)
        first.until(first.on_disk)
        daemon.end(signal.SIGKILL)
    first.close()
    broker = Mosquitto(tmp_path / "broker", port=broker_port)
    second = Bytes(port)
    with operator_side(broker_port) as operator, DaemonProcess(tmp_path, short_clip, port, fleet) as daemon:
        second.until(microsleep)
        daemon.configure(fleet.replace("van-12", "van-13"))
        assert daemon.reload().returncode == 0
        operator.until(lambda: (operator.last("online") or {}).get("vehicle") == "van-13")
        code, _, written = daemon.end(signal.SIGTERM)
        second.close()
        published = {*first.alerts, *second.alerts}  # a reload repeats active alerts on ZeroMQ
        operator.until(lambda: len(operator.alerts()) >= len(published))
        operator.until(lambda: (operator.last("online") or {}).get("online") is False)
    broker.kill()
    assert code == 0, written
    assert sorted(one.payload for one in operator.alerts()) == sorted(published)  # none lost, none doubled
    assert any(b'"restart":true' in alert for alert in second.alerts)
    ends = [
        one.message["vehicle"] for one in operator.heard if one.topic.endswith("/online") and not one.message["online"]
    ]
    assert ends == ["van-12", "van-13"]
