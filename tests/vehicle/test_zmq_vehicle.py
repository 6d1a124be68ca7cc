"""Speed and ignition over real ZeroMQ sockets: no message and no program at the other end makes the input deaf."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from driver_monitor.data.observation import UNKNOWN_VEHICLE, VehicleData
from driver_monitor.vehicle.faults import LOG_EVERY_S, SILENT_S
from driver_monitor.vehicle.source import STALE_S
from driver_monitor.vehicle.zmq_vehicle import (
    AT_ONCE,
    MAX_BYTES,
    MAX_RECEIVED,
    RETRY_S,
    ZmqVehicle,
)

Publisher = zmq.Socket[bytes]
GOOD = [b"vehicle/", b'{"speed_kmh": 87.5, "ignition": true}']
KNOWN = VehicleData(87.5, True)
PERIOD_S = 0.05
"""Time between two frames of the fake clock."""


def publish_at(context: zmq.Context[Publisher], endpoint: str = "tcp://127.0.0.1:*") -> Publisher:
    """Return a publisher that gives a notice of each subscription."""
    publisher = context.socket(zmq.XPUB)
    publisher.setsockopt(zmq.LINGER, 0)
    publisher.setsockopt(zmq.IPV6, int("[" in endpoint))
    publisher.setsockopt(zmq.SNDHWM, 0)  # nothing is lost at this end
    publisher.setsockopt(zmq.XPUB_VERBOSE, 1)  # a notice also for a subscription that an older one still covers
    publisher.bind(endpoint)
    return publisher


def address(publisher: Publisher) -> str:
    return bytes(publisher.getsockopt(zmq.LAST_ENDPOINT)).decode().rstrip("\0")


@contextmanager
def car(endpoint: str = "tcp://127.0.0.1:*") -> Iterator[tuple[Publisher, ZmqVehicle]]:
    """A publisher on a real socket, and an input that has subscribed."""
    with zmq.Context() as context:
        publisher = publish_at(context, endpoint)
        vehicle = ZmqVehicle(address(publisher))
        try:
            assert publisher.poll(5000)
            assert publisher.recv() == b"\x01vehicle/"
            yield publisher, vehicle
        finally:
            vehicle.close()
            context.destroy(0)


def wait_for_message(vehicle: ZmqVehicle, limit_ms: int = 5000) -> bool:
    return vehicle._socket is not None and bool(vehicle._socket.poll(limit_ms))


def received(vehicle: ZmqVehicle, t: float) -> VehicleData:
    """Return what is valid after the next message has arrived."""
    assert wait_for_message(vehicle)
    return vehicle.at(t)


def frames_until(reached: Callable[[float], bool], t: float) -> float:
    """Advance the fake clock frame by frame until `reached`; return its time."""
    for _ in range(1000):
        t += PERIOD_S
        if reached(t):
            return t
    raise AssertionError("never reached")


def heard_again(publisher: Publisher, vehicle: ZmqVehicle, t: float) -> float:
    """Publish the good message until it is known; return the time at which it is."""

    def known(now: float) -> bool:
        publisher.send_multipart(GOOD)
        wait_for_message(vehicle, 20)
        return vehicle.at(now) == KNOWN

    return frames_until(known, t)


def forgotten(vehicle: ZmqVehicle, t: float) -> float:
    """Advance until nothing is known any more; return the time."""
    return frames_until(lambda now: vehicle.at(now) == UNKNOWN_VEHICLE, t)


def test_ok__a_speed_on_the_socket_is_known_at_once_and_forgotten_when_it_stops() -> None:
    with car() as (publisher, vehicle):
        assert vehicle.at(0.0) == UNKNOWN_VEHICLE
        publisher.send_multipart(GOOD)
        assert received(vehicle, 1.0) == KNOWN
        assert vehicle.at(1.0 + STALE_S + 0.1) == UNKNOWN_VEHICLE


def test_ok__a_message_counts_from_the_frame_before_it() -> None:
    with car() as (publisher, vehicle):
        vehicle.at(0.0)
        publisher.send_multipart(GOOD)
        assert received(vehicle, 1.5) == KNOWN
        assert vehicle.at(STALE_S) == KNOWN
        assert vehicle.at(STALE_S + 0.1) == UNKNOWN_VEHICLE, "it may have been sent at 0.0"


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_ok__every_loopback_address_that_the_configuration_accepts_is_heard(host: str) -> None:
    with zmq.Context() as context:
        publisher = publish_at(context, f"tcp://{'127.0.0.1' if host == 'localhost' else host}:*")
        vehicle = ZmqVehicle(f"tcp://{host}:{address(publisher).rpartition(':')[2]}")
        heard_again(publisher, vehicle, 0.0)
        vehicle.close()
        context.destroy(0)


WRONG = {
    "not JSON": [b"vehicle/", b"?"],
    "empty JSON frame": [b"vehicle/", b""],
    "wrong type": [b"vehicle/", b'{"speed_kmh": "88"}'],
    "list": [b"vehicle/", b"[88]"],
    "nested": [b"vehicle/", b'{"speed_kmh": ' + b"[" * 2000 + b"]" * 2000 + b"}"],
    "65 lists": [b"vehicle/", b'{"speed_kmh": 88, "more": [' + b"[]," * 64 + b"1]}"],
    "negative": [b"vehicle/", b'{"speed_kmh": -1}'],
    "not UTF-8": [b"vehicle/", b"\xff\xfe\x00"],
    "one frame": [b"vehicle/"],
    "three frames": [b"vehicle/", GOOD[1], b"more"],
    "eight frames": [b"vehicle/"] * 8,
    "one byte too large": [b"vehicle/", GOOD[1].ljust(MAX_BYTES - len(b"vehicle/") + 1)],
    "4,097 bytes": [b"vehicle/", b"x" * 4097],
    "large topic": [b"vehicle/" + b"x" * 5000, GOOD[1]],
    "as large as can be received": [b"vehicle/", b"x" * MAX_RECEIVED],
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_fail__a_wrong_message_is_counted_and_the_next_one_is_taken(
    wrong: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    with car() as (publisher, vehicle):
        vehicle.at(0.0)
        publisher.send_multipart(wrong)
        assert received(vehicle, 0.1) == UNKNOWN_VEHICLE
        assert vehicle.counters()["vehicle_refused"] == 1
        publisher.send_multipart(GOOD)
        assert received(vehicle, 0.2) == KNOWN
        assert caplog.text.count(f"vehicle.input: {address(publisher)}: ") == 1


TOO_MUCH = {
    "a byte too large to receive": [b"vehicle/", b"x" * (MAX_RECEIVED + 1)],
    "5 MB": [b"vehicle/", b"x" * 5_000_000],
    "5 MB of topic": [b"vehicle/" + b"x" * 5_000_000, GOOD[1]],
    "nine frames": [b"vehicle/"] * 9,
    "100,000 frames": [b"vehicle/"] + [b"x"] * 100_000,
}


@pytest.mark.parametrize("wrong", TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_fail__after_a_message_that_ends_the_connection_the_input_connects_again(
    wrong: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    with car() as (publisher, vehicle):
        t = 0.0
        for count in (1, 2):
            publisher.send_multipart(wrong)
            t = heard_again(publisher, vehicle, t)
            assert vehicle.counters()["vehicle_refused"] == count
            t = forgotten(vehicle, t)
        assert caplog.text.count("WARNING") == 1, "the second of a kind within a minute is only counted"


def test_fail__each_kind_of_fault_is_logged_once_a_minute_with_the_number_of_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with car() as (publisher, vehicle):
        vehicle.at(0.0)
        for t in (0.1, 0.2, 0.3, 0.3 + LOG_EVERY_S):
            for wrong in (b"?", b'{"speed_kmh": true}', b'{"speed_kmh": 401}'):
                publisher.send_multipart([b"vehicle/", wrong])
                received(vehicle, t)
            for frame in range(int(LOG_EVERY_S)):
                vehicle.at(t + frame if t == 0.3 else t)
    lines = [record.getMessage() for record in caplog.records if "no value" not in record.getMessage()]
    assert [line.count("more like this") for line in lines] == [0, 0, 1, 1]
    assert "not JSON; the message is not used; 2 more like this in the last 60 s" in lines[2]
    assert "found True" in lines[1]
    assert vehicle.counters()["vehicle_refused"] == 12


def test_fail__a_publisher_that_ignores_the_subscription_is_counted() -> None:
    with zmq.Context() as context:
        publisher = publish_at(context)
        publisher.setsockopt(zmq.XPUB_MANUAL, 1)
        vehicle = ZmqVehicle(address(publisher))
        assert publisher.poll(5000)
        publisher.recv()
        publisher.setsockopt(zmq.SUBSCRIBE, b"")
        vehicle.at(0.0)
        for topic in (b"", b"doors/", b"vehicl"):
            publisher.send_multipart([topic, b'{"speed_kmh": 0}'])
            assert received(vehicle, 0.1) == UNKNOWN_VEHICLE
        assert vehicle.counters()["vehicle_refused"] == 3
        vehicle.close()
        context.destroy(0)


def listen(port: int = 0) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))


@pytest.mark.parametrize(
    "text",
    [b"\xff" * 70, b"HTTP/1.0 400 Bad Request\r\n\r\n" * 5, b"\x00" * 70, b""],
    ids=["ff", "http", "00", "silent"],
)
def test_ok__a_program_that_does_not_speak_zeromq_is_replaced_by_the_publisher(text: bytes) -> None:
    with zmq.Context() as context, listen() as other:
        port = other.getsockname()[1]
        vehicle = ZmqVehicle(f"tcp://127.0.0.1:{port}")
        connection, _ = other.accept()
        connection.sendall(text)
        t = frames_until(lambda now: vehicle.at(now) == UNKNOWN_VEHICLE and now > 2.0, 0.0)
        # So that the port is free at once: the other side must close last.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        other.close()
        heard_again(publish_at(context, f"tcp://127.0.0.1:{port}"), vehicle, t)
        vehicle.close()
        context.destroy(0)


def test_ok__a_socket_that_is_no_publisher_is_counted_and_replaced_by_the_publisher(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/car"
    with zmq.Context() as context:
        other = context.socket(zmq.PUSH)
        other.bind(endpoint)
        vehicle = ZmqVehicle(endpoint)

        def refused(now: float) -> bool:
            other.poll(20, zmq.POLLOUT)
            vehicle.at(now)
            return vehicle.counters()["vehicle_refused"] >= 3

        t = frames_until(refused, 0.0)
        assert t >= RETRY_S, "it is not connected again in each frame"
        other.close(0)
        heard_again(publish_at(context, endpoint), vehicle, t)
        vehicle.close()
        context.destroy(0)


def test_ok__a_publisher_that_stops_and_starts_again_is_no_fault(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/car"
    with zmq.Context() as context:
        vehicle, t = ZmqVehicle(endpoint), 0.0
        for _ in range(3):
            publisher = publish_at(context, endpoint)
            t = heard_again(publisher, vehicle, t)
            publisher.close(0)
            t = forgotten(vehicle, t)
        assert vehicle.counters()["vehicle_refused"] == 0
        vehicle.close()


@pytest.mark.parametrize(("number", "floods"), [(AT_ONCE, 0), (AT_ONCE + 1, 1)])
def test_ok__more_than_64_messages_between_two_frames_are_a_flood(
    number: int, floods: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with car() as (_, vehicle):
        vehicle.at(0.0)
        waiting = [[zmq.Frame(part) for part in GOOD] for _ in range(number)]
        monkeypatch.setattr(vehicle, "_receive", lambda: waiting.pop() if waiting else [])
        assert vehicle.at(0.1) == (UNKNOWN_VEHICLE if floods else KNOWN)
        assert vehicle.counters()["vehicle_floods"] == floods
        assert caplog.text.count("more than 64 messages between two frames") == floods


def test_ok__a_flood_ends_with_the_next_good_message(caplog: pytest.LogCaptureFixture) -> None:
    with car() as (publisher, vehicle):

        def flooded(now: float) -> bool:
            for _ in range(1000):  # 20 frames a second: 20,000 messages a second
                publisher.send_multipart([b"vehicle/", b'{"speed_kmh": 0}'])
            wait_for_message(vehicle, 100)
            vehicle.at(now)
            return vehicle.counters()["vehicle_floods"] >= 4

        t = frames_until(flooded, heard_again(publisher, vehicle, 0.0))
        assert t >= 2 * RETRY_S, "it is connected again once a second only"
        assert vehicle.at(t) == UNKNOWN_VEHICLE
        heard_again(publisher, vehicle, t)
        assert caplog.text.count("more than 64 messages") == 1


def test_ok__messages_that_waited_while_the_daemon_was_busy_are_discarded() -> None:
    with car() as (publisher, vehicle):
        publisher.send_multipart([b"vehicle/", b'{"speed_kmh": 0}'])
        assert received(vehicle, 1.0).speed_kmh == 0
        publisher.send_multipart([b"vehicle/", b'{"speed_kmh": 0}'])
        assert wait_for_message(vehicle)
        assert vehicle.at(1.0 + STALE_S + 3) == UNKNOWN_VEHICLE


@pytest.mark.parametrize("useless", [None, b"{}", b'{"speed": 88}', b'{"speed_kmh": null}'])
def test_fail__silence_is_logged_once_and_again_after_values(
    useless: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    with car() as (publisher, vehicle):

        def silent(now: float) -> bool:
            if useless is not None:
                publisher.send_multipart([b"vehicle/", useless])
            vehicle.at(now)
            return now > start + 3 * SILENT_S

        t = 0.0
        for count in (1, 2):
            start = t
            t = frames_until(silent, t)
            assert vehicle.counters()["vehicle_silences"] == count
            assert caplog.text.count("no value for 5 s, the speed is unknown; check the program") == count
            t = heard_again(publisher, vehicle, t)
        assert vehicle.counters()["vehicle_refused"] == 0


def test_fail__no_error_of_the_sockets_leaves_the_input(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: ZmqVehicle) -> None:
        raise zmq.ZMQError(errno.EMFILE)

    with car() as (publisher, vehicle):
        t = heard_again(publisher, vehicle, 0.0)
        with monkeypatch.context() as broken:
            broken.setattr(ZmqVehicle, "_connect", fail)
            t += STALE_S + 1  # the daemon was busy: the input connects again
            assert vehicle.at(t) == UNKNOWN_VEHICLE
            assert vehicle.at(t + RETRY_S) == UNKNOWN_VEHICLE
        assert "Too many open files" in caplog.text
        heard_again(publisher, vehicle, t + RETRY_S)
