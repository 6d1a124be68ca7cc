"""Speed and ignition over ZeroMQ, the diagnostic socket or a file; also wrong and missing data."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import can
import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.bench.replay import ReplayJob, replay
from driver_monitor.data.observation import FASTEST_KMH, UNKNOWN_VEHICLE, VehicleData
from driver_monitor.errors import ConfigError, SourceError
from driver_monitor.vehicle.obd import (
    ANSWER_IDS,
    REQUEST_EVERY_S,
    REQUEST_ID,
    RETRY_S,
    SPEED_PID,
    ObdVehicle,
)
from driver_monitor.vehicle.recorded import SUFFIX, RecordedVehicle, beside
from driver_monitor.vehicle.source import (
    STALE_S,
    LatestReport,
    NoVehicle,
    parse,
)
from driver_monitor.vehicle.zmq_vehicle import ZmqVehicle


def test_ok__without_a_source_nothing_is_known() -> None:
    silent = NoVehicle()
    assert silent.at(5.0) == UNKNOWN_VEHICLE == VehicleData(None, None)
    assert silent.counters() == {}


def test_ok__a_value_is_valid_for_two_seconds_and_each_quantity_by_itself() -> None:
    latest = LatestReport()
    latest.take(1.0, VehicleData(87.5, True))
    latest.take(2.0, VehicleData(88.0, None))
    assert latest.at(3.0) == VehicleData(88.0, True)
    assert latest.at(1.0 + STALE_S + 0.5) == VehicleData(88.0, None)
    assert latest.at(2.0 + STALE_S + 0.1) == UNKNOWN_VEHICLE


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "not an object"),
        ('{"speed_kmh": "fast"}', "speed_kmh"),
        ('{"speed_kmh": -1}', "from 0 to 400"),
        ('{"speed_kmh": NaN}', "speed_kmh"),
        ('{"speed_kmh": 1e999}', "speed_kmh"),
        ('{"speed_kmh": true}', "speed_kmh"),
        ('{"ignition": 1}', "ignition"),
        ('{"t": "now"}', "t: expected seconds"),
        ("[" * 100_000, "not JSON"),
        ('{"speed_kmh": 1' + "0" * 400 + "}", "speed_kmh"),
    ],
)
def test_fail__wrong_data_is_reported_with_its_field(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text)


@given(st.one_of(st.binary(max_size=60), st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5), lambda x: st.dictionaries(st.sampled_from(
        ["speed_kmh", "ignition", "t", "other"]), x)).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_ok__any_message_is_rejected_or_valid(text: bytes) -> None:
    try:
        vehicle, _ = parse(text)
    except ValueError:
        return
    assert vehicle.speed_kmh is None or 0 <= vehicle.speed_kmh <= FASTEST_KMH


def test_ok__a_recorded_drive_is_played_in_the_clips_own_time(tmp_path: Path) -> None:
    path = tmp_path / f"trip{SUFFIX}"
    path.write_text('{"t": 0, "speed_kmh": 10}\n\n{"t": 1.5, "speed_kmh": 50, "ignition": true}\n')
    recorded = RecordedVehicle(path)
    assert [recorded.at(t).speed_kmh for t in (0.0, 1.4, 1.5, 3.4, 3.6)] == [10, 10, 50, 50, None]
    assert beside(tmp_path / "trip.mp4") == path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"t": 1}\n{"t": 0.5}', r":2: t: 0.5 is less than 1"),
        ('{"speed_kmh": 3}', r":1: t: missing"),
        ("\n\nrubbish", r":3: not JSON"),
    ],
)
def test_fail__a_wrong_file_is_reported_with_its_line(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / f"trip{SUFFIX}"
    path.write_text(text)
    with pytest.raises(SourceError, match=reason):
        RecordedVehicle(path)


def test_ok__a_replay_uses_the_file_that_belongs_to_the_clip(short_clip: Path, tmp_path: Path) -> None:
    clip = tmp_path / short_clip.name
    clip.write_bytes(short_clip.read_bytes())
    beside(clip).write_text('{"t": 0, "speed_kmh": 33.3, "ignition": true}')
    done = replay(ReplayJob(clip, tmp_path / "out"), build.load_plan(Request()))
    lines = [json.loads(line) for line in (done.folder / "signals.jsonl").read_text().splitlines()]
    assert lines[0]["car"] == {"speed_kmh": 33.3, "ignition": True}


@contextmanager
def car() -> Iterator[tuple[zmq.Socket[bytes], ZmqVehicle]]:
    """A publisher on a real socket, and a daemon that has subscribed."""
    context = zmq.Context()
    publisher = context.socket(zmq.XPUB)
    publisher.setsockopt(zmq.XPUB_VERBOSE, 1)  # a notice also for a subscription that an older one still covers
    port = publisher.bind_to_random_port("tcp://127.0.0.1")
    vehicle = ZmqVehicle(f"tcp://127.0.0.1:{port}")
    try:
        assert publisher.poll(5000)
        assert publisher.recv() == b"\x01vehicle/"
        yield publisher, vehicle
    finally:
        vehicle.close()
        publisher.close(0)
        context.term()


def received(vehicle: ZmqVehicle, t: float) -> VehicleData:
    """Return what is valid after the next message has arrived."""
    assert vehicle._socket.poll(5000)
    return vehicle.at(t)


def test_ok__a_speed_on_the_socket_is_known_at_once_and_forgotten_when_it_stops() -> None:
    with car() as (publisher, vehicle):
        assert vehicle.at(0.0) == UNKNOWN_VEHICLE
        publisher.send_multipart([b"vehicle/", b'{"speed_kmh": 87.5, "ignition": true}'])
        assert received(vehicle, 1.0) == VehicleData(87.5, True)
        assert vehicle.at(1.0 + STALE_S + 0.1) == UNKNOWN_VEHICLE


def test_fail__wrong_messages_are_counted_logged_once_and_change_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with car() as (publisher, vehicle):
        publisher.send_multipart([b"vehicle/", b'{"speed_kmh": 50}'])
        assert received(vehicle, 1.0).speed_kmh == 50
        for frames in ([b"vehicle/", b"?"], [b"vehicle/"], [b"vehicle/", b"{}", b"more"]):
            publisher.send_multipart(frames)
            assert received(vehicle, 1.5).speed_kmh == 50
        assert vehicle.counters() == {"vehicle_refused": 3, "vehicle_floods": 0}
        assert caplog.text.count("vehicle.input") == 1


def test_ok__a_publisher_that_floods_does_not_delay_the_daemon() -> None:
    """After a flood nothing is known until a newer message comes. libzmq need not tell when it has connected again."""
    with car() as (publisher, vehicle):
        deadline = time.monotonic() + 60
        while vehicle.counters()["vehicle_floods"] == 0 and time.monotonic() < deadline:
            for _ in range(500):
                publisher.send_multipart([b"vehicle/", b'{"speed_kmh": 0}'])
            found = vehicle.at(1.0)
        assert found == UNKNOWN_VEHICLE
        found = vehicle.at(1.1)
        while found == UNKNOWN_VEHICLE and time.monotonic() < deadline:
            publisher.send_multipart([b"vehicle/", b'{"speed_kmh": 42}'])
            vehicle._socket.poll(20)
            found = vehicle.at(1.1)
        assert found.speed_kmh == 42, "no message of the flood was used"


def test_ok__messages_that_waited_while_the_daemon_was_busy_are_discarded() -> None:
    with car() as (publisher, vehicle):
        publisher.send_multipart([b"vehicle/", b'{"speed_kmh": 0}'])
        assert received(vehicle, 1.0).speed_kmh == 0
        publisher.send_multipart([b"vehicle/", b'{"speed_kmh": 0}'])
        assert vehicle._socket.poll(5000)
        assert vehicle.at(1.0 + STALE_S + 3) == UNKNOWN_VEHICLE


class ControlUnit:
    """Answers the request on a virtual bus, as an engine's control unit does."""

    def __init__(self, channel: str, speed: int) -> None:
        self.bus = can.Bus(interface="virtual", channel=channel)
        self.speed, self.asked = speed, 0

    def answer(self) -> None:
        while (frame := self.bus.recv(0)) is not None:
            assert frame.arbitration_id == REQUEST_ID
            self.asked += 1
            for data in ((3, 0x41, 0x0C, 99), (3, 0x41, SPEED_PID, self.speed), (1, 0x41)):
                self.bus.send(can.Message(arbitration_id=ANSWER_IDS[0], data=data, is_extended_id=False))
            self.bus.send(can.Message(arbitration_id=0x123, data=(3, 0x41, SPEED_PID, 7), is_extended_id=False))


