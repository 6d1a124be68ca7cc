"""Who gets in at the encrypted address, over real sockets: only a client whose key is on the list, while it is."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from driver_monitor.config.schema import ZmqConfig
from driver_monitor.errors import OutputError
from driver_monitor.keys.key_folder import new_pair
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.outputs.curve import sockets as sockets_module
from driver_monitor.outputs.curve.publisher import CurvePublisher
from driver_monitor.outputs.curve.server import CurveMessage, CurveServer
from driver_monitor.outputs.fanout import Outputs
from tests.outputs.curve.clients import PATIENCE_S, Client, Depot
from tests.outputs.listener import alert, status


@pytest.fixture
def depot(tmp_path: Path) -> Depot:
    return Depot(tmp_path / "keys")


@pytest.fixture
def publisher(depot: Depot) -> Iterator[CurvePublisher]:
    output = CurvePublisher(ZmqConfig(bind="tcp://0.0.0.0:*", keys=depot.folder))
    yield output
    output.close()
    assert not output._worker.thread.is_alive()


def until_refused(publisher: CurvePublisher, count: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while publisher.counters()["curve_refused"] < count:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_ok__a_key_on_the_list_gets_the_last_status_and_the_active_alerts_at_once_and_then_everything(
    depot: Depot, publisher: CurvePublisher
) -> None:
    publisher.alert(alert(1, "sleep"))
    publisher.alert(alert(2, "no_face"))
    publisher.alert(alert(3, "no_face", "cleared"))
    publisher.status(status(7))
    with Client(publisher.endpoint, depot.client("screen")) as client:
        client.until(lambda: len(client.heard) >= 2)
        assert client.heard == [("alert/sleep/", alert(1, "sleep")), ("status/", status(7))]
        publisher.state({"schema": 1})
        publisher.alert(alert(4, "sleep", "cleared"))
        client.until(lambda: len(client.heard) >= 4)
        assert [topic for topic, _ in client.heard[2:]] == ["state/", "alert/sleep/"]
    assert publisher.counters() == {
        **dict.fromkeys((f"curve_{what}_{kind}" for what in ("dropped", "missed") for kind in ("state", "status")), 0),
        "curve_dropped_alert": 0,
        "curve_missed_alert": 0,
        "curve_refused": 0,
        "curve_closed": 0,
    }


def test_fail__a_stranger_a_client_without_keys_and_one_with_another_server_key_get_nothing(
    depot: Depot, publisher: CurvePublisher
) -> None:
    publisher.alert(alert(1, "sleep"))
    good = depot.client("screen")
    with (
        Client(publisher.endpoint, new_pair(depot.server)) as stranger,
        Client(publisher.endpoint, None) as open_client,
        Client(publisher.endpoint, good, server=new_pair().public) as misled,
        Client(publisher.endpoint, good) as right,
    ):
        right.hears("id-1")
        stranger.told("HANDSHAKE_FAILED_AUTH")
        misled.told("HANDSHAKE_FAILED_NO_DETAIL", 3)
        open_client.until(lambda: "DISCONNECTED" in open_client.events)
        publisher.alert(alert(2, "sleep", "escalated"))
        right.hears("id-2")
        for other in (stranger, open_client, misled):
            other.look()
            assert other.heard == []
            assert "HANDSHAKE_SUCCEEDED" not in other.events
    until_refused(publisher, 3)


def test_ok__a_key_that_comes_on_the_list_while_the_daemon_runs_gets_in_and_nobody_is_disturbed(
    depot: Depot, publisher: CurvePublisher
) -> None:
    publisher.alert(alert(1, "sleep"))
    with Client(publisher.endpoint, depot.client("first")) as first:
        first.hears("id-1")
        with Client(publisher.endpoint, depot.client("second")) as second:  # at once: libzmq gives up after a refusal
            second.hears("id-1")
        first.look()
        assert "DISCONNECTED" not in first.events


def test_ok__revoking_ends_the_connection_and_the_others_come_back_to_all_active_alerts(
    depot: Depot, publisher: CurvePublisher
) -> None:
    publisher.alert(alert(1, "sleep"))
    with (
        Client(publisher.endpoint, depot.client("goes")) as goes,
        Client(publisher.endpoint, depot.client("stays")) as stays,
    ):
        goes.hears("id-1")
        stays.hears("id-1")
        revoked = time.monotonic()
        depot.keys.revoke("goes")
        goes.told("DISCONNECTED")
        assert time.monotonic() - revoked < 2
        publisher.alert(alert(2, "no_face"))  # whether it is sent before or after the new connection
        goes.told("HANDSHAKE_FAILED_AUTH")
        stays.hears("id-2")
        stays.told("HANDSHAKE_SUCCEEDED", 2)
        publisher.alert(alert(3, "no_face", "escalated"))
        stays.hears("id-3")
        goes.look()
        assert set(goes.ids()) == {"id-1"}


def test_fail__a_folder_that_others_may_read_lets_nobody_in_until_it_is_mended(
    depot: Depot, publisher: CurvePublisher, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets_module, "HANDSHAKE_MS", 200)
    publisher.alert(alert(1, "sleep"))
    with Client(publisher.endpoint, depot.client("screen")) as client:
        client.hears("id-1")
        depot.folder.chmod(0o755)
        client.told("DISCONNECTED")
        until_refused(publisher, 1)
        depot.folder.chmod(0o700)
        client.told("HANDSHAKE_SUCCEEDED", 2)  # it was told to try again, not that its key is wrong
    open_folder = f"{depot.folder}: other users may read it; run `chmod 700 {depot.folder}`"
    assert [line for line in caplog.messages if "until then no client is let in" in line] == [
        f"zmq.keys: {open_folder}; until then no client is let in"
    ]
    assert publisher.failure is None


def test_ok__another_pair_of_the_vehicle_is_used_at_once(depot: Depot, publisher: CurvePublisher) -> None:
    pair = depot.client("screen")
    publisher.alert(alert(1, "sleep"))
    with Client(publisher.endpoint, pair) as client:
        client.hears("id-1")
        (depot.folder / "server.key_secret").unlink()
        client.told("DISCONNECTED")
        new = depot.keys.make().public
        with Client(publisher.endpoint, pair, server=new) as other:
            other.hears("id-1")


def test_fail__a_dead_authenticator_is_a_failure_and_lets_nobody_in(
    depot: Depot, publisher: CurvePublisher, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pair = depot.client("screen")
    monkeypatch.setattr(publisher._server.access, "answer", lambda *_: 1 / 0)
    with Client(publisher.endpoint, pair) as client:
        publisher._worker.thread.join(PATIENCE_S)
        assert publisher.failure is not None
        assert "curve-publisher tcp://0.0.0.0:" in publisher.failure
        assert "ZeroDivisionError" in publisher.failure
        assert client.heard == []
    assert "the thread failed" in caplog.text


def test_fail__without_an_authenticator_libzmq_lets_nobody_in(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets_module, "HANDSHAKE_MS", 200)
    good = depot.client("screen")
    server = CurveServer("tcp://0.0.0.0:*", depot.keys, 100)
    server._poller.unregister(server._asked)
    server._asked.close(0)
    with Client(server.endpoint, good) as client, Client(server.endpoint, new_pair(depot.server)) as stranger:
        while client.events.count("HANDSHAKE_FAILED_NO_DETAIL") < 3 or "DISCONNECTED" not in stranger.events:
            server.serve(list)
            server.send(CurveMessage("alert", b"alert/x/", b"{}"))
            client.look()
            stranger.look()
        assert client.heard == stranger.heard == []
    server.close()


CURVE_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"CURVE".ljust(20, b"\0") + bytes(32)
"""The first 64 bytes of a client with keys (RFC 37)."""


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\xff",
        CURVE_GREETING,
        CURVE_GREETING + b"\x04\xc8\x05HELLO",
        CURVE_GREETING + b"\x06" + (1 << 40).to_bytes(8, "big"),
        CURVE_GREETING.replace(b"CURVE", b"NULL\0"),
        b"GET / HTTP/1.1\r\nHost: van-12\r\n\r\n",
        bytes(5000),
    ],
    ids=["nothing", "a byte", "a greeting", "half a hello", "a huge frame", "no curve", "http", "zeros"],
)
def test_fail__who_never_ends_the_handshake_is_put_out_and_the_others_hear_everything(
    depot: Depot, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(sockets_module, "HANDSHAKE_MS", 200)
    publisher = CurvePublisher(ZmqConfig(bind="tcp://0.0.0.0:*", keys=depot.folder))
    publisher.alert(alert(1, "sleep"))
    port = int(publisher.endpoint.rpartition(":")[2])
    with (
        Client(publisher.endpoint, depot.client("screen")) as screen,
        socket.create_connection(("127.0.0.1", port), PATIENCE_S) as raw,
    ):
        with contextlib.suppress(ConnectionError):
            raw.sendall(said)
            while raw.recv(4096):
                pass
        publisher.alert(alert(2, "no_face"))
        screen.hears("id-1")
        screen.hears("id-2")
        assert "DISCONNECTED" not in screen.events
    publisher.close()
    assert publisher.failure is None


def test_fail__a_client_with_a_key_that_sends_a_long_frame_is_put_out(depot: Depot, publisher: CurvePublisher) -> None:
    publisher.alert(alert(1, "sleep"))
    with (
        Client(publisher.endpoint, depot.client("screen")) as screen,
        Client(publisher.endpoint, depot.client("long"), kind=zmq.XSUB) as long,
    ):
        screen.hears("id-1")
        long.told("HANDSHAKE_SUCCEEDED")
        long.socket.send(b"\1" + bytes(10_000))
        long.told("DISCONNECTED")
        publisher.alert(alert(2, "no_face"))
        screen.hears("id-2")
        assert "DISCONNECTED" not in screen.events


def test_fail__a_client_that_floods_is_put_out_and_the_others_get_every_alert(
    depot: Depot, publisher: CurvePublisher, caplog: pytest.LogCaptureFixture
) -> None:
    publisher.alert(alert(0, "sleep"))
    with (
        Client(publisher.endpoint, depot.client("screen")) as screen,
        Client(publisher.endpoint, depot.client("flooder"), kind=zmq.XSUB) as flooder,
    ):
        screen.hears("id-0")
        flooder.socket.setsockopt(zmq.SNDTIMEO, 0)
        count = 0
        while "DISCONNECTED" not in flooder.events:
            for _ in range(500):
                count += 1
                try:
                    flooder.socket.send(b"\1alert/rule%d" % count)
                except zmq.Again:
                    break
            flooder.look()
        publisher.alert(alert(1, "no_face"))
        screen.hears("id-1")
        assert screen.events.count("HANDSHAKE_SUCCEEDED") <= 2
    assert "the client flooder sends too much, and must wait a minute" in caplog.text
    assert publisher.failure is None


def test_fail__a_client_that_does_not_read_loses_messages_which_are_counted_and_the_others_lose_nothing(
    depot: Depot,
) -> None:
    publisher = CurvePublisher(ZmqConfig(bind="tcp://0.0.0.0:*", keys=depot.folder, send_queue=10))
    with (
        Client(publisher.endpoint, depot.client("reads")) as reads,
        Client(publisher.endpoint, depot.client("stalls"), kind=zmq.XSUB) as stalls,
    ):
        stalls.socket.setsockopt(zmq.RCVHWM, 1)
        stalls.socket.send(b"\1")
        reads.told("HANDSHAKE_SUCCEEDED")
        publisher.alert(alert(0, "sleep"))
        stalls.hears("id-0")  # and reads nothing after it
        number = 0
        while publisher.counters()["curve_missed_alert"] == 0:
            number += 1
            publisher.alert(alert(number, "sleep", text="x" * 20_000))
            reads.hears(f"id-{number}")
    counters = publisher.counters()
    assert counters["curve_missed_alert"] == 1
    publisher.close()


def test_ok__at_work_no_expression_leaves_the_machine_here_either(depot: Depot, publisher: CurvePublisher) -> None:
    assert not publisher.local
    outputs = Outputs([publisher], PrivacyFilter({"distress"}))
    outputs.alert(alert(1, "distress"))
    outputs.alert(alert(2, "sleep"))
    with Client(publisher.endpoint, depot.client("screen")) as client:
        client.hears("id-2")
        outputs.state({"schema": 1, "t": 1.0, "attention": "attentive", "emotion": {"label": "anger"}})
        client.until(lambda: "state/" in dict(client.heard))
        assert client.ids() == ["id-2"]
        assert "anger" not in str(client.heard)


def test_fail__keys_that_cannot_be_used_at_the_start_stop_no_daemon_and_are_used_when_they_come(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = CurvePublisher(ZmqConfig(bind="tcp://0.0.0.0:*", keys=tmp_path / "keys"))
    publisher.alert(alert(1, "sleep"))
    assert publisher.counters()["curve_closed"] == 1
    assert (
        "there is no such folder; make it with `driver-monitor keys new NAME`; until then no client is" in caplog.text
    )
    depot = Depot(tmp_path / "keys")
    pair = depot.client("screen")
    with Client(publisher.endpoint, pair) as client:
        client.hears("id-1")
        assert publisher.counters()["curve_closed"] == 0
    publisher.close()
    assert publisher.failure is None


def test_fail__a_port_in_use_ends_the_start(depot: Depot) -> None:
    first = CurvePublisher(ZmqConfig(bind="tcp://0.0.0.0:*", keys=depot.folder))
    with pytest.raises(OutputError, match="is in use"):
        CurvePublisher(ZmqConfig(bind=first.endpoint, keys=depot.folder))
    first.close()
    CurvePublisher(ZmqConfig(bind=first.endpoint, keys=depot.folder)).close()


def test_ok__the_last_alerts_of_a_daemon_that_stops_arrive(depot: Depot, publisher: CurvePublisher) -> None:
    publisher.status(status(0))
    with Client(publisher.endpoint, depot.client("screen")) as client:
        client.until(lambda: len(client.heard) >= 1)
        for number in range(50):
            publisher.alert(alert(number, "sleep"))
        publisher.close()
        client.hears("id-49")
        assert client.ids() == [f"id-{number}" for number in range(50)]
