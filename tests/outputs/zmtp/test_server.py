"""Attacks on the publisher's socket. The test drives the server itself, with a clock that stands still."""

from __future__ import annotations

import contextlib
import errno
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zmq

from driver_monitor.outputs.zmtp import server as server_module
from driver_monitor.outputs.zmtp.protocol import OPENING
from driver_monitor.outputs.zmtp.server import HANDSHAKE_S, STALLED_S, SubscriberServer
from driver_monitor.outputs.zmtp.subscriber import BURST_BYTES, READ_BYTES, READ_BYTES_S, Packet
from tests.outputs.zmtp.raw import HELLO, PATIENCE_S, Clock, command, connect, is_closed, serving, subscription

ALERT = Packet("alert", b"alert/sleep/", b"\x01\x0calert/sleep/\x00\x02{}")


def serve_until(server: SubscriberServer, done: Callable[[], bool], *last: Packet) -> None:
    end = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end, "it does not happen"
        server.wake()
        server.serve(last)


def joined(server: SubscriberServer, *prefixes: bytes) -> socket.socket:
    """A subscriber whose subscriptions have arrived."""
    connection = connect(server.endpoint)
    context = str(connection.getsockname()).encode()[:16]
    connection.sendall(HELLO + b"".join(map(subscription, prefixes)) + command(b"PING", b"\0\0" + context))
    serve_until(server, lambda: answered(connection, command(b"PONG", context)))
    return connection


def read_all(connection: socket.socket) -> int:
    """Read what has come, without waiting; return the number of bytes."""
    connection.setblocking(False)
    count = 0
    with contextlib.suppress(BlockingIOError):
        while data := connection.recv(1 << 20):
            count += len(data)
    return count


