"""Brokers that are no brokers, that hang, or that never answer: the uplink goes on, and ends in time."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.config.sections.uplink import UplinkConfig
from driver_monitor.outputs.uplink import link, session
from driver_monitor.outputs.uplink.output import UplinkOutput
from driver_monitor.outputs.uplink.status import DrivingTime
from tests.fleet.services import Mosquitto, mosquitto, needs_mosquitto
from tests.outputs.uplink.cars import RUN, SOON, alert, config, count, uplink
from tests.outputs.uplink.operator_side import OperatorSide, wait_until
from tests.processes import PATIENCE_S, free_port

pytestmark = needs_mosquitto


@contextmanager
def listener(talk: Callable[[socket.socket], None] = lambda _: None) -> Iterator[int]:
    """Yield a port at which connections are accepted and given to `talk`; they stay open."""
    kept: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                kept.append(server.accept()[0])
                talk(kept[-1])

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for one in kept:
                one.close()


def answer_rubbish(client: socket.socket) -> None:
    client.recv(4096)
    client.sendall(b"\xf0\x00HTTP/1.1 400 Bad Request\r\n\r\n")


def answer_with_a_broken_packet(client: socket.socket) -> None:
    client.recv(4096)
    client.sendall(b"\x20\x02\xff")
    client.sendall(b"\xff\xff\xff\xff\xff")


def hang_up(client: socket.socket) -> None:
    client.close()


@pytest.mark.parametrize("talk", [answer_rubbish, answer_with_a_broken_packet, hang_up])
def test_fail__a_port_that_speaks_no_mqtt_is_a_fault_and_the_next_broker_is_used(
    tmp_path: Path, broker: Mosquitto, operator: OperatorSide, talk: Callable[[socket.socket], None]
) -> None:
    with listener(talk) as port, uplink(tmp_path, port, broker.port) as output:
        output.alert(alert(1))
        wait_until(lambda: count(output, "stored") == 1)
        assert output.failure is None


def test_fail__a_broker_that_accepts_and_never_answers_delays_no_close_and_no_alert(tmp_path: Path) -> None:
    with listener() as port, uplink(tmp_path, port) as output:
        wait_until(lambda: output._link._exchange is not None)
        began = time.monotonic()
        for seq in range(50):
            output.alert(alert(seq))
        assert time.monotonic() - began < 0.05
        began = time.monotonic()
        output.close()
        assert time.monotonic() - began < 0.8
    assert not output._connector.thread.is_alive()


def test_fail__a_broker_that_never_answers_is_left_for_the_next_one(
    tmp_path: Path, broker: Mosquitto, operator: OperatorSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "ANSWER_S", 0.2)
    with listener() as port, uplink(tmp_path, port, broker.port) as output:
        output.alert(alert(1))
        wait_until(lambda: count(output, "stored") == 1)


def test_fail__a_broker_that_hangs_is_left_for_the_next_one_and_delays_no_close(
    tmp_path: Path, broker: Mosquitto, operator: OperatorSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "SILENT_S", 0.3)
    with mosquitto(tmp_path / "hanging") as hanging:
        with uplink(tmp_path, hanging.port, broker.port) as output:
            wait_until(lambda: count(output, "connected"))
            hanging.process.send_signal(signal.SIGSTOP)
            output.alert(alert(1))
            wait_until(lambda: count(output, "stored") == 1)
        hanging.process.send_signal(signal.SIGCONT)
        with uplink(tmp_path, hanging.port) as output:
            wait_until(lambda: count(output, "connected"))
            hanging.process.send_signal(signal.SIGSTOP)
            began = time.monotonic()
            output.close()
            assert time.monotonic() - began < 0.8
    assert operator.ids() == ["van-12-1"]


def test_ok__nothing_is_connected_before_the_daemon_runs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    output = UplinkOutput(config(free_port()), tmp_path / "car", RUN, DrivingTime(), SOON)
    assert not output._connector.thread.is_alive()
    output.close()
    assert not [record for record in caplog.records if record.message.startswith("uplink:")]


def test_fail__a_name_server_that_hangs_is_left_alone_at_the_end(
    tmp_path: Path, broker: Mosquitto, operator: OperatorSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer, find = threading.Event(), threading.Event(), socket.getaddrinfo

    def hang(*words: Any, **more: Any) -> Any:
        asked.set()
        answer.wait(PATIENCE_S)
        return find(*words, **more)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    output = UplinkOutput(config(broker.port), tmp_path, RUN, DrivingTime(), SOON)
    output.alert(alert(1))
    assert asked.wait(PATIENCE_S)
    began = time.monotonic()
    output.close()
    assert time.monotonic() - began < 1.0
    answer.set()
    output._connector.thread.join(PATIENCE_S)
    assert not output._connector.thread.is_alive()
    assert output.failure is None
    assert all(one.retain for one in operator.heard)  # it has never said CONNECT: nothing is new


def test_fail__a_handshake_that_hangs_is_left_alone_at_the_end_and_never_connects_later(
    tmp_path: Path, certificates: Path
) -> None:
    heard: list[bytes] = []
    with listener(lambda client: heard.append(client.recv(4096))) as port:
        output = UplinkOutput(
            UplinkConfig(brokers=(f"mqtts://127.0.0.1:{port}",), ca=certificates / "ca.pem"),
            tmp_path,
            RUN,
            DrivingTime(),
            SOON,
        )
        output.alert(alert(1))
        wait_until(lambda: heard)  # the first packet of TLS
        began = time.monotonic()
        output.close()
        assert time.monotonic() - began < 1.0
        assert output.failure is None
    wait_until(lambda: not output._connector.thread.is_alive())
    assert output.failure is None


@pytest.mark.parametrize(
    "wrong",
    [{**alert(2), "rule": "a/b"}, {**alert(2), "rule": "a+"}, {"seq": 2, "rule": "x"}, {**alert(2), "seq": "x"}],
)
def test_fail__what_is_no_alert_is_counted_and_ends_nothing(
    tmp_path: Path, broker: Mosquitto, operator: OperatorSide, wrong: dict[str, Any]
) -> None:
    with uplink(tmp_path, broker.port) as output:
        output.alert(alert(1))
        output.alert(wrong)
        output.alert(alert(3, level="catastrophic"))  # of a later version
        wait_until(lambda: count(output, "stored") == 2)
        assert count(output, "dropped") == 1
        assert output.failure is None
    assert sorted(operator.ids()) == ["van-12-1", "van-12-3"]
