"""The collector between a real broker and a real store: each alert once, byte for byte, whatever is killed."""

from __future__ import annotations

import contextlib
import logging
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage

from driver_monitor.errors import DriverMonitorError
from driver_monitor.fleet.collect import collector as collector_module
from driver_monitor.fleet.collect import storing
from driver_monitor.fleet.collect.collector import Collector
from driver_monitor.fleet.collect.parse import parse
from driver_monitor.fleet.store.isolate import SAME_ID
from driver_monitor.fleet.store.rows import Row
from driver_monitor.fleet.store.store import Store, open_store
from driver_monitor.messages import wire
from driver_monitor.mqtt.broker import parse_broker
from driver_monitor.mqtt.login import Login
from tests.fleet.collect.car import Car, alert, status
from tests.fleet.services import Mosquitto, Postgres, mosquitto, needs_mosquitto, needs_postgres
from tests.fleet.store.conftest import emptied
from tests.fleet.store.rows import NOW
from tests.processes import PATIENCE_S

pytestmark = needs_mosquitto


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("broker") / "b") as running:
        yield running


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries after milliseconds, so that the tests wait for nothing."""
    monkeypatch.setattr(storing, "RETRY_S", 0.02)
    monkeypatch.setattr(storing, "LONGEST_RETRY_S", 0.05)
    monkeypatch.setattr(collector_module, "RETRY_S", 0.02)
    monkeypatch.setattr(collector_module, "LONGEST_RETRY_S", 0.05)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "fleet.db")


@contextmanager
def collecting(broker: Mosquitto, store: Store) -> Iterator[Collector]:
    """A collector in a thread of its own; at the end it must leave in time."""
    collector = Collector(parse_broker(f"mqtt://127.0.0.1:{broker.port}"), Login(), store)
    thread = threading.Thread(target=collector.run)
    thread.start()
    try:
        yield collector
    finally:
        collector.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


@contextmanager
def process(broker: Mosquitto, url: str) -> Iterator[subprocess.Popen[str]]:
    """`driver-monitor fleet collect` as users run it, connected."""
    address = f"mqtt://127.0.0.1:{broker.port}"
    command = [sys.executable, "-m", "driver_monitor", "fleet", "collect", "--broker", address, "--store", url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        try:
            line = running.stderr.readline()
            assert "connected" in line, line
            yield running
        finally:
            running.kill()


def until(condition: object) -> None:
    assert callable(condition)
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it has not happened in time"
        time.sleep(0.005)


def bodies(url: str) -> list[bytes]:
    store = open_store(url)
    found = store.query("SELECT body FROM alert ORDER BY vehicle, seq")
    store.close()
    return [body.encode() for (body,) in found]


def sent(*cars: Car) -> list[bytes]:
    return [payload for car in cars for _, payload in car.sent.values()]


def test_ok__an_alert_becomes_a_row_and_the_car_is_told(broker: Mosquitto, url: str) -> None:
    with collecting(broker, open_store(url, make=True)) as collector:
        until(lambda: collector.counts.connected)
        car, other = Car(broker.port).connect(), Car(broker.port, "car-2").connect()
        for seq in range(3):
            car.send(alert("car-1", seq))
        other.send(alert("car-2", 0))
        car.until_all_stored()
        other.until_all_stored()
        car.send_again()
        first = next(iter(car.sent))
        car.publish("dm/1/car-1/status", wire.encode(status("car-1", 60.0)))
        car.send(alert("car-1", 0))
        car.until(lambda: sum(first in ids for ids in car.told) == 2)
        until(lambda: collector.oldest_s() == 0.0)
        assert (collector.counts.stored, collector.counts.duplicates) == (4, 1)
        assert sum(collector.counts.latency) == 4
    assert bodies(url) == sent(car, other)
    store = open_store(url)
    assert store.query("SELECT vehicle, driving_s FROM trip") == [("car-1", 30.0)]
    assert store.query("SELECT vehicle FROM vehicle ORDER BY vehicle") == [("car-1",), ("car-2",)]


def test_fail__a_dead_letter_is_acknowledged_and_not_told(broker: Mosquitto, url: str) -> None:
    with collecting(broker, open_store(url, make=True)) as collector:
        until(lambda: collector.counts.connected)
        car = Car(broker.port).connect()
        for _ in range(3):
            car.publish("dm/1/car-1/alert/microsleep", wire.encode(alert("car-1", 7)))
        car.publish("dm/1/car-1/status", b"\xff\0")
        car.publish("dm/1/car-1/alert/microsleep/more", b"{}")
        car.send(alert("car-1", 8) | {"vehicle": "car-2"})
        car.sent.clear()
        car.send(alert("car-1", 1))
        car.until_all_stored()
        car.send(alert("car-1", 1) | {"message": "another"})
        car.sent.clear()
        car.send(alert("car-1", 2))
        car.until_all_stored()
        until(lambda: sum(collector.counts.dead.values()) == 7)
        assert collector.counts.dead == {"sha256": 3, "text": 1, "topic": 1, "vehicle": 1, "id": 1}
        told = [id_ for ids in car.told for id_ in ids]
        assert told == [alert("car-1", 1)["id"], alert("car-1", 2)["id"]]
    with collecting(broker, open_store(url, make=True)) as collector:
        until(lambda: collector.counts.connected)
        car.send(alert("car-1", 3))
        car.until_all_stored()
        assert collector.counts.messages == 1, "nothing comes back"
    found = open_store(url).query("SELECT reason, count FROM dead_letter ORDER BY reason")
    assert [(reason.partition(":")[0], count) for reason, count in found] == [
        ("id", 1), ("sha256", 3), ("text", 1), ("topic", 1), ("vehicle", 1),
    ]  # fmt: skip
    assert found[0][0] == SAME_ID


def test_ok__a_vehicle_is_online_until_its_will_says_otherwise(broker: Mosquitto, url: str) -> None:
    message = {"schema": 1, "vehicle": "car-1", "online": True, "t_wall": None}
    old = Car(broker.port).connect()
    old.publish("dm/1/car-1/status", wire.encode(status("car-1", 9.0)), retain=True)
    with collecting(broker, open_store(url, make=True)) as collector:
        until(lambda: collector.counts.connected)
        store = open_store(url)
        for online in (True, False):
            old.publish("dm/1/car-1/online", wire.encode(message | {"online": online}), retain=True)
            old.until(lambda: store.query("SELECT online FROM vehicle") == [(online,)])  # noqa: B023
        assert store.query("SELECT status FROM vehicle") == [(None,)], "what a broker has kept is old"
    old.publish("dm/1/car-1/status", b"", retain=True)
    old.publish("dm/1/car-1/online", b"", retain=True)


def test_ok__a_car_is_told_at_most_500_ids_at_once(broker: Mosquitto, url: str) -> None:
    with collecting(broker, open_store(url, make=True)) as collector:
        until(lambda: collector.counts.connected)
        car = Car(broker.port).connect()
        lock = sqlite3.connect(url)
        lock.execute("BEGIN IMMEDIATE")
        for seq in range(1200):
            car.send(alert("car-1", seq))
        until(lambda: collector.counts.messages == 1000)
        lock.rollback()
        car.until_all_stored(again_s=PATIENCE_S)
        assert max(len(ids) for ids in car.told) == 500
    assert bodies(url) == sent(car)


@pytest.mark.parametrize("victim", ["collector", "broker"])
def test_ok__a_kill_loses_nothing(tmp_path: Path, url: str, victim: str) -> None:
    with mosquitto(tmp_path / "b") as broker, contextlib.ExitStack() as stack:
        running = [stack.enter_context(process(broker, url)) for _ in range(2)]
        cars = [Car(broker.port, f"car-{number}").connect() for number in range(4)]
        for seq in range(50):
            for car in cars:
                car.send(alert(car.vehicle, seq))
            if seq == 20 and victim == "collector":
                running[0].kill()
                running[0].communicate()
                stack.enter_context(process(broker, url))
            elif seq == 20:
                broker.kill()
                broker.start()
                for car in cars:
                    car.connect()
        for car in cars:
            car.until_all_stored()
    assert bodies(url) == sent(*cars)


@needs_postgres
def test_ok__a_store_that_is_killed_is_waited_for(
    broker: Mosquitto, server: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(emptied(server))
    store.make_schema(NOW)
    with caplog.at_level(logging.INFO), collecting(broker, store) as collector:
        until(lambda: collector.counts.connected)
        car = Car(broker.port).connect()
        car.send(alert("car-1", 0))
        car.until_all_stored()
        server.stop()
        for seq in range(1, 1500):
            car.send(alert("car-1", seq))
        until(lambda: collector.counts.store_down)
        until(lambda: collector.counts.messages == 1001)
        assert collector.counts.stored == 1
        assert collector.oldest_s() > 0.0
        server.start()
        car.until_all_stored(again_s=PATIENCE_S)
        assert not collector.counts.store_down
    assert bodies(server.url) == sent(car)
    assert [text.count("nothing is acknowledged") for text in caplog.messages if "store" in text] == [1, 0]


def test_ok__numbers_of_an_earlier_connection_are_not_acknowledged(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    acknowledged: list[tuple[Client, int]] = []
    received: list[tuple[Client, int]] = []
    heard = Collector._on_message

    def hear(self: Collector, client: Client, data: object, message: MQTTMessage) -> None:
        received.append((client, message.mid))
        heard(self, client, data, message)

    monkeypatch.setattr(Collector, "_on_message", hear)
    monkeypatch.setattr(Client, "ack", lambda self, mid, qos: acknowledged.append((self, mid)))
    with mosquitto(tmp_path / "b") as broker, collecting(broker, open_store(url, make=True)) as collector:
        until(lambda: collector.counts.connected)
        car = Car(broker.port).connect()
        lock = sqlite3.connect(url)
        lock.execute("BEGIN IMMEDIATE")
        car.send(alert("car-1", 1))
        car.until(lambda: len(received) == 1 and collector.oldest_s() > 0.1)
        broker.kill()
        until(lambda: not collector.counts.connected)
        broker.start()
        until(lambda: collector.counts.connected)
        lock.rollback()
        car.connect()
        until(lambda: collector.counts.stored == 1)
        car.until(lambda: len(car.stored) == 1)
        assert acknowledged == []
        car.send(alert("car-1", 2))
        car.until_all_stored(again_s=PATIENCE_S)
        assert acknowledged == received[1:]


@pytest.mark.parametrize("hindrance", ["nothing", "store", "broker"])
def test_ok__sigterm_ends_it_in_time_with_code_0(broker: Mosquitto, url: str, tmp_path: Path, hindrance: str) -> None:
    with contextlib.ExitStack() as stack:
        used = stack.enter_context(mosquitto(tmp_path / "b")) if hindrance == "broker" else broker
        running = stack.enter_context(process(used, url))
        if hindrance == "broker":
            used.process.send_signal(signal.SIGSTOP)
            stack.callback(used.process.send_signal, signal.SIGCONT)
        if hindrance == "store":
            lock = sqlite3.connect(url)
            lock.execute("BEGIN IMMEDIATE")
            car = Car(used.port).connect()
            car.send(alert("car-1", 1))
            sent_at = time.monotonic()
            car.until(lambda: time.monotonic() > sent_at + 0.3)  # the store waits for the lock now
        began = time.monotonic()
        running.terminate()
        assert running.wait(PATIENCE_S) == 0
        assert time.monotonic() - began < 2.0 * 3, "2 s on an idle machine"


def test_fail__a_fault_of_ours_in_one_row_stops_no_other(
    broker: Mosquitto, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(url, make=True)
    put = store._put_alerts  # type: ignore[attr-defined]

    def faulty(database: object, alerts: list[object]) -> object:
        if any(getattr(row, "seq", None) == 2 for row in alerts):
            raise ZeroDivisionError("a bug")
        return put(database, alerts)

    monkeypatch.setattr(store, "_put_alerts", faulty)
    with collecting(broker, store) as collector:
        until(lambda: collector.counts.connected)
        car = Car(broker.port).connect()
        for seq in (1, 2, 3):
            car.send(alert("car-1", seq))
        until(lambda: collector.counts.stored == 2)
        assert collector.counts.dead == {"store": 1}


def test_fail__messages_without_acknowledgement_end_no_connection(
    broker: Mosquitto, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(collector_module, "BATCH_ROWS", 50)
    with collecting(broker, open_store(url, make=True)) as collector:
        until(lambda: collector.counts.connected)
        car = Car(broker.port).connect()
        lock = sqlite3.connect(url)
        lock.execute("BEGIN IMMEDIATE")
        for number in range(200):
            car.publish("dm/1/car-1/status", b"%d" % number, qos=0)
        car.until(lambda: collector.counts.messages == 200)
        assert len(collector._inbox) <= 50, "bounded also without a Receive Maximum"
        lock.rollback()
        car.send(alert("car-1", 1))
        car.until_all_stored(again_s=PATIENCE_S)
        assert collector.counts.messages == 201
    assert "ended" not in caplog.text


def test_fail__a_bug_in_reading_one_message_stops_no_other(
    broker: Mosquitto, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def faulty(topic: str, payload: bytes, digest: str | None, received: datetime) -> Row:
        if b'"seq":2' in payload:
            raise ZeroDivisionError("a bug")
        return parse(topic, payload, digest, received)

    monkeypatch.setattr(collector_module, "parse", faulty)
    with collecting(broker, open_store(url, make=True)) as collector:
        until(lambda: collector.counts.connected)
        car = Car(broker.port).connect()
        for seq in (1, 2, 3):
            car.send(alert("car-1", seq))
        until(lambda: collector.counts.stored == 2)
        assert collector.counts.dead == {"program": 1}
    assert "dm/1/car-1/alert/microsleep: this message cannot be read" in caplog.text


@needs_postgres
def test_fail__a_database_without_tables_is_told(broker: Mosquitto, server: Postgres) -> None:
    store = open_store(server.url.removesuffix("postgres") + "template1")
    collector = Collector(parse_broker(f"mqtt://127.0.0.1:{broker.port}"), Login(), store)
    with pytest.raises(
        DriverMonitorError, match="has no tables of driver-monitor; make them with: driver-monitor fleet schema"
    ):
        collector.run()
