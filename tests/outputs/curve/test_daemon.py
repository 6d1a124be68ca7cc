"""A real daemon with an encrypted address: who gets in, what programs on the machine still get, and attacks on it."""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import zmq

from driver_monitor.config.addresses import SOCKET_NAME
from driver_monitor.keys.key_folder import new_pair
from driver_monitor.outputs.curve.limits import MOST_OPEN
from driver_monitor.outputs.curve.listener import BACKLOG
from tests.conftest import PROGRAM
from tests.outputs.curve.clients import PATIENCE_S, Client, Depot
from tests.processes import DaemonProcess, Subscriber, free_port

NO_CAMERA = "/dev/video63"
"""A camera that is not there: the daemon waits for it, says so in an alert, and needs little of the processor."""
OTHER_PARTS = 100
"""Descriptors of all other parts together (systemd/driver-monitor.service)."""
DEAD = (
    "import sys; from driver_monitor.outputs.curve.access import AccessList; "
    "AccessList.answer = lambda *_: 1 / 0; from driver_monitor.cli import main; main()"
)
"""The program, with an authenticator that dies when it is asked."""


class Vehicle(DaemonProcess):
    """A daemon whose address other computers can reach, and the keys of its depot."""

    def __init__(self, folder: Path, program: Sequence[str] = PROGRAM) -> None:
        self.port, self.depot = free_port(), Depot(folder / "keys")
        self.address = f"tcp://127.0.0.1:{self.port}"
        super().__init__(folder, NO_CAMERA, self.port, program=program)

    def __enter__(self) -> Vehicle:
        return self

    def configure(self, config: str) -> None:
        bind = f"bind: 'tcp://0.0.0.0:{self.port}', keys: '{self.depot.folder}'"
        self.config.write_text(f"zmq: {{{bind}}}\ngpio: {{backend: mock}}\n{config}")

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def statuses(self, client: Client) -> int:
        client.look()
        return sum(topic == "status/" for topic, _ in client.heard)


@pytest.fixture(scope="module")
def vehicle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vehicle]:
    with Vehicle(tmp_path_factory.mktemp("vehicle")) as vehicle:
        vehicle.await_notice("READY=1")
        yield vehicle
        code, _, err = vehicle.end(15)
        assert code == 0, err
        assert "Traceback" not in err


def test_ok__only_the_right_key_gets_in_and_programs_on_the_machine_need_none(vehicle: Vehicle) -> None:
    good = vehicle.depot.client("screen")
    with (
        Client(vehicle.address, good) as right,
        Client(vehicle.address, new_pair(vehicle.depot.server)) as stranger,
        Client(vehicle.address, None) as without,
        Client(vehicle.address, good, server=new_pair().public) as misled,
        Subscriber(f"ipc://{vehicle.folder}/{SOCKET_NAME}") as local,
    ):
        right.until(lambda: {"alert/camera_fault/", "status/", "state/"} <= {topic for topic, _ in right.heard})
        stranger.told("HANDSHAKE_FAILED_AUTH")
        misled.told("HANDSHAKE_FAILED_NO_DETAIL")
        without.until(lambda: "DISCONNECTED" in without.events)
        refused = local.status(lambda status: status["outputs"]["curve_refused"] >= 3)
        assert "zmq_refused" in refused["outputs"]
        for other in (stranger, misled, without):
            other.look()
            assert other.heard == []


def test_ok__a_revoked_client_is_out_within_two_seconds_and_the_other_one_comes_back(vehicle: Vehicle) -> None:
    with (
        Client(vehicle.address, vehicle.depot.client("goes")) as goes,
        Client(vehicle.address, vehicle.depot.client("stays")) as stays,
    ):
        goes.until(lambda: "alert/camera_fault/" in dict(goes.heard))
        stays.until(lambda: "alert/camera_fault/" in dict(stays.heard))
        stays.heard.clear()
        started = time.monotonic()
        vehicle.depot.keys.revoke("goes")
        goes.told("DISCONNECTED")
        took = time.monotonic() - started
        goes.told("HANDSHAKE_FAILED_AUTH")
        stays.until(lambda: "alert/camera_fault/" in dict(stays.heard))
        assert took < 2


def test_ok__after_a_reload_that_opens_the_address_again_clients_come_back_to_the_active_alert(
    vehicle: Vehicle,
) -> None:
    with Client(vehicle.address, vehicle.depot.client("reload")) as client:
        client.until(lambda: "alert/camera_fault/" in dict(client.heard))
        vehicle.configure("outputs: {can_id: 1400}")
        assert vehicle.reload().returncode == 0
        client.told("DISCONNECTED")
        client.heard.clear()
        client.until(lambda: {"alert/camera_fault/", "status/"} <= set(dict(client.heard)))


def test_fail__a_dead_authenticator_ends_the_daemon_and_says_so(tmp_path: Path) -> None:
    with Vehicle(tmp_path, [sys.executable, "-c", DEAD]) as vehicle:
        vehicle.await_notice("READY=1")
        started = time.monotonic()
        with Client(vehicle.address, vehicle.depot.client("screen")) as client:
            code, _, err = vehicle.end()
            assert client.heard == []
        assert time.monotonic() - started < 5
    assert code == 1
    assert re.search(r"outputs: curve-publisher tcp://0\.0\.0\.0:\d+: the thread failed: ZeroDivisionError", err)
    assert "the daemon stops and systemd starts it again" in err


def test_ok__strangers_who_hold_a_thousand_connections_stop_no_alert_and_take_few_descriptors(
    vehicle: Vehicle,
) -> None:
    with Client(vehicle.address, vehicle.depot.client("under-attack")) as screen, contextlib.ExitStack() as held:
        screen.told("HANDSHAKE_SUCCEEDED")
        before, most = vehicle.statuses(screen), 0
        for _ in range(1000):
            one = held.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", vehicle.port))
        end = time.monotonic() + PATIENCE_S
        while vehicle.statuses(screen) < before + 4:
            assert time.monotonic() < end
            screen.socket.poll(50)
            most = max(most, vehicle.descriptors())
        assert "DISCONNECTED" not in screen.events
        assert most < MOST_OPEN + 2 * BACKLOG + OTHER_PARTS


def test_ok__after_the_attack_a_new_client_gets_in(vehicle: Vehicle) -> None:
    with Client(vehicle.address, vehicle.depot.client("later")) as client:
        client.told("HANDSHAKE_SUCCEEDED")


def test_ok__a_client_that_floods_is_out_and_the_daemon_goes_on(vehicle: Vehicle) -> None:
    with (
        Client(vehicle.address, vehicle.depot.client("reader")) as reader,
        Client(vehicle.address, vehicle.depot.client("flooder"), kind=zmq.XSUB) as flooder,
    ):
        reader.told("HANDSHAKE_SUCCEEDED")
        flooder.socket.setsockopt(zmq.SNDTIMEO, 0)
        count = 0
        while "DISCONNECTED" not in flooder.events:
            with contextlib.suppress(zmq.Again):
                for _ in range(1000):
                    count += 1
                    flooder.socket.send(b"\1alert/%d" % count)
            flooder.look()
        before = vehicle.statuses(reader)
        reader.until(lambda: vehicle.statuses(reader) >= before + 2)
