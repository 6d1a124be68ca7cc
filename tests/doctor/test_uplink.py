"""The check `uplink` of `doctor`: files, certificate and brokers, with a real broker, and a daemon's counters."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from driver_monitor.config.schema import Config
from driver_monitor.config.sections.uplink import UplinkConfig
from driver_monitor.doctor.gather.machine import Machine, User
from driver_monitor.doctor.gather.uplink.certificate import read_certificate
from driver_monitor.doctor.gather.uplink.gather import gather_uplink
from driver_monitor.doctor.verdicts.finding import Finding
from driver_monitor.doctor.verdicts.uplink.judge import UplinkFacts, is_connected, judge_uplink
from driver_monitor.errors import ConfigError
from driver_monitor.fleet.enrol.depot import make_depot, open_depot
from tests.doctor.cars import Car, full_disk, troubles
from tests.doctor.test_faults import publishing
from tests.fleet.enrol.brokers import DepotBroker
from tests.fleet.services import needs_mosquitto

NOW = datetime.now(timezone.utc).replace(microsecond=0)
FILES = ("ca.pem", "certificate.pem", "key.pem")
PLACE = "/etc/driver-monitor/uplink"


class Operator(NamedTuple):
    """A depot with van-1 (valid), van-2 (ends soon), van-3 (ended) and van-4 (revoked), and its broker."""

    vans: Path
    strangers: Path
    broker: DepotBroker


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    folder = tmp_path_factory.mktemp("operator")
    for name in ("depot", "strangers"):
        make_depot(folder / name, NOW, None)
        with open_depot(folder / name, str, NOW) as depot:
            depot.enrol(["van-1", "van-4"], ["localhost"], 400)
            depot.enrol(["van-2"], [], 29)
    with open_depot(folder / "depot", str, NOW - timedelta(days=60)) as depot:
        depot.enrol(["van-3"], [], 50)
    shutil.copytree(folder / "depot" / "vehicles", folder / "vans")
    with open_depot(folder / "depot", str, NOW) as depot:
        depot.revoke(["van-4"])
    broker = DepotBroker(folder / "mosquitto", folder / "depot" / "broker")
    yield Operator(folder / "vans", folder / "strangers" / "vehicles", broker)
    broker.process.kill()
    broker.process.communicate()


class Van:
    """A vehicle whose files lie in `root`; a test breaks one thing. `config`: of its uplink."""

    def __init__(self, root: Path, operator: Operator) -> None:
        self.root, self.operator = root, operator
        self.id, self.brokers = "van-1", [f"mqtts://localhost:{operator.broker.port}"]
        self.changed: dict[str, Any] = {}
        self.machine: dict[str, Any] = {}
        self.service = False
        self.place = root / PLACE.lstrip("/")
        self.install("van-1")

    def install(self, name: str) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        for file in FILES:
            shutil.copy(self.operator.vans / name / file, self.place / file)

    def facts(self, *, connected: bool = False) -> UplinkFacts:
        paths = {key: f"{PLACE}/{key}.pem" for key in ("ca", "certificate", "key")}
        uplink = UplinkConfig.model_validate({"brokers": self.brokers, **paths, **self.changed})
        config = Config.model_validate({"vehicle": {"id": self.id}, "uplink": uplink})
        user = User("installer", root=False, groups=(), listed=())
        machine = Machine(**{"root": self.root, "wall": NOW.timestamp, "user": lambda: user, **self.machine})
        return gather_uplink(machine, config, Path("/var/lib/x"), service=self.service, connected=connected)

    def examine(self) -> list[Finding]:
        return list(judge_uplink(self.facts()))


@pytest.fixture
def van(tmp_path: Path, operator: Operator) -> Van:
    return Van(tmp_path, operator)


def renamed(name: str) -> Callable[[Van], None]:
    def change(van: Van) -> None:
        van.install(name)
        van.id = name

    return change


def without(file: str) -> Callable[[Van], None]:
    return lambda van: (van.place / file).unlink()


def at(address: str) -> Callable[[Van], None]:
    return lambda van: setattr(van, "brokers", [address])


def of_the_service(owner: int, mode: int, folder: int = 0o755) -> Callable[[Van], None]:
    def change(van: Van) -> None:
        van.service = True
        for file in FILES:
            (van.place / file).chmod(0o644)
        os.chown(van.place / "key.pem", owner, owner)
        (van.place / "key.pem").chmod(mode)
        van.place.chmod(folder)

    return change


def folder_as_key(van: Van) -> None:
    (van.place / "key.pem").unlink()
    (van.place / "key.pem").mkdir()


def key_of_another(van: Van) -> None:
    shutil.copy(van.operator.vans / "van-2" / "key.pem", van.place / "key.pem")


def damaged(van: Van) -> None:
    (van.place / "certificate.pem").write_text("-----BEGIN CERTIFICATE-----\nnone\n")


def of_the_broker(van: Van) -> None:
    for file in ("certificate.pem", "key.pem"):
        shutil.copy(van.operator.broker.source / file, van.place / file)


def ca_of_strangers(van: Van) -> None:
    shutil.copy(van.operator.strangers / "van-1" / "ca.pem", van.place / "ca.pem")


def stranger(van: Van) -> None:
    for file in ("certificate.pem", "key.pem"):
        shutil.copy(van.operator.strangers / "van-1" / file, van.place / file)


def clock(days: float) -> Callable[[Van], None]:
    return lambda van: van.machine.update(wall=lambda: NOW.timestamp() + days * 86400.0)


def small_disk(van: Van) -> None:
    van.machine["statvfs"] = lambda path: full_disk(path, f_bavail=50_000_000 // os.statvfs(path).f_frsize)


def one_of_two_brokers_is_gone(van: Van) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        van.brokers.insert(0, f"mqtts://localhost:{closed.getsockname()[1]}")


def with_a_password_of_another(van: Van) -> None:
    (van.place / "password").write_text("secret\n")
    (van.place / "password").chmod(0o600)
    van.changed = {
        "certificate": None, "key": None, "user": "van-9", "password_file": f"{PLACE}/password", "brokers": [],
    }  # fmt: skip
    van.changed["brokers"] = ["mqtt://127.0.0.1:1"]


STORIES: dict[str, tuple[Callable[[Van], object], str, str]] = {
    "no certificate": (without("certificate.pem"), "uplink.no_file", "copy the folder of this vehicle"),
    "no key": (without("key.pem"), "uplink.no_file", "uplink.key"),
    "a folder in place of the key": (
        folder_as_key,
        "uplink.no_file",
        "depot",
    ),
    "a key of root": (of_the_service(0, 0o600), "uplink.unreadable", "chgrp driver-monitor"),
    "a key of the group root": (
        of_the_service(0, 0o640, 0o755),
        "uplink.unreadable",
        "its folder needs",
    ),
    "a key that all may read": (of_the_service(0, 0o644), "uplink.key_open", "chmod 640"),
    "a key of another vehicle": (key_of_another, "uplink.wrong_files", "copy the three files"),
    "a damaged certificate": (damaged, "uplink.wrong_files", "copy the three files"),
    "the certificate of the broker": (of_the_broker, "uplink.wrong_files", "copy the three files"),
    "the files of another vehicle": (lambda van: van.install("van-2"), "uplink.other_name", "van-2"),
    "an id of another vehicle": (lambda van: setattr(van, "id", "van-7"), "uplink.other_name", "vehicle.id to van-1"),
    "a certificate that ends soon": (renamed("van-2"), "uplink.ends_soon", "fleet renew van-2"),
    "a certificate that has ended": (renamed("van-3"), "uplink.ended", "fleet renew van-3"),
    "a clock that was never set": (clock(-366), "uplink.clock", "battery clock"),
    "a revoked certificate": (renamed("van-4"), "uplink.refused", "revoked"),
    "a certificate of another depot": (stranger, "uplink.refused", "uplink.certificate"),
    "a broker of another depot": (ca_of_strangers, "uplink.broker_certificate", "check uplink.ca"),
    "a broker that is not there": (at("mqtts://localhost:1"), "uplink.unreachable", "network.conf"),
    "one of two brokers": (one_of_two_brokers_is_gone, "uplink.unreachable", "uplink.brokers"),
    "a name that nobody has": (at("mqtts://broker.invalid"), "uplink.unreachable", "check the network"),
    "a small disk": (small_disk, "uplink.no_room", "uplink.spool_mb"),
}


@needs_mosquitto
@pytest.mark.parametrize("name", STORIES)
def test_fail__one_fault_of_the_uplink_is_named_with_its_remedy(name: str, van: Van) -> None:
    breaks, fault, remedy = STORIES[name]
    breaks(van)
    found = van.examine()
    expected = [fault, "uplink.ends_soon"] if name == "the files of another vehicle" else [fault]
    assert troubles(found) == expected, found
    assert remedy in f"{found[0].found} {found[0].remedy}"


@needs_mosquitto
def test_ok__a_good_uplink_names_broker_and_end_of_the_certificate(van: Van) -> None:
    (found,) = van.examine()
    until = (NOW + timedelta(days=400)).strftime("%Y-%m-%d")
    assert (found.state, found.found) == ("ok", f"{van.brokers[0]} lets van-1 in; certificate until {until}")


@needs_mosquitto
def test_fail__a_folder_that_the_service_may_not_enter(van: Van) -> None:
    of_the_service(0, 0o640, 0o700)(van)
    assert troubles(van.examine()) == ["uplink.unreadable"] * 3


@needs_mosquitto
def test_ok__the_service_may_read_files_of_its_group(van: Van, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driver_monitor.doctor.gather.uplink.gather.SERVICE_GROUPS", ("root",))
    of_the_service(0, 0o640, 0o750)(van)
    assert troubles(van.examine()) == []


@pytest.mark.parametrize(("service", "faults"), [(True, []), (False, ["uplink.unreadable"] * 3)])
def test_ok__a_user_who_may_not_look_at_the_files_is_told_to_use_sudo(
    service: bool, faults: list[str], van: Van, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.stat

    def closed(path: Path) -> os.stat_result:
        if path.parent == van.place:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "stat", closed)
    monkeypatch.setattr(os, "access", lambda path, right: van.place not in Path(path).parents)
    van.service = service
    found = van.examine()
    assert troubles(found) == faults
    assert "use sudo" in found[0].found or "in a closed folder" in found[0].found


@needs_mosquitto
def test_fail__the_broker_is_named_by_another_name(van: Van) -> None:
    van.brokers = [f"mqtts://127.0.0.2:{van.operator.broker.port}"]
    (found,) = van.examine()
    assert (found.fault, "IP address mismatch" in found.found) == ("uplink.broker_certificate", True)


@needs_mosquitto
def test_ok__a_connected_daemon_is_not_disturbed(van: Van) -> None:
    """The broker would end the connection of the daemon: both have the name of the certificate."""
    facts = van.facts(connected=True)
    assert facts.tried == ()
    status = {"outputs": {"uplink_connected": 1, "uplink_waiting": 3, "uplink_resent": 0}}
    (found,) = judge_uplink(facts, status)
    assert (found.state, found.found[:67]) == (
        "ok", "the running daemon is connected to the operator, 3 alerts wait; cer",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("counters", "faults"),
    [
        ({"uplink_connected": 1, "uplink_waiting": 5}, []),
        ({"uplink_connected": 0, "uplink_waiting": 5}, ["uplink.not_connected"]),
        ({"uplink_connected": 1, "uplink_waiting": 5, "uplink_resent": 9}, ["uplink.waiting"]),
        ({"uplink_connected": 1, "uplink_waiting": 0, "uplink_resent": 9}, []),
        ({"uplink_connected": 1, "uplink_refused": 2}, ["uplink.messages_refused"]),
        ({"uplink_connected": 1, "uplink_dropped": 2}, ["uplink.dropped"]),
        ({"uplink_connected": "yes", "uplink_waiting": None, "uplink_dropped": []}, ["uplink.not_connected"]),
        ({}, []),
    ],
)
def test_ok__the_counters_of_a_daemon_are_judged(counters: dict[str, Any], faults: Sequence[str]) -> None:
    facts = UplinkFacts("van-1", ("mqtts://broker.example",))
    assert troubles(list(judge_uplink(facts, {"outputs": counters}))) == faults
    assert is_connected({"outputs": counters}) == (counters.get("uplink_connected") == 1)


def test_ok__without_an_operator_there_is_nothing_to_check() -> None:
    (found,) = judge_uplink(UplinkFacts("van-1"))
    assert found.state == "not_checked"


def test_fail__an_uplink_without_its_package_is_told(van: Van, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paho", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (found,) = van.examine()
    assert (found.fault, "extra `fleet`" in str(found.remedy)) == ("uplink.no_package", True)


def test_fail__the_user_of_a_password_is_not_the_vehicle(van: Van) -> None:
    with_a_password_of_another(van)
    assert troubles(van.examine()) == ["uplink.other_name", "uplink.unreachable"]


def test_ok__a_certificate_is_read_without_other_packages_also_when_it_has_ended(operator: Operator) -> None:
    for name, days in (("van-1", 400), ("van-3", -10)):
        read = read_certificate(operator.vans / name / "certificate.pem", operator.vans / name / "key.pem")
        assert (read.name, read.until) == (name, (NOW + timedelta(days=days)).timestamp())
    with pytest.raises(ConfigError, match="no certificate of a client"):
        read_certificate(operator.vans / "van-1" / "key.pem", operator.vans / "van-1" / "key.pem")


@needs_mosquitto
def test_ok__doctor_examines_the_uplink_of_a_car(car: Car, operator: Operator) -> None:
    place = car.root / PLACE.lstrip("/")
    place.mkdir(parents=True)
    for file in FILES:
        shutil.copy(operator.vans / "van-1" / file, place / file)
    paths = {key: f"{PLACE}/{key}.pem" for key in ("ca", "certificate", "key")}
    broker = f"mqtts://localhost:{operator.broker.port}"
    car.config |= {"vehicle": {"id": "van-1"}, "uplink": {"brokers": [broker], **paths}}
    car.machine["wall"] = NOW.timestamp
    with publishing(car, outputs={"gpio_faults": 0, "uplink_connected": 0, "uplink_waiting": 4}):
        findings = car.examine()
    assert troubles(findings) == ["uplink.not_connected"]
    assert "4 alerts wait" in findings[-1].found
