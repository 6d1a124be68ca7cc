"""`fleet watch` beside a real broker, as a dispatcher reads it."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.fleet.look.watch import BrokerWatch, subscriptions
from driver_monitor.fleet.look.watcher import Choice, WatchEvent
from driver_monitor.messages.wire import encode
from driver_monitor.mqtt import topics
from driver_monitor.mqtt.broker import Broker
from driver_monitor.mqtt.client import ClientSettings, build_client, connect, digest_property, serve
from driver_monitor.mqtt.login import Login
from tests.conftest import PROGRAM, Cli
from tests.fleet.look.fleet import message
from tests.fleet.services import Mosquitto, mosquitto, needs_mosquitto
from tests.fleet.store.rows import NOW
from tests.processes import PATIENCE_S, free_port

pytestmark = needs_mosquitto


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("broker")) as running:
        yield running


def publish(port: int, *messages: tuple[str, bytes, bool]) -> None:
    """Publish (topic, payload, retained) and wait until the broker has them."""
    address, settings = Broker("127.0.0.1", port, False), ClientSettings("car")
    client = build_client(address, Login(), settings)
    connect(client, address, settings)
    while not client.is_connected():
        serve(client, 0.1)
    sent = [client.publish(topic, payload, 1, retain, digest_property(payload)) for topic, payload, retain in messages]
    while not all(one.is_published() for one in sent):
        serve(client, 0.1)
    client.disconnect()


def alert(seq: int, vehicle: str = "van-1", **changes: Any) -> tuple[str, bytes, bool]:
    made = message(vehicle, seq, NOW, **changes)
    return topics.alert(vehicle, made["rule"]), encode(made), False


def online(vehicle: str, is_online: bool) -> tuple[str, bytes, bool]:
    body = {"schema": 1, "vehicle": vehicle, "online": is_online, "t_wall": None}
    return topics.online(vehicle), encode(body), True


class Told:
    """Collects what a watch tells; `until` waits for it."""

    def __init__(self) -> None:
        self.events: list[WatchEvent] = []
        self._more = threading.Condition()

    def show(self, event: WatchEvent) -> None:
        with self._more:
            self.events.append(event)
            self._more.notify_all()

    def until(self, what: str, count: int = 1) -> None:
        with self._more:
            told = self._more.wait_for(lambda: self.count(what) >= count, PATIENCE_S)
            assert told, f"no {what} in {self.events}"

    def count(self, what: str) -> int:
        return sum(event.what == what for event in self.events)


_EVERY = Choice()


@contextmanager
def watching(port: int, choice: Choice = _EVERY) -> Iterator[Told]:
    told, over, failed = Told(), threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            BrokerWatch(Broker("127.0.0.1", port, False), Login(), choice, told.show).run(over.is_set)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield told
    finally:
        over.set()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert not failed


def test_ok__alerts_and_vehicles_of_a_real_broker_are_told(broker: Mosquitto) -> None:
    publish(broker.port, online("van-1", True), online("bus-1", False))
    with watching(broker.port) as told:
        told.until("fleet")
        publish(broker.port, alert(1), alert(1), alert(1, "bus-1"), online("bus-1", True), alert(2, level="critical"))
        told.until("alert", 3)
        told.until("online")
    assert [event.text for event in told.events if event.what == "fleet"] == ["1 vehicles online, 1 offline"]
    found = [(event.vehicle, event.alert["seq"]) for event in told.events if event.alert is not None]
    assert found == [("van-1", 1), ("bus-1", 1), ("van-1", 2)]


def test_ok__a_broker_that_goes_and_comes_back_is_told_once_each(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker") as own:
        with watching(own.port, Choice(vehicles=("van-1",))) as told:
            told.until("fleet")
            own.kill()
            told.until("broker_lost")
            own.start()
            told.until("broker_back")
            publish(own.port, alert(5), alert(5, "van-2"))
            told.until("alert")
        assert [event.what for event in told.events] == ["fleet", "broker_lost", "broker_back", "alert"]


def test_fail__without_a_broker_it_says_so_once_and_waits() -> None:
    with watching(free_port()) as told:
        told.until("broker_lost")
    assert "Connection refused" in told.events[0].text
    assert len(told.events) == 1


@pytest.mark.parametrize(
    "junk",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x20\xff\xff\xff\xff",
        b"\x20\x03\x00\x00\x05",
        b"\x20\x05\x00\x00\x02\xee\x01",
        b"",
    ],
)
def test_fail__something_that_is_no_broker_is_told_as_a_lost_one(junk: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(junk)

        thread = threading.Thread(target=answer)
        thread.start()
        with watching(server.getsockname()[1]) as told:
            told.until("broker_lost")
        thread.join(PATIENCE_S)
    assert [event.what for event in told.events] == ["broker_lost"]


def test_fail__a_broker_that_refuses_the_password_is_told_with_what_to_do(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker", "allow_anonymous false\n") as own, watching(own.port) as told:
        told.until("broker_lost")
    assert "it refuses this program (Not authorized); check --user" in told.events[0].text


def test_ok__only_named_vehicles_are_asked_for() -> None:
    assert subscriptions(Choice()) == ["dm/1/+/alert/#", "dm/1/+/online", "dm/1/+/status"]
    assert subscriptions(Choice(vehicles=("a", "b*"))) == subscriptions(Choice())
    assert subscriptions(Choice(vehicles=("a", "b", "a")))[::3] == ["dm/1/a/alert/#", "dm/1/b/alert/#"]


def test_ok__a_reader_that_has_seen_enough_ends_it(broker: Mosquitto) -> None:
    watch = shlex.join([*PROGRAM, "fleet", "watch", "--json", "--broker", f"mqtt://127.0.0.1:{broker.port}"])
    script = f"{watch} | head -n 1; echo ${{PIPESTATUS[0]}}"
    with subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        assert json.loads(shell.stdout.readline())["event"] == "fleet"
        publish(broker.port, *(alert(5000 + seq) for seq in range(20)))
        out, err = shell.communicate(timeout=PATIENCE_S)
    assert (out, err) == ("1\n", ""), "the code that typer gives each verb whose reader ends"


HANGING_NAMES = """
import ctypes, socket
from driver_monitor.cli import main

