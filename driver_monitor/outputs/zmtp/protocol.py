"""The bytes of ZMTP 3.1, the protocol of ZeroMQ 4, for a publisher without security (mechanism NULL). No I/O.

Sources: RFC 23 (ZMTP 3.0) and RFC 37 (ZMTP 3.1) at https://rfc.zeromq.org. Both ends send a greeting of 64 bytes, then
the command READY, then frames. Subscriptions come as commands (3.1) or as messages (3.0).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

MAX_FRAME = 1024
"""Longest frame of a subscriber, bytes (ours): 20 times the longest topic. A longer one ends the connection."""

_MORE, _LONG, _COMMAND = 1, 2, 4
"""The flags of a frame: more frames follow; its size has 8 bytes instead of 1; it is a command."""
_GREETING_BYTES = 64
_MECHANISM = b"NULL".ljust(20, b"\0")
_SUBSCRIBERS = (b"SUB", b"XSUB")
"""The types of socket that may connect."""


class ProtocolError(ValueError):
    """The other end does not speak ZMTP 3, or is no subscriber. The connection must be closed."""


class SubscriberRequest(NamedTuple):
    """What a subscriber wants. `body`: the prefix of `subscribe` and `cancel`, the context of `ping`."""

    kind: Literal["ready", "subscribe", "cancel", "ping"]
    body: bytes = b""


def message(topic: bytes, payload: bytes) -> bytes:
    """Return a message of two frames."""
    return _frame(_MORE, topic) + _frame(0, payload)


def pong(context: bytes) -> bytes:
    """Return the answer to a ping. `context`: the bytes that the ping asks to have back."""
    return _command(b"PONG", context)


def _frame(flags: int, body: bytes) -> bytes:
    if len(body) < 256:
        return bytes((flags, len(body))) + body
    return bytes((flags | _LONG,)) + len(body).to_bytes(8, "big") + body


def _command(name: bytes, data: bytes) -> bytes:
    return _frame(_COMMAND, bytes((len(name),)) + name + data)


def _property(name: bytes, value: bytes) -> bytes:
    return bytes((len(name),)) + name + len(value).to_bytes(4, "big") + value


GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x01" + _MECHANISM + bytes(32)
"""Signature, version 3.1, mechanism, 0 (not a server, which has no meaning for NULL) and filler."""
OPENING = GREETING + _command(b"READY", _property(b"Socket-Type", b"XPUB"))
"""All that a publisher sends until the first message."""


class RequestParser:
    """Turns the bytes of one subscriber into requests. It keeps at most the last, incomplete frame."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._greeted = self._ready = False

    def feed(self, data: bytes) -> list[SubscriberRequest]:
        """Return the requests that `data` completes. Raises `ProtocolError`; then the parser must not be used again."""
        self._data += data
        if not self._greeted:
            self._take_greeting()
        requests: list[SubscriberRequest] = []
        while self._greeted and (frame := self._take_frame()) is not None:
            requests += self._read(*frame)
        return requests

    def _take_greeting(self) -> None:
        """Check the greeting as far as it has come; remove it when it is complete."""
        data = self._data
        if (data and data[0] != 0xFF) or (len(data) > 9 and data[9] != 0x7F):
            raise ProtocolError("it does not speak ZeroMQ's protocol")
        if len(data) > 10 and data[10] < 3:
            raise ProtocolError("it speaks a ZeroMQ protocol from before 2013; libzmq 4.0 or newer is needed")
        if len(data) < _GREETING_BYTES:
            return
        if data[12:32] != _MECHANISM:
            raise ProtocolError("it asks for security, which this publisher does not have")
        del data[:_GREETING_BYTES]
        self._greeted = True

    def _take_frame(self) -> tuple[int, bytes] | None:
        """Remove the next frame; return its flags and its body. None: it is not complete yet."""
        data = self._data
        if not data:
            return None
        if data[0] & ~(_MORE | _LONG | _COMMAND):
            raise ProtocolError("a frame has unknown flags")
        start = 9 if data[0] & _LONG else 2
        if len(data) < start:
            return None
        size = int.from_bytes(data[1:start], "big")
        if size > MAX_FRAME:
            raise ProtocolError(f"a frame has {size} bytes; at most {MAX_FRAME} are accepted")
        if len(data) < start + size:
            return None
        flags, body = data[0], bytes(data[start : start + size])
        del data[: start + size]
        return flags, body

    def _read(self, flags: int, body: bytes) -> list[SubscriberRequest]:
        """Return the request in one frame, or an empty list. Unknown commands and messages are ignored (RFC 23)."""
        if not flags & _COMMAND:
            if not self._ready:
                raise ProtocolError("a message came before READY")
            kinds: dict[bytes, Literal["subscribe", "cancel"]] = {b"\1": "subscribe", b"\0": "cancel"}
            return [SubscriberRequest(kinds[body[:1]], body[1:])] if body[:1] in kinds else []
        if not body or len(body) <= body[0]:
            raise ProtocolError("a command has no name")
        name, data = body[1 : 1 + body[0]], body[1 + body[0] :]
        if not self._ready:
            return [self._take_ready(name, data)]
        if name == b"PING":
            return [SubscriberRequest("ping", data[2:])]  # without its time to live, which is not used
        if name == b"SUBSCRIBE":
            return [SubscriberRequest("subscribe", data)]
        return [SubscriberRequest("cancel", data)] if name == b"CANCEL" else []

    def _take_ready(self, name: bytes, data: bytes) -> SubscriberRequest:
        if name != b"READY":
            raise ProtocolError("its first command is not READY")
        if _properties(data).get(b"socket-type") not in _SUBSCRIBERS:
            raise ProtocolError("its socket has another type than SUB")
        self._ready = True
        return SubscriberRequest("ready")


def _properties(data: bytes) -> dict[bytes, bytes]:
    """Return the properties in the data of a READY command. Their names have no case (RFC 23). Others raise."""
    properties: dict[bytes, bytes] = {}
    while data:
        name, data = data[1 : 1 + data[0]], data[1 + data[0] :]
        size = int.from_bytes(data[:4], "big")
        if len(data) < 4 + size:
            raise ProtocolError("a property of READY is not complete")
        properties[name.lower()], data = data[4 : 4 + size], data[4 + size :]
    return properties
