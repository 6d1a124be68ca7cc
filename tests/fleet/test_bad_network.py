"""The bad network of the fault run damages what it says, and nothing else."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator

import pytest

from tests.processes import PATIENCE_S
from tools.fleet.bad_network import BadNetwork, bad_network, flipped, packets, payload_start

TOPIC = b"dm/1/van/alert/sleep"
ALERT = b"0123456789"


def publish(payload: bytes = ALERT, qos: int = 1, properties: bytes = b"") -> bytes:
    """A PUBLISH of MQTT 5."""
    number = b"\x00\x07" if qos else b""
    rest = len(TOPIC).to_bytes(2, "big") + TOPIC + number + bytes([len(properties)]) + properties + payload
    length = bytes([len(rest)]) if len(rest) < 128 else bytes([len(rest) % 128 | 0x80, len(rest) // 128])
    return bytes([0x30 | qos << 1]) + length + rest


CONNACK = b"\x20\x03\x00\x00\x00"


def test_ok__a_stream_is_cut_into_packets_wherever_it_breaks() -> None:
    stream = CONNACK + publish() + publish(b"x" * 300) + CONNACK
    for size in (1, 7, 1000):
        buffer, found = bytearray(), list[bytes]()
        for start in range(0, len(stream), size):
            buffer += stream[start : start + size]
            found += packets(buffer)
        assert found == [CONNACK, publish(), publish(b"x" * 300), CONNACK]
        assert not buffer


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("properties", [b"", b"\x26\x00\x01a\x00\x01b"])
def test_ok__the_payload_of_a_message_is_found(qos: int, properties: bytes) -> None:
    message = publish(ALERT, qos, properties)
    assert message[payload_start(message) :] == ALERT
    assert payload_start(CONNACK) is None


def test_ok__a_flip_changes_one_byte_of_the_payload() -> None:
    for seed in range(50):
        message = publish()
        changed = flipped(message, random.Random(seed))
        assert changed[: -len(ALERT)] == message[: -len(ALERT)]
        assert sum(one != other for one, other in zip(changed, message, strict=True)) == 1


@pytest.fixture
def target() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        yield listener


def send_through(proxy: BadNetwork, target: socket.socket, sent: bytes) -> bytes:
    """What arrives at the target when a car sends this and closes."""
    with socket.create_connection(("127.0.0.1", proxy.port)) as car:
        broker, _ = target.accept()
        broker.settimeout(PATIENCE_S)
        car.sendall(sent)
        car.shutdown(socket.SHUT_WR)
        with broker:
            return b"".join(iter(lambda: broker.recv(4096), b""))


@pytest.mark.parametrize(("kind", "whole"), [("flips", True), ("drops", False), ("cuts", False)])
def test_ok__each_kind_of_damage_happens_to_messages_only(target: socket.socket, kind: str, whole: bool) -> None:
    weights = dict.fromkeys(("flips", "drops", "cuts"), 0.0)
    port = target.getsockname()[1]
    with bad_network(port, random.Random(1), **{**weights, kind: 1000.0}) as proxy:
        arrived = send_through(proxy, target, CONNACK + publish() + CONNACK)
        assert arrived.startswith(CONNACK)
        assert (len(arrived) == len(CONNACK + publish() + CONNACK)) is whole
        assert publish() not in arrived
        assert proxy.done == {kind: 1}
        proxy.calm()
        assert send_through(proxy, target, CONNACK + publish()) == CONNACK + publish()