def hang(*_, **__):
    print("searching", flush=True)
    while True:
        libc.pthread_mutex_lock(mutex)

libc, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)
socket.getaddrinfo = hang
main()
"""
"""The program where the search for a host's name hangs in C, as without an answer from the DNS server."""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_ok__ctrl_c_ends_it_in_time_while_the_search_for_the_broker_hangs(ending: signal.Signals) -> None:
    options = ["--broker", "mqtts://broker.example"]
    with subprocess.Popen(
        [sys.executable, "-c", HANGING_NAMES, "fleet", "watch", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "searching\n"
            process.send_signal(ending)
            _, err = process.communicate(timeout=10.0)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "a part did not stop within 1.5 s" in err
    assert len(err.splitlines()) == 1


def test_ok__the_program_prints_lines_into_a_pipe_and_ends_with_ctrl_c(broker: Mosquitto) -> None:
    address = f"mqtt://127.0.0.1:{broker.port}"
    options = ["--broker", address, "--vehicle", "van-*", "--level", "warning"]
    with subprocess.Popen(
        [*PROGRAM, "fleet", "watch", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            hostile = "Eyes \x1b[31m closed\n"
            publish(
                broker.port, alert(40, level="info"), alert(41, message=hostile), ("dm/1/van-1/alert/x", b"?", False)
            )
            lines = [process.stdout.readline() for _ in range(2)]
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
    assert (process.returncode, out) == (0, "")
    assert "1 messages could not be shown" in err
    assert "vehicles online" in first
    assert "van-1        WARNING  microsleep raised: Eyes  [31m closed (late: " in lines[0]
    assert "json: it is not JSON" in lines[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--broker", "mqtt://example.com"], "unencrypted"),
        (["--vehicle", "van/1"], "--vehicle: 'van/1' is no name"),
        (["--rule", "#"], "--rule: '#' is no name"),
        (["--level", "loud"], "expected one of info, warning, critical"),
        (["--certificate", "x.pem"], "--certificate and --key belong together"),
        (["--broker", "mqtts://localhost", "--ca", "none.pem"], "none.pem"),
    ],
)
def test_fail__a_mistake_is_one_line(command: Cli, options: list[str], words: str) -> None:
    done = command("fleet", "watch", *options)
    assert (done.code, len(done.lines)) == (2, 1)
    assert words in done.err


def test_ok__a_burst_of_alerts_is_told_completely(broker: Mosquitto) -> None:
    with watching(broker.port) as told:
        told.until("fleet")
        publish(broker.port, *(alert(1000 + seq) for seq in range(200)))
        told.until("alert", 200)
