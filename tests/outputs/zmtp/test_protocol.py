"""The bytes of ZMTP: whatever comes, in whatever pieces, is a request or a `ProtocolError`."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.outputs.zmtp.protocol import (
    GREETING,
    MAX_FRAME,
    ProtocolError,
    RequestParser,
    SubscriberRequest,
    message,
)
from tests.outputs.zmtp.raw import HELLO, command, frame, ready, subscription

TALK = (
    HELLO
    + subscription(b"alert/")
    + command(b"SUBSCRIBE", b"state/")
    + frame(0, b"\x00alert/")
    + command(b"CANCEL", b"state/")
    + command(b"PING", b"\x00\x0acontext")
    + command(b"PONG")
    + command(b"NEWS", b"of a later version")
    + frame(0, b"hello")
    + frame(0, b"")
)
WANTED = [
    SubscriberRequest("ready"),
    SubscriberRequest("subscribe", b"alert/"),
    SubscriberRequest("subscribe", b"state/"),
    SubscriberRequest("cancel", b"alert/"),
    SubscriberRequest("cancel", b"state/"),
    SubscriberRequest("ping", b"context"),
]


def in_pieces(parser: RequestParser, data: bytes, size: int) -> list[SubscriberRequest]:
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return [request for piece in pieces for request in parser.feed(piece)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 65, 1000])
def test_ok__requests_are_the_same_in_whatever_pieces_they_come(size: int) -> None:
    assert in_pieces(RequestParser(), TALK, size) == WANTED


def test_ok__a_long_frame_has_its_size_in_eight_bytes() -> None:
    assert message(b"state/", b"x" * 255) == b"\x01\x06state/\x00\xff" + b"x" * 255
    assert message(b"state/", b"x" * 256) == b"\x01\x06state/\x02" + (256).to_bytes(8, "big") + b"x" * 256
    assert RequestParser().feed(HELLO + subscription(b"a" * 500))[1].body == b"a" * 500


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\n", "does not speak ZeroMQ"),
        (b"\x16\x03\x01", "does not speak ZeroMQ"),
        (b"\xff" + bytes(8) + b"\x00", "does not speak ZeroMQ"),
        (b"\xff" + bytes(8) + b"\x7f\x01", "before 2013"),
        (GREETING.replace(b"NULL", b"CURV"), "asks for security"),
        (GREETING + frame(0, b"\x01"), "before READY"),
        (GREETING + command(b"PING", b"\0\0"), "not READY"),
        (GREETING + ready(b"PULL"), "another type than SUB"),
        (GREETING + command(b"READY"), "another type than SUB"),
        (GREETING + command(b"READY", b"\x0bSocket-Type\xff\xff\xff\xffSUB"), "not complete"),
        (GREETING + command(b"READY", b"\x0b"), "not complete"),
        (GREETING + frame(4, b""), "no name"),
        (GREETING + frame(4, b"\x09PING"), "no name"),
        (HELLO + b"\xf8", "unknown flags"),
        (HELLO + frame(0, b"x" * (MAX_FRAME + 1)), "at most 1024"),
        (HELLO + b"\x02" + b"\xff" * 8, "at most 1024"),
    ],
)
def test_fail__what_is_no_subscriber_is_a_protocol_error_in_whatever_pieces(data: bytes, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        RequestParser().feed(data)
    with pytest.raises(ProtocolError, match=reason):
        in_pieces(RequestParser(), data, 1)


@given(st.sampled_from([b"", GREETING, HELLO]), st.binary(max_size=300))
def test_ok__random_bytes_never_raise_anything_else(start: bytes, noise: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        RequestParser().feed(start + noise)
