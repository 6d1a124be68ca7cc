"""The uplink against a real broker: what it sends, and that whatever breaks, every alert arrives unchanged."""

from __future__ import annotations

import hashlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq

from driver_monitor.config.schema import ZmqConfig
from driver_monitor.config.sections.uplink import UplinkConfig
from driver_monitor.errors import ConfigError
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.outputs.fanout import Outputs
from driver_monitor.outputs.uplink.link import Clocks
from driver_monitor.outputs.uplink.output import UplinkOutput
from driver_monitor.outputs.uplink.status import DrivingTime, VehicleRun
from driver_monitor.outputs.zmq_publisher import ZmqPublisher
from driver_monitor.spool.clock import wall_clock
from tests.fleet.services import Mosquitto, mosquitto, needs_mosquitto
from tests.outputs.listener import listening
from tests.outputs.uplink.operator_side import OperatorSide, operator_side, wait_until
from tests.processes import free_port

RUN = VehicleRun("van-12", "trip-1", "boot-1")
SOON = Clocks(time.monotonic, wall_clock, lambda: 0.0)
"""The shortest waits between attempts."""


def alert(seq: int, level: str = "warning", vehicle: str = "van-12", **more: Any) -> dict[str, Any]:
    wall = {"t_wall": "2026-11-29T12:00:00.000Z", "wall_synced": True}
    named = {"schema": 1, "id": f"{vehicle}-{seq}", "seq": seq, "vehicle": vehicle, "rule": "microsleep"}
    return {**named, **wall, "level": level, "phase": "raised", "message": "Augen zu: über 1 s", **more}


def status(**more: Any) -> dict[str, Any]:
    known = {"camera": {"state": "ok"}, "attention": "attentive", "degraded": None, "active": [], "alerts": 0}
    return {"schema": 1, "vehicle": "van-12", "uptime_s": 7.0, "config_fault": None, "versions": {}, **known, **more}


def config(*ports: int, **more: Any) -> UplinkConfig:
    return UplinkConfig(brokers=tuple(f"mqtt://127.0.0.1:{port}" for port in ports), **more)


@contextmanager
def uplink(folder: Path, *ports: int, run: VehicleRun = RUN, **more: Any) -> Iterator[UplinkOutput]:
    output = UplinkOutput(config(*ports, **more), folder / "car", run, DrivingTime(), SOON)
    try:
        yield output
    finally:
        output.close()


def count(output: UplinkOutput, name: str) -> int:
    return output.counters()[f"uplink_{name}"]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
def operator(broker: Mosquitto) -> Iterator[OperatorSide]:
    with operator_side(broker.port) as listening:
        yield listening


pytestmark = needs_mosquitto


def test_ok__an_alert_arrives_byte_for_byte_as_on_zeromq_and_leaves_the_car_when_it_is_stored(
    tmp_path: Path, broker: Mosquitto, operator: OperatorSide
) -> None:
    publisher = ZmqPublisher(ZmqConfig(bind=f"tcp://127.0.0.1:{free_port()}"))
    with listening(publisher, "alert/") as listener, uplink(tmp_path, broker.port) as output:
        listener.until_marked(publisher)
        outputs = Outputs([publisher, output], PrivacyFilter({"distress"}))
        outputs.alert(alert(1, t=1.25, evidence={"measured": {"eyes.closed_s": float("nan")}}))
        topic, payload = listener.socket.recv_multipart()
        operator.until(operator.alerts)
        (heard,) = operator.alerts()
        assert (topic, heard.topic) == (b"alert/microsleep/", "dm/1/van-12/alert/microsleep")
        assert heard.payload == payload
        assert heard.digest == hashlib.sha256(payload).hexdigest()
        assert not heard.retain
        wait_until(lambda: count(output, "stored") == 1)
        assert count(output, "waiting") == 0
    publisher.close()
