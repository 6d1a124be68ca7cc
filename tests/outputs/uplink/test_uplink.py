"""The uplink against a real broker: what it sends, and that whatever breaks, every alert arrives unchanged."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.config.schema import ZmqConfig
from driver_monitor.config.sections.uplink import UplinkConfig
from driver_monitor.errors import ConfigError
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.outputs.fanout import Outputs
from driver_monitor.outputs.uplink import link, session
from driver_monitor.outputs.uplink.link import Clocks
from driver_monitor.outputs.uplink.output import UplinkOutput
from driver_monitor.outputs.uplink.status import DrivingTime, VehicleRun
from driver_monitor.outputs.zmq_publisher import ZmqPublisher
from driver_monitor.spool.clock import wall_clock
from tests.fleet.services import Mosquitto, mosquitto, needs_mosquitto
from tests.outputs.listener import listening
from tests.outputs.uplink.operator_side import OperatorSide, operator_side, wait_until
from tests.processes import free_port

RUN = VehicleRun("van-12", "trip-1", "boot-1")
SOON = Clocks(time.monotonic, wall_clock, lambda: 0.0)
"""The shortest waits between attempts."""


def alert(seq: int, level: str = "warning", vehicle: str = "van-12", **more: Any) -> dict[str, Any]:
    wall = {"t_wall": "2026-11-29T12:00:00.000Z", "wall_synced": True}
    named = {"schema": 1, "id": f"{vehicle}-{seq}", "seq": seq, "vehicle": vehicle, "rule": "microsleep"}
    return {**named, **wall, "level": level, "phase": "raised", "message": "Augen zu: über 1 s", **more}


def status(**more: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "camera": {"state": "ok"},
        "attention": "attentive",
        "degraded": None,
        "active": [],
        "alerts": 0,
    }
    return {"schema": 1, "vehicle": "van-12", "uptime_s": 7.0, "config_fault": None, "versions": {}, **known, **more}


def config(*ports: int, **more: Any) -> UplinkConfig:
    return UplinkConfig(brokers=tuple(f"mqtt://127.0.0.1:{port}" for port in ports), **more)


@contextmanager
def uplink(folder: Path, *ports: int, run: VehicleRun = RUN, **more: Any) -> Iterator[UplinkOutput]:
    output = UplinkOutput(config(*ports, **more), folder / "car", run, DrivingTime(), SOON)
    output.state({})  # the daemon runs
    try:
        yield output
    finally:
        output.close()


def count(output: UplinkOutput, name: str) -> int:
    return output.counters()[f"uplink_{name}"]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
def operator(broker: Mosquitto) -> Iterator[OperatorSide]:
    with operator_side(broker.port) as listening:
        yield listening


pytestmark = needs_mosquitto


def test_ok__an_alert_arrives_byte_for_byte_as_on_zeromq_and_leaves_the_car_when_it_is_stored(
    tmp_path: Path, broker: Mosquitto, operator: OperatorSide
) -> None:
    publisher = ZmqPublisher(ZmqConfig(bind=f"tcp://127.0.0.1:{free_port()}"))
    with listening(publisher, "alert/") as listener, uplink(tmp_path, broker.port) as output:
        listener.until_marked(publisher)
        outputs = Outputs([publisher, output], PrivacyFilter({"distress"}))
        outputs.alert(alert(1, t=1.25, evidence={"measured": {"eyes.closed_s": float("nan")}}))
        topic, payload = listener.socket.recv_multipart()
        operator.until(operator.alerts)
        (heard,) = operator.alerts()
        assert (topic, heard.topic) == (b"alert/microsleep/", "dm/1/van-12/alert/microsleep")
        assert heard.payload == payload
        assert heard.digest == hashlib.sha256(payload).hexdigest()
        assert not heard.retain
        wait_until(lambda: count(output, "stored") == 1)
        assert count(output, "waiting") == 0
    publisher.close()


def test_ok__what_stays_on_this_machine_reaches_neither_disk_nor_broker(
    tmp_path: Path, broker: Mosquitto, operator: OperatorSide
) -> None:
    with uplink(tmp_path, broker.port) as output:
        outputs = Outputs([output], PrivacyFilter({"distress"}))
        outputs.alert(alert(1, rule="distress"))
        outputs.alert(alert(2, evidence={"measured": {"emotion.distress_s": 3.0}}))
        outputs.alert({**alert(3), "seq": None})
        outputs.alert(alert(4))
        wait_until(lambda: count(output, "stored") == 1)
    assert operator.ids() == ["van-12-4"]
    for file in (tmp_path / "car").iterdir():
        assert b"distress" not in file.read_bytes()


def test_ok__the_operator_sees_online_status_and_the_end(
    tmp_path: Path, broker: Mosquitto, operator: OperatorSide
) -> None:
    with uplink(tmp_path, broker.port) as output:
        output.state({"t": 1.0, "car": {"speed_kmh": 50.0}})
        output.state({"t": 2.5, "car": {"speed_kmh": 50.0}})
        output.status(status())
        operator.until(lambda: operator.last("status"))
        assert operator.last("online") == {**(operator.last("online") or {}), "vehicle": "van-12", "online": True}
        output.status(status(uptime_s=8.0, attention="drowsy"))  # nothing that is told at once
        output.status(status(uptime_s=9.0, active=["sleep"]))
        operator.until(lambda: (operator.last("status") or {})["active"] == ["sleep"])
    told = operator.last("status") or {}
    assert told["driving_s"] == 1.5
    assert (told["trip"], told["boot"], told["camera"], told["uptime_s"]) == ("trip-1", "boot-1", "ok", 9.0)
    assert told["spool"]["waiting"] == 0
    assert [one.message["uptime_s"] for one in operator.heard if one.topic.endswith("/status")] == [7.0, 9.0]
    operator.until(lambda: (operator.last("online") or {})["online"] is False)
    assert (operator.last("online") or {})["t_wall"] is not None  # a farewell, not the will


def test_ok__an_uplink_that_dies_without_a_word_is_offline_by_its_will(
    tmp_path: Path, broker: Mosquitto, operator: OperatorSide
) -> None:
    with uplink(tmp_path, broker.port) as output:
        operator.until(lambda: (operator.last("online") or {}).get("online") is True)
        connection = output._link._connection
        assert connection is not None
        connection.drop()  # as a kill of the process does
        operator.until(lambda: (operator.last("online") or {})["online"] is False)
        assert (operator.last("online") or {})["t_wall"] is None
        operator.until(lambda: (operator.last("online") or {})["online"] is True)  # it comes back


def test_ok__alerts_from_before_a_restart_are_sent_by_the_next_run(tmp_path: Path, broker: Mosquitto) -> None:
    with uplink(tmp_path, free_port()) as output:
        output.alert(alert(1))
        output.alert(alert(2, "critical"))
        assert output.counters() == {**output.counters(), "uplink_connected": 0}
    ended = {**alert(3), "phase": "cleared", "restart": True}
    with operator_side(broker.port) as operator, uplink(tmp_path, broker.port) as output:
        output.alert(ended)
        wait_until(lambda: count(output, "stored") == 3)
        assert sorted(operator.ids()) == ["van-12-1", "van-12-2", "van-12-3"]


def test_ok__an_alert_that_is_repeated_after_a_reload_is_not_sent_twice(
    tmp_path: Path, broker: Mosquitto, operator: OperatorSide
) -> None:
    for _ in range(2):
        with uplink(tmp_path, broker.port) as output:
            output.alert(alert(1))
            wait_until(lambda: count(output, "waiting") == 0 and count(output, "connected"))
            output.alert(alert(1))
    with uplink(tmp_path, broker.port) as output:
        output.alert(alert(2))
        wait_until(lambda: count(output, "stored") == 1)
    assert operator.ids() == ["van-12-1", "van-12-2"]


def test_ok__alerts_of_an_earlier_vehicle_id_keep_their_topic_and_get_their_answer(
    tmp_path: Path, broker: Mosquitto, operator: OperatorSide
) -> None:
    with uplink(tmp_path, free_port(), run=VehicleRun("van-11", "trip-0", "boot-1")) as output:
        output.alert(alert(1, vehicle="van-11"))
    with uplink(tmp_path, broker.port) as output:
        output.alert(alert(2))
        wait_until(lambda: count(output, "stored") == 2)
    assert [one.topic for one in operator.alerts()] == [
        "dm/1/van-11/alert/microsleep",
        "dm/1/van-12/alert/microsleep",
    ]


def test_ok__what_the_broker_takes_is_kept_until_it_is_stored(tmp_path: Path, broker: Mosquitto) -> None:
    with operator_side(broker.port, answers=False) as operator, uplink(tmp_path, broker.port) as output:
        output.alert(alert(1))
        operator.until(operator.alerts)
        operator.say("dm/1/van-12/stored", b"rubbish")
        operator.say("dm/1/van-12/stored", b'["somebody"]')
        wait_until(lambda: count(output, "refused") == 1)
        assert (count(output, "waiting"), count(output, "stored")) == (1, 0)
    with operator_side(broker.port) as operator, uplink(tmp_path, broker.port) as output:  # the next run
        wait_until(lambda: count(output, "stored") == 1)
        assert operator.ids() == ["van-12-1"]


def test_ok__an_answer_that_comes_while_the_car_is_away_is_kept_by_the_broker(
    tmp_path: Path, broker: Mosquitto
) -> None:
    with operator_side(broker.port, answers=False) as operator:
        with uplink(tmp_path, broker.port) as output:
            output.alert(alert(1))
            operator.until(operator.alerts)
        operator.store("van-12", "van-12-1")
        with uplink(tmp_path, broker.port) as output:
            wait_until(lambda: count(output, "stored") == 1)


def test_ok__a_broker_that_is_killed_and_comes_back_loses_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "AGAIN_S", 0.5)  # the car may be back before the operator listens
    with mosquitto(tmp_path / "broker") as broker, uplink(tmp_path, broker.port) as output:
        wait_until(lambda: count(output, "connected"))
        with operator_side(broker.port, answers=False) as operator:
            output.alert(alert(1))
            operator.until(operator.alerts)  # the broker has it, and nobody has stored it
        broker.kill()
        wait_until(lambda: not count(output, "connected"))
        for seq in range(2, 30):
            output.alert(alert(seq, "info" if seq < 29 else "critical"))
        wait_until(lambda: count(output, "waiting") == 29)
        broker.start()
        with operator_side(broker.port) as operator:
            wait_until(lambda: count(output, "stored") == 29)
            assert len(set(operator.ids())) == 29
    said = [record.message for record in caplog.records if record.message.startswith("uplink:")]
    assert len([line for line in said if "connected again" in line]) <= 1
    assert len([line for line in said if "cannot be reached" in line]) <= 1


def test_ok__the_next_broker_is_tried_and_gets_all_that_the_first_one_took(tmp_path: Path, broker: Mosquitto) -> None:
    first = Mosquitto(tmp_path / "first")
    with operator_side(first.port, answers=False) as deaf, uplink(tmp_path, first.port, broker.port) as output:
        output.alert(alert(1))
        deaf.until(deaf.alerts)
        with operator_side(broker.port) as operator:
            first.kill()
            operator.until(operator.alerts)
            wait_until(lambda: count(output, "stored") == 1)
            assert deaf.alerts()[0].payload == operator.alerts()[0].payload
            assert count(output, "resent") == 1


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
        wait_until(lambda: output._link._connection is not None)
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


def test_fail__a_handshake_that_hangs_is_left_alone_at_the_end_and_never_connects_later(
    tmp_path: Path, certificates: Path
) -> None:
    heard: list[bytes] = []
    with listener(lambda client: heard.append(client.recv(4096))) as port:
        output = UplinkOutput(
            UplinkConfig(brokers=(f"mqtts://127.0.0.1:{port}",), ca=certificates), tmp_path, RUN, DrivingTime(), SOON
        )
        output.alert(alert(1))
        wait_until(lambda: heard)  # the first packet of TLS
        began = time.monotonic()
        output.close()
        assert time.monotonic() - began < 1.0
        assert output.failure is None
    wait_until(lambda: not output._connector.thread.is_alive())
    assert output.failure is None


def test_fail__a_closed_port_is_one_line_and_one_more_when_it_is_open(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    port = free_port()
    with contextlib.ExitStack() as opened, uplink(tmp_path, port) as output:
        wait_until(lambda: output._link._attempts._failed >= 2)
        opened.enter_context(mosquitto_at(tmp_path / "late", port))
        wait_until(lambda: count(output, "connected"))
    said = [record.message for record in caplog.records if record.message.startswith("uplink:")]
    assert len(said) == 2
    assert "cannot be reached: Connection refused" in said[0]
    assert "network.conf" in said[0]
    assert said[1] == f"uplink: connected again to mqtt://127.0.0.1:{port}"


@contextmanager
def mosquitto_at(folder: Path, port: int) -> Iterator[Mosquitto]:
    broker = Mosquitto(folder, port=port)
    try:
        yield broker
    finally:
        broker.kill()


def test_fail__a_wrong_password_is_told_once_and_a_right_one_is_used_without_a_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    users, password = tmp_path / "users", tmp_path / "password"
    subprocess.run(["mosquitto_passwd", "-b", "-c", users, "van-12", "right"], check=True)
    users.chmod(0o644)
    password.write_text("wrong\n")
    rules = f"allow_anonymous false\npassword_file {users}\n"
    login: dict[str, Any] = {"user": "van-12", "password_file": password}
    with mosquitto(tmp_path / "broker", rules) as broker, uplink(tmp_path, broker.port, **login) as output:
        output.alert(alert(1))
        wait_until(lambda: output._link._attempts._failed >= 2)
        assert count(output, "waiting") == 1
        password.write_text("right\n")
        wait_until(lambda: count(output, "connected"))
    faults = [record.message for record in caplog.records if "refuses this vehicle" in record.message]
    assert len(faults) == 1
    assert "uplink.password_file" in faults[0]


@contextmanager
def strict_broker(folder: Path, *rules: str) -> Iterator[Mosquitto]:
    """Yield a broker with an access list."""
    access = folder / "access"
    access.write_text("\n".join(["topic readwrite dm/1/operator/#", *rules, ""]))
    access.chmod(0o644)
    with mosquitto(folder / "broker", f"allow_anonymous true\nacl_file {access}\n") as broker:
        yield broker


def test_fail__a_broker_that_forbids_the_topics_is_told_once_and_the_alert_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with strict_broker(tmp_path) as broker, uplink(tmp_path, broker.port) as output:
        output.alert(alert(1))
        wait_until(lambda: output._link._attempts._failed >= 2)
        assert count(output, "waiting") == 1
    faults = [record.message for record in caplog.records if "does not let this vehicle" in record.message]
    assert len(faults) == 1
    assert "dm/1/van-12/online" in faults[0]
    assert "vehicle.id" in faults[0]


def test_ok__alerts_that_the_broker_forbids_hold_up_no_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with uplink(tmp_path, free_port(), run=VehicleRun("van-11", "trip-0", "boot-1")) as output:
        for seq in range(30):
            output.alert(alert(seq, "critical", vehicle="van-11"))
    rules = ("topic readwrite dm/1/van-12/#", "topic read dm/1/#")
    with (
        strict_broker(tmp_path, *rules) as broker,
        operator_side(broker.port, answers=False) as operator,
        uplink(tmp_path, broker.port) as output,
    ):
        output.alert(alert(50, "info"))
        operator.until(operator.alerts)
        assert operator.ids() == ["van-12-50"]
        assert count(output, "waiting") == 31
    assert any("use dm/1/van-11/alert/...;" in record.message for record in caplog.records)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that signs nothing here, as `uplink.ca`."""
    folder = tmp_path_factory.mktemp("ca")
    key, ca = folder / "key.pem", folder / "ca.pem"
    name = ["-subj", "/CN=a ca", "-days", "30", "-newkey", "rsa:2048", "-nodes"]
    subprocess.run(["openssl", "req", "-x509", *name, "-keyout", key, "-out", ca], check=True, capture_output=True)
    return ca


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"ca": "absent"}, "absent: these certificates cannot be read: No such file or directory"),
        ({"certificate": "absent", "key": "absent"}, "absent: this certificate and"),
        ({"user": "me", "password_file": "absent"}, "absent: the password cannot be read: No such file or directory"),
    ],
)
def test_fail__files_that_cannot_be_read_are_an_error_at_the_start(
    tmp_path: Path, files: dict[str, str], named: str
) -> None:
    paths = {key: tmp_path / value if value == "absent" else value for key, value in files.items()}
    wrong = UplinkConfig(brokers=("mqtts://broker.example",), **paths)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=named):
        UplinkOutput(wrong, tmp_path, RUN, DrivingTime())
    assert list(tmp_path.iterdir()) == []


def test_fail__without_paho_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(ConfigError, match=r"pip install 'driver-monitor\[fleet\]'"):
        UplinkOutput(config(1883), tmp_path, RUN, DrivingTime())


@pytest.mark.parametrize(
    "wrong",
    [{**alert(1), "rule": "a/b"}, {**alert(1), "rule": "a+"}, {"seq": 1, "rule": "x"}, {**alert(1), "seq": "x"}],
)
def test_fail__what_is_no_alert_is_counted_and_ends_nothing(
    tmp_path: Path, broker: Mosquitto, operator: OperatorSide, wrong: dict[str, Any]
) -> None:
    with uplink(tmp_path, broker.port) as output:
        output.alert(wrong)
        output.alert(alert(9, level="catastrophic"))  # of a later version
        wait_until(lambda: count(output, "stored") == 1)
        assert count(output, "dropped") == 1
        assert output.failure is None
    assert operator.ids() == ["van-12-9"]
