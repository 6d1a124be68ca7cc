"""The signal to the car from real daemons: what the car hears from the start to the end, and when it hears nothing."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.config.schema import load
from driver_monitor.errors import ConfigError
from tests.processes import DaemonProcess, Subscriber, free_port

RECEIVER = """
import sys, threading, time
import can
from tools.car.receiver import POLL_S, Receiver
from driver_monitor.cli import main

bus = can.Bus(interface="virtual", channel="car")

def receive():
    receiver, shown = Receiver(), None
    while True:
        message = bus.recv(POLL_S)
        if message is not None:
            receiver.take(message, time.monotonic())
        known = receiver.at(time.monotonic())
        if known != shown:
            shown = known
            print("CAR", known.system, known.attention, known.warned, flush=True)

threading.Thread(target=receive, daemon=True).start()
main()
"""
"""The program, and in its process the example receiver at the other end of python-can's virtual bus.

The bus is opened before the program begins, because it keeps nothing for those who come later.
"""


def test_ok__a_receiver_on_the_bus_of_a_daemon_hears_the_sleeper_and_the_end(tmp_path: Path, short_clip: Path) -> None:
    config, port = "outputs: {vehicle: 'can:virtual:car'}", free_port()
    program = (sys.executable, "-c", RECEIVER)
    with (
        Subscriber(port) as subscriber,
        DaemonProcess(tmp_path, short_clip, port, config, program=program) as daemon,
    ):
        subscriber.until("microsleep", "raised")
        # The bus has a thread of its own: it has told the car when the next status comes, within a second.
        while subscriber.next()[0] != "status/":
            pass
        code, out, err = daemon.end(signal.SIGTERM)
    assert code == 0, err
    heard = [line.removeprefix("CAR ") for line in out.splitlines() if line.startswith("CAR ")]
    assert heard[0] in ("missing unknown none", "starting unknown none")
    assert "starting unknown none" in heard
    assert "ok drowsy drowsy" in heard
    assert heard.index("ok attentive none") < heard.index("ok drowsy drowsy")


def hears(port: int, wanted: str, subscriber: Subscriber) -> dict[str, Any]:
    """Return the first message with this attention or system."""
    end = time.monotonic() + 60
    while True:
        topic, message = subscriber.next()
        assert topic == "vehicle/dms"
        if wanted in (message["attention"], message["system"]):
            return message
        assert time.monotonic() < end


def test_ok__subscribers_hear_that_a_daemon_ends_and_nothing_after_a_kill(tmp_path: Path) -> None:
    port = free_port()
    with Subscriber(port, "vehicle/dms") as subscriber:
        with DaemonProcess(tmp_path, port=port, config="outputs: {vehicle: zmq}") as daemon:
            hears(port, "attentive", subscriber)
            assert daemon.end(signal.SIGTERM)[0] == 0
            assert hears(port, "off", subscriber)["attention"] == "unknown"
        with DaemonProcess(tmp_path, port=port, config="outputs: {vehicle: zmq}") as daemon:
            hears(port, "attentive", subscriber)
            daemon.end(signal.SIGKILL)
            rest = []
            while subscriber.socket.poll(500):
                rest.append(subscriber.next()[1])
            assert "off" not in [message["system"] for message in rest]


def test_fail__a_bus_that_does_not_exist_costs_one_line_and_no_alert(tmp_path: Path, short_clip: Path) -> None:
    port = free_port()
    with (
        Subscriber(port) as subscriber,
        DaemonProcess(tmp_path, short_clip, port, "outputs: {vehicle: 'can:can77'}") as daemon,
    ):
        heard = subscriber.until("microsleep", "raised")
        status = subscriber.status(lambda status: status["outputs"]["dms_faults"] > 1)
        code, _, err = daemon.end(signal.SIGTERM)
    assert code == 0
    assert "vehicle/dms" in [topic for topic, _ in heard]
    assert status["outputs"]["output_faults"] == 0
    (line,) = [line for line in err.splitlines() if "outputs.vehicle" in line]
    assert "can:can77" in line
    assert "the car is told nothing; tried again every 1 s" in line
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("outputs: {vehicle: 'can:'}", "'can:' is not a way to the car; use zmq, can:can0 or null"),
        ("outputs: {vehicle: 'can:a:b:c'}", "is not a way to the car"),
        ("outputs: {vehicle: 'tcp://10.0.0.1:5'}", "is not a way to the car"),
        ("outputs: {vehicle: 'can:can0\\n'}", "is not a way to the car"),
        ("outputs: {vehicle: true}", "expected text"),
        ("outputs: {vehicle: zmq, can_id: 0}", "outputs.can_id: must be at least 1"),
        ("outputs: {vehicle: zmq, can_id: 2015}", "outputs.can_id: must be at most 1791"),
        ("outputs: {vehicle: zmq, can_id: 0x5D0}", "outputs.can_id: expected a whole number"),
        ("outputs: {vehicle: zmq, can_id: 1488.5}", "outputs.can_id: expected a whole number"),
        ("outputs: [zmq]", "outputs: expected `key: value` lines"),
        ("outputs: {car: zmq}", "outputs.car: unknown key"),
    ],
)
def test_fail__a_wrong_setting_is_one_line(tmp_path: Path, config: str, reason: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(config)
    with pytest.raises(ConfigError) as error:
        load(file)
    assert reason in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("vehicle", ["zmq", "can:can0", "can:virtual:car", "can:slcan:ttyACM0", "null"])
def test_ok__each_way_to_the_car_is_a_valid_setting(tmp_path: Path, vehicle: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"outputs: {{vehicle: '{vehicle}'}}" if vehicle != "null" else "outputs: {vehicle: null}")
    assert load(file).outputs.vehicle == (None if vehicle == "null" else vehicle)


def test_fail__the_topic_needs_the_publisher(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("zmq: {enabled: false}\noutputs: {vehicle: zmq}")
    with pytest.raises(ConfigError, match=r"config\.yaml:2: outputs\.vehicle: zmq needs zmq\.enabled: true"):
        load(file)
    file.write_text("zmq: {enabled: false}\noutputs: {vehicle: 'can:can0'}")
    assert load(file).outputs.vehicle == "can:can0"