def test_ok__the_diagnostic_socket_is_asked_twice_a_second() -> None:
    unit = ControlUnit("twice", 63)
    vehicle = ObdVehicle("virtual", "twice")
    try:
        assert vehicle.at(0.0) == UNKNOWN_VEHICLE
        unit.answer()
        assert vehicle.at(0.1) == VehicleData(63.0, None)
        for tick in range(1, 40):
            vehicle.at(0.1 + tick / 20)
            unit.answer()
        assert unit.asked == pytest.approx(2.05 / REQUEST_EVERY_S, abs=1)
        assert vehicle.at(30.0) == UNKNOWN_VEHICLE
    finally:
        vehicle.close()
        unit.bus.shutdown()


def test_ok__of_two_control_units_the_faster_speed_counts_and_other_frames_are_ignored() -> None:
    bus = can.Bus(interface="virtual", channel="two")
    vehicle = ObdVehicle("virtual", "two")
    try:
        vehicle.at(0.0)
        for identifier, speed in ((ANSWER_IDS[0], 80), (ANSWER_IDS[1], 0)):
            bus.send(can.Message(arbitration_id=identifier, data=(3, 0x41, SPEED_PID, speed), is_extended_id=False))
        for first in (1, 0x10):
            odd = can.Message(arbitration_id=ANSWER_IDS[0], data=(first, 0x41, SPEED_PID, 200), is_extended_id=False)
            bus.send(odd)
        bus.send(can.Message(arbitration_id=ANSWER_IDS[0], data=(3, 0x41, SPEED_PID, 201), is_extended_id=True))
        assert vehicle.at(0.1).speed_kmh == 80
    finally:
        vehicle.close()
        bus.shutdown()


