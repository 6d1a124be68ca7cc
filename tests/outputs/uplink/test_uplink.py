"""The uplink against a real broker: what it sends, and that every alert arrives unchanged."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from driver_monitor.config.schema import ZmqConfig
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.outputs.fanout import Outputs
from driver_monitor.outputs.uplink import session
from driver_monitor.outputs.uplink.status import VehicleRun
from driver_monitor.outputs.zmq_publisher import ZmqPublisher
from tests.fleet.services import Mosquitto, mosquitto, needs_mosquitto
from tests.outputs.listener import listening
from tests.outputs.uplink.cars import alert, count, status, uplink
from tests.outputs.uplink.operator_side import OperatorSide, operator_side, wait_until
from tests.processes import free_port

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
