"""The counters for Prometheus: served on this machine only, in one thread, to whoever behaves and to nobody else."""

from __future__ import annotations

import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.registry import Collector

from driver_monitor.errors import OutputError
from driver_monitor.metrics import http, server
from driver_monitor.metrics.server import Server, serve


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def served(clock: Clock) -> Iterator[Server]:
    registry = CollectorRegistry()
    Counter("frames", "Frames", registry=registry).inc(3)
    one = serve(registry, "127.0.0.1:0", clock)
    yield one
    one.close()


def ask(served: Server, request: bytes) -> bytes:
    with socket.create_connection((served.host, served.port), timeout=10) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(65536), b""))


def test_ok__prometheus_gets_the_counters(served: Server) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{served.port}/metrics", timeout=10) as reply:
        assert reply.headers["Content-Type"].startswith("text/plain; version=")
        assert "frames_total 3.0" in reply.read().decode()


def test_ok__a_head_request_gets_no_content(served: Server) -> None:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=10)
    connection.request("HEAD", "/metrics?debug=1")
    reply = connection.getresponse()
    assert (reply.status, reply.read()) == (200, b"")
    assert int(reply.headers["Content-Length"]) > 50
    connection.close()


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET / HTTP/1.1", 404),
        ("GET /metrics/../etc/passwd HTTP/1.1", 404),
        ("POST /metrics HTTP/1.1", 405),
        ("GET /metrics", 400),
        ("GET  /metrics HTTP/1.1", 400),
        ("\x16\x03\x01", 400),
        ("GET /metrics HTTP/1.1\r\nHost: evil.example", 403),
        ("GET /metrics HTTP/1.1\r\nHost: evil.example:9464", 403),
        ("GET /metrics HTTP/1.1\r\nHost: localhost.evil.example", 403),
        ("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nhost: evil.example", 403),
        ("GET /metrics HTTP/1.1\r\nHost: 192.168.1.7", 403),
        ("GET /metrics HTTP/1.1\r\nHost: localhost:9464", 200),
        ("GET /metrics HTTP/1.1\r\nHost: [::1]:9464", 200),
        ("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1", 200),
        ("GET /metrics HTTP/1.0", 200),
    ],
)
def test_ok__only_a_scrape_by_a_name_of_this_machine_is_answered(
    served: Server, request_line: str, status: int
) -> None:
    reply = ask(served, request_line.encode("latin-1") + http.END)
    assert reply.startswith(f"HTTP/1.1 {status} ".encode())
    assert (b"frames_total" in reply) == (status == 200)


@given(st.binary(max_size=300))
def test_ok__no_bytes_of_a_stranger_get_more_than_an_answer(head: bytes) -> None:
    asked: list[bytes] = []
    reply = http.answer(head, lambda: asked.append(head) or b"page", "text/plain")  # type: ignore[func-returns-value]
    assert reply.startswith(b"HTTP/1.1 ")
    assert not asked or head.startswith((b"GET /metrics", b"HEAD /metrics"))


def test_fail__a_head_without_an_end_is_refused(served: Server) -> None:
    assert ask(served, b"GET /metrics HTTP/1.1\r\nX: " + b"a" * http.LONGEST_REQUEST).startswith(b"HTTP/1.1 431 ")


def test_ok__those_who_ask_slowly_or_never_hold_up_nobody(served: Server, clock: Clock) -> None:
    idle = [socket.create_connection((served.host, served.port), timeout=10) for _ in range(server.MAX_CONNECTIONS)]
    for one in idle:
        one.sendall(b"GET /metr")
    assert b" 200 " in ask(served, b"GET /metrics HTTP/1.1" + http.END)
    clock.now += server.LONGEST_S + 1
    assert b" 200 " in ask(served, b"GET /metrics HTTP/1.1" + http.END)
    assert all(_ended(one) for one in idle)


def _ended(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True
    finally:
        client.close()


def test_ok__many_connections_need_one_thread_and_few_descriptors(served: Server) -> None:
    threads = threading.active_count()
    clients = [socket.create_connection((served.host, served.port), timeout=10) for _ in range(100)]
    assert b" 200 " in ask(served, b"GET /metrics HTTP/1.1" + http.END)
    assert threading.active_count() == threads
    assert len(served._open) <= server.MAX_CONNECTIONS
    for client in clients:
        client.close()


def test_ok__a_long_page_arrives_whole(clock: Clock) -> None:
    registry = CollectorRegistry()
    counter = Counter("alerts", "Alerts", ["rule"], registry=registry)
    for number in range(5_000):
        counter.labels(f"rule_{number}").inc()
    with_long_page = serve(registry, "127.0.0.1:0", clock)
    reply = ask(with_long_page, b"GET /metrics HTTP/1.1" + http.END)
    with_long_page.close()
    head, _, body = reply.partition(http.END)
    assert f"Content-Length: {len(body)}".encode() in head
    assert body.endswith(b"\n")
    assert b"rule_4999" in body


def test_ok__a_counter_that_fails_ends_one_answer_only(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Collector):
        def collect(self) -> Iterator[None]:  # type: ignore[override]
            raise ZeroDivisionError("no frames")

        def describe(self) -> list[None]:
            return []

    registry = CollectorRegistry()
    registry.register(Broken())
    failing = serve(registry, "127.0.0.1:0", clock)
    for _ in range(2):
        assert ask(failing, b"GET /metrics HTTP/1.1" + http.END).startswith(b"HTTP/1.1 500 ")
    assert len(caplog.records) == 1
    assert failing.failure is None
    failing.close()


def test_ok__after_the_close_the_port_is_free(clock: Clock) -> None:
    registry = CollectorRegistry()
    first = serve(registry, "127.0.0.1:0", clock)
    with socket.create_connection((first.host, first.port), timeout=10) as client:
        client.sendall(b"GET /met")
        first.close()
        first.close()
        assert _ended(client)
    second = serve(registry, f"127.0.0.1:{first.port}", clock)
    second.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("metrics ")]


def test_fail__a_port_in_use_is_one_clear_line(served: Server) -> None:
    with pytest.raises(OutputError, match=rf"^metrics 127.0.0.1:{served.port}: Address already in use; choose another"):
        serve(CollectorRegistry(), f"127.0.0.1:{served.port}")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("0.0.0.0:9464", "reachable from the network"),
        ("192.168.1.7:9464", "reachable from the network"),
        ("[::]:9464", "reachable from the network"),
        ("example.org:9464", "write the host as 127.0.0.1"),
        ("9464", "not a host with a port"),
        ("127.0.0.1:", "no valid port"),
        ("127.0.0.1:70000", "does not exist"),
        ("127.0.0.1:*", "no valid port"),
    ],
)
def test_fail__nothing_is_served_beyond_this_machine(address: str, reason: str) -> None:
    with pytest.raises(OutputError, match=reason):
        serve(CollectorRegistry(), address)


def test_fail__without_the_package_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(OutputError, match=r"pip install 'driver-monitor\[metrics\]'"):
        server.new_registry()


def test_ok__the_thread_ends_in_time(served: Server) -> None:
    began = time.monotonic()
    served.close()
    assert time.monotonic() - began < 1