def answered(connection: socket.socket, answer: bytes) -> bool:
    connection.setblocking(False)
    try:
        return answer in connection.recv(65536, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(5)


def test_ok__a_ping_is_answered_and_a_new_subscriber_gets_the_last_values_once() -> None:
    with serving() as server, connect(server.endpoint) as connection:
        both = HELLO + subscription(b"alert/") + subscription(b"") + command(b"PING", b"\0\0me")
        connection.sendall(both)
        end = command(b"PONG", b"me")
        serve_until(server, lambda: answered(connection, end), ALERT)
        assert connection.recv(65536) == OPENING + end + ALERT.data


@pytest.mark.parametrize("sent", [b"", OPENING[:10], OPENING[:64]])
def test_ok__a_connection_that_does_not_become_a_subscriber_is_closed(sent: bytes) -> None:
    clock = Clock()
    with serving(clock=clock) as server, connect(server.endpoint) as idle:
        idle.sendall(sent)
        serve_until(server, lambda: server.subscribers == 1)
        stays = joined(server)
        clock.now += HANDSHAKE_S + 0.1
        serve_until(server, lambda: server.subscribers == 1)
        assert is_closed(idle)
        assert server.refused == 1
        assert stays.recv(65536).startswith(OPENING)
        stays.close()


def test_fail__a_connection_that_speaks_something_else_is_closed_at_once_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with serving() as server:
        for _ in range(3):
            with connect(server.endpoint) as browser:
                browser.sendall(b"GET / HTTP/1.1\r\n\r\n")
                refused = server.refused
                serve_until(server, lambda before=refused: server.refused == before + 1)  # type: ignore[misc]
                assert is_closed(browser)
    assert server.refused == 3
    assert caplog.text.count("does not speak ZeroMQ's protocol") == 1


@pytest.mark.parametrize("sent", [b"", HELLO, HELLO + subscription(b"no topic")])
def test_ok__idle_connections_make_room_for_a_subscriber(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(server_module, "MAX_SUBSCRIBERS", 8)
    with serving() as server:
        idle = [connect(server.endpoint) for _ in range(20)]
        for connection in idle:
            connection.sendall(sent)
        healthy = joined(server, b"alert/")
        assert server.subscribers <= 8
        more = [connect(server.endpoint) for _ in range(20)]
        serve_until(server, lambda: server.refused >= 32)
        server.send(ALERT)
        assert healthy.recv(65536).endswith(ALERT.data), "new idle connections do not replace it"
        for connection in (*idle, *more, healthy):
            connection.close()


def test_ok__when_all_are_busy_a_new_one_is_refused_until_one_stops_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MAX_SUBSCRIBERS", 2)
    clock = Clock()
    with serving(clock=clock, send_queue=10) as server:
        reads, stalls = joined(server, b""), joined(server, b"")
        with connect(server.endpoint) as third:
            serve_until(server, lambda: server.refused == 1)
            assert is_closed(third)
        state = Packet("state", b"state/", b"\x01\x06state/\x02" + (100_000).to_bytes(8, "big") + bytes(100_000))
        first = next(iter(server._subscribers.values()))
        while not server.missed["state"]:
            server.send(state)
            while first.wants_to_send:
                clock.now += 0.2
                read_all(reads)
                server.wake()
                server.serve(())
        clock.now += STALLED_S + 1
        fourth = joined(server, b"alert/")
        assert server.subscribers == 2
        for connection in (reads, stalls, fourth):
            connection.close()


def test_ok__a_subscriber_that_sends_without_end_is_read_slowly_and_the_others_are_served() -> None:
    clock = Clock()
    with serving(clock=clock) as server, connect(server.endpoint) as flood:
        flood.setblocking(False)
        flood.send(HELLO)
        noise, sent = b"".join(subscription(f"noise {number}".encode()) for number in range(5000)), 0

        def pour() -> int:
            try:
                return flood.send(noise)
            except BlockingIOError:
                return 0

        for _ in range(1000):
            sent += pour()
            server.wake()
            server.serve(())
        (subscriber,) = server._subscribers.values()
        assert subscriber.subscriptions.wanted == ()
        before = subscriber._allowance
        assert -READ_BYTES <= before <= 0, f"{BURST_BYTES} bytes were read at once, of {sent}"
        healthy = joined(server, b"alert/")
        server.send(ALERT)
        assert healthy.recv(65536).endswith(ALERT.data)
        clock.now += 1.0
        serve_until(server, lambda: subscriber._allowance < before + READ_BYTES_S)
        healthy.close()


def test_ok__pings_of_a_subscriber_that_does_not_read_take_no_memory() -> None:
    with serving() as server, connect(server.endpoint) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.sendall(HELLO + command(b"PING", b"\0\0" + b"c" * 200) * 300)
        serve_until(server, lambda: any(one._allowance < 4000 for one in server._subscribers.values()))
        assert all(len(one._bytes) < 10_000 for one in server._subscribers.values())


def test_ok__a_subscriber_that_is_gone_is_noticed_even_while_it_is_read_slowly() -> None:
    with serving() as server:
        with connect(server.endpoint) as flood:
            flood.sendall(HELLO + subscription(b"x" * 100) * 1000)
            serve_until(server, lambda: any(one._allowance <= 0 for one in server._subscribers.values()))
        serve_until(server, lambda: server.subscribers == 0)


def test_ok__without_descriptors_it_pauses_and_goes_on_when_there_are_some() -> None:
    """A process of its own, because the limit is that of a process."""
    program = """
import os, resource, socket
from driver_monitor.outputs.zmtp import server as module
from tests.outputs.zmtp.raw import Clock, connect
clock = Clock()
server = module.SubscriberServer("tcp://127.0.0.1:*", 10, clock)
client = connect(server.endpoint)
held = [os.open(os.devnull, os.O_RDONLY) for _ in range(2)]
resource.setrlimit(resource.RLIMIT_NOFILE, (held[1] + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
for turn in range(20):
    server.wake(); server.serve(())
print(server.refused, server.subscribers)
for number in held:
    os.close(number)
clock.now += module.ACCEPT_PAUSE_S
for turn in range(20):
    server.wake(); server.serve(())
print(server.refused, server.subscribers)
server.close()
"""
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["1 0", "1 1"], "one attempt, then a pause; it does not spin"


@pytest.mark.parametrize(
    ("descriptors", "accepted"), [(64, 32), (1024, 256), (20_000, 256), (resource.RLIM_INFINITY, 256)]
)
def test_ok__half_of_the_descriptors_are_left_for_the_other_parts(
    descriptors: int, accepted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (descriptors, descriptors))
    with serving() as server:
        assert server._limit == accepted


def test_ok__a_connection_that_the_kernel_cannot_serve_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")  # the limit of epoll (epoll_ctl(2))

    with serving() as server:
        with monkeypatch.context() as patch, connect(server.endpoint) as refused:
            patch.setattr(server, "_add", full)
            serve_until(server, lambda: server.refused == 1)
            assert is_closed(refused)
        joined(server, b"alert/").close()


def test_ok__a_subscriber_with_heartbeats_of_its_own_stays_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        subscriber: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
        for option, value in ((zmq.HEARTBEAT_IVL, 10), (zmq.HEARTBEAT_TIMEOUT, 3000), (zmq.HEARTBEAT_TTL, 3000)):
            subscriber.setsockopt(option, value)
        monitor = subscriber.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        subscriber.connect(server.endpoint)
        pings, serve = 0, server._handle

        def count(*arguments: Any) -> None:
            nonlocal pings
            pings += arguments[1].kind == "ping"
            serve(*arguments)

        monkeypatch.setattr(server, "_handle", count)
        serve_until(server, lambda: pings >= 30)
        assert monitor.poll(1000)
        assert int.from_bytes(monitor.recv_multipart()[0][:2], "little") == zmq.EVENT_HANDSHAKE_SUCCEEDED
        assert not monitor.poll(0), "it has not been disconnected"
        subscriber.disable_monitor()
        subscriber.close(0)


def test_ok__an_abstract_name_is_served_too(tmp_path: Path) -> None:
    bind = f"ipc://@driver-monitor-test-{tmp_path.name}-{id(tmp_path)}"
    server = SubscriberServer(bind, 10)
    subscriber: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
    try:
        subscriber.connect(bind)
        subscriber.subscribe("alert/")
        serve_until(server, lambda: bool(subscriber.poll(1)), ALERT)
        assert subscriber.recv_multipart() == [b"alert/sleep/", b"{}"]
    finally:
        subscriber.close(0)
        server.close()