@pytest.mark.parametrize("error", [NameError("no driver"), ValueError("channel"), ImportError("neovi"), TypeError("x")])
def test_fail__no_error_of_a_backend_stops_the_daemon(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise error

    monkeypatch.setattr(can, "Bus", refuse)
    vehicle = ObdVehicle("kvaser", "0")
    assert vehicle.at(0.0) == UNKNOWN_VEHICLE
    assert vehicle.counters() == {"vehicle_faults": 1}


def test_fail__a_missing_bus_is_tried_again_and_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def refuse(**_: object) -> None:
        tried.append(1)
        raise OSError("No such device")

    monkeypatch.setattr(can, "Bus", refuse)
    vehicle = ObdVehicle("socketcan", "can7")
    with caplog.at_level(logging.WARNING):
        for second in range(12):
            assert vehicle.at(float(second)) == UNKNOWN_VEHICLE
    assert len(tried) == 1 + 11 // RETRY_S
    assert caplog.text.count("vehicle.input: can: can7: No such device") == 1
    assert vehicle.counters() == {"vehicle_faults": len(tried)}
    vehicle.close()


def test_ok__the_configuration_chooses(tmp_path: Path) -> None:
    kinds = {}
    for text in ("null", "tcp://127.0.0.1:5557", "can:virtual:x", "can:can0"):
        path = tmp_path / "my.yaml"
        path.write_text(f"vehicle: {{input: {text}}}")
        source = build.build_vehicle(build.load_plan(Request(path)))
        kinds[text] = type(source)
        source.close()
        source.close()
    assert list(kinds.values()) == [NoVehicle, ZmqVehicle, ObdVehicle, ObdVehicle]


@pytest.mark.parametrize("text", ["tcp://10.0.0.1:5557", "can0", "'can:'", "'http://127.0.0.1:80'"])
def test_fail__a_speed_from_elsewhere_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(f"vehicle: {{input: {text}}}")
    with pytest.raises(ConfigError, match=r"my.yaml:1: vehicle.input"):
        build.load_plan(Request(path))
