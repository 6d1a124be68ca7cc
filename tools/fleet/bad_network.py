"""A TCP proxy between cars and broker that damages messages: flipped bytes, ended connections, half packets."""

from __future__ import annotations

import random
import selectors
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PUBLISH = 3
"""The type of an MQTT packet that carries a message (MQTT 5, section 3.3): the upper four bits of its first byte."""
READ = 65_536


@dataclass(slots=True)
class _Half:
    """One direction of a connection. `incoming`: bytes that are no whole packet yet. `outgoing`: bytes to send."""

    socket: socket.socket
    incoming: bytearray = field(default_factory=bytearray)
    outgoing: bytearray = field(default_factory=bytearray)
    other: _Half | None = None


class BadNetwork:
    """Passes connections to 127.0.0.1:`target` on, one thread for all. `port`: where cars connect.

    Of a thousand messages (PUBLISH, both ways) about `flips` get a wrong byte in their payload, `drops` end the
    connection, and `cuts` end it in the middle of the message, until `calm`. `done` counts what happened.
    """

    def __init__(self, target: int, chance: random.Random, flips: float, drops: float, cuts: float) -> None:
        self.done: Counter[str] = Counter()
        self._target, self._chance = target, chance
        self._weights = {"flips": flips, "drops": drops, "cuts": cuts}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self._listener.setblocking(False)
        self.port = int(self._listener.getsockname()[1])
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="bad-network")
        self._thread.start()

    def calm(self) -> None:
        """Damage nothing from now on."""
        self._weights = {}

    def close(self) -> None:
        """End all connections and the thread."""
        self._closing = True
        self._thread.join()

    def _run(self) -> None:
        while not self._closing:
            for key, events in self._selector.select(0.1):
                if key.data is None:
                    self._accept()
                elif key.data.socket.fileno() >= 0:  # else the other half has just closed it
                    self._serve(key.data, events)
        for key in list(self._selector.get_map().values()):
            self._selector.unregister(key.fileobj)
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()

    def _accept(self) -> None:
        with suppress(OSError):
            car, _ = self._listener.accept()
            try:
                broker = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                car.close()
                return
            halves = _Half(car), _Half(broker)
            halves[0].other, halves[1].other = halves[1], halves[0]
            for half in halves:
                half.socket.setblocking(False)
                self._selector.register(half.socket, selectors.EVENT_READ, half)

    def _serve(self, half: _Half, events: int) -> None:
        other = half.other
        assert other is not None
        try:
            if events & selectors.EVENT_WRITE:
                self._send(half)
            if events & selectors.EVENT_READ:
                received = half.socket.recv(READ)
                if not received:
                    raise ConnectionError
                half.incoming += received
                for packet in packets(half.incoming):
                    self._pass(packet, other)
                self._send(other)
        except BlockingIOError:
            pass
        except OSError:
            self._end(half, other)

    def _send(self, half: _Half) -> None:
        with suppress(BlockingIOError):
            sent = half.socket.send(half.outgoing)
            del half.outgoing[:sent]
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if half.outgoing else 0)
        self._selector.modify(half.socket, wanted, half)

    def _kind(self, packet: bytes) -> str | None:
        """Return what happens to `packet`: `flips`, `drops`, `cuts`, or None: it passes."""
        start = payload_start(packet)
        if start is None or start == len(packet):
            return None
        draw = self._chance.random() * 1000
        for kind, weight in self._weights.items():
            if draw < weight:
                self.done[kind] += 1
                return kind
            draw -= weight
        return None

    def _pass(self, packet: bytes, to: _Half) -> None:
        """Give `packet` to `to`. Raises `ConnectionError` when the connection ends by design."""
        kind = self._kind(packet)
        if kind == "flips":
            packet = flipped(packet, self._chance)
        elif kind == "cuts":
            packet = packet[: self._chance.randrange(1, len(packet))]
        if kind != "drops":
            to.outgoing += packet
        if kind in ("drops", "cuts"):
            self._send(to)
            raise ConnectionError

    def _end(self, *halves: _Half) -> None:
        for half in halves:
            with suppress(KeyError, ValueError):
                self._selector.unregister(half.socket)
            half.socket.close()


def flipped(packet: bytes, chance: random.Random) -> bytes:
    """Return a PUBLISH with one wrong byte in its payload."""
    changed = bytearray(packet)
    changed[chance.randrange(payload_start(packet) or 0, len(packet))] ^= chance.randint(1, 255)
    return bytes(changed)


def packets(buffer: bytearray) -> Iterator[bytes]:
    """Take whole MQTT packets out of `buffer` and yield them; the beginning of one stays in it."""
    while (head := _length(buffer, 1)) is not None and len(buffer) >= sum(head):
        packet = bytes(buffer[: sum(head)])
        del buffer[: len(packet)]
        yield packet


def payload_start(packet: bytes) -> int | None:
    """Return where the payload of a PUBLISH of MQTT 5 begins; None: another packet."""
    if packet[0] >> 4 != PUBLISH:
        return None
    head = _length(packet, 1)
    assert head is not None
    position = head[0]
    position += 2 + int.from_bytes(packet[position : position + 2], "big")
    position += 2 if packet[0] & 0b110 else 0  # the packet's number, with QoS 1 and 2
    properties = _length(packet, position)
    assert properties is not None
    return sum(properties)


def _length(data: bytes | bytearray, position: int) -> tuple[int, int] | None:
    """Return where the number at `position` ends, and the number (MQTT 5, 1.5.5); None: more bytes are needed."""
    value, shift = 0, 0
    while position < len(data):
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if not byte & 0x80:
            return position, value
    return None


@contextmanager
def bad_network(target: int, chance: random.Random, flips: float, drops: float, cuts: float) -> Iterator[BadNetwork]:
    """Yield a running proxy, and end it."""
    proxy = BadNetwork(target, chance, flips, drops, cuts)
    try:
        yield proxy
    finally:
        proxy.close()
