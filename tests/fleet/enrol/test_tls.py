"""Who gets in: certificates, names and passwords against a real mosquitto with the generated configuration."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from driver_monitor.fleet.collect.collector import Collector
from driver_monitor.fleet.enrol.depot import Depot, make_depot, open_depot
from driver_monitor.fleet.store.store import open_store
from driver_monitor.mqtt import topics
from driver_monitor.mqtt.broker import parse_broker
from driver_monitor.mqtt.login import Login
from tests.fleet.enrol.brokers import DepotBroker, Visitor, files
from tests.fleet.services import needs_mosquitto
from tests.processes import PATIENCE_S, free_port

pytestmark = needs_mosquitto
NOW = datetime.now(timezone.utc).replace(microsecond=0)
LONG_AGO, LATER = NOW - timedelta(days=400), NOW + timedelta(days=800)
ENROLLED = [f"van-{number}" for number in range(1, 14)]
OTHER_SERVER = """
listener {port} 127.0.0.1
cafile {folder}/ca.pem
certfile {folder}/certificate.pem
keyfile {folder}/key.pem
require_certificate true
use_identity_as_username true
"""
PASSWORDS = """
listener {port} 127.0.0.1
use_username_as_clientid true
certfile {folder}/certificate.pem
keyfile {folder}/key.pem
tls_version tlsv1.2
"""
"""The listener of docs/fleet-keys.md for vehicles with passwords."""


CONNECT = bytes((0x10, 13, 0, 4, *b"MQTT", 5, 2, 0, 60, 0, 0, 0))
"""MQTT 5: CONNECT with a clean start and no client id."""


@dataclass(frozen=True)
class Site:
    """A broker and the folders of its clients. `strangers`: a depot with a CA of its own."""

    depot: Path
    vans: Path
    strangers: Path
    broker: DepotBroker
    expired_port: int
    future_port: int
    password_port: int

    def van(self, name: str, port: int | None = None, **settings: object) -> Visitor:
        return Visitor(files(self.vans / name), port or self.broker.port, name, settings=settings)

    def operator(self, name: str = "collector") -> Visitor:
        visitor = Visitor(files(self.depot / "operator"), self.broker.operator_port, name)
        assert visitor.refused is None
        return visitor

    def work(self, work: Callable[[Depot], object]) -> None:
        with open_depot(self.depot, str, NOW) as depot:
            work(depot)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    depot, strangers, vans = folder / "depot", folder / "strangers", folder / "vans"
    for place in (depot, strangers):
        make_depot(place, NOW, None)
        with open_depot(place, str, NOW) as opened:
            opened.enrol(ENROLLED, ["localhost"], 100)
    with open_depot(depot, str, LONG_AGO) as opened:
        opened.enrol(["expired"], [], 100)
        old_server = folder / "expired"
        opened.renew(["broker"], 100)
        shutil.copytree(depot / "broker", old_server)
    with open_depot(depot, str, LATER) as opened:
        opened.enrol(["future"], [], 730)
        future_server = folder / "future"
        opened.renew(["broker"], 730)
        shutil.copytree(depot / "broker", future_server)
    with open_depot(depot, str, NOW) as opened:
        opened.renew(["broker"], 730)
    shutil.copytree(depot / "vehicles", vans)
    passwords = folder / "passwords"
    passwords.touch(mode=0o600)
    for user in ("van-1", "van-2"):
        subprocess.run(["mosquitto_passwd", "-b", str(passwords), user, f"secret of {user}"], check=True)
    ports = [free_port() for _ in range(3)]
    more = OTHER_SERVER.format(port=ports[0], folder=old_server) + OTHER_SERVER.format(
        port=ports[1], folder=future_server
    )
    more += f"password_file {passwords}\n" + PASSWORDS.format(port=ports[2], folder=depot / "broker")
    broker = DepotBroker(folder / "mosquitto", depot / "broker", more)
    yield Site(depot, vans, strangers, broker, *ports)
    broker.process.kill()
    broker.process.communicate()


def test_ok__a_vehicle_on_the_list_delivers_an_alert_and_hears_that_it_is_stored(site: Site) -> None:
    operator, van = site.operator(), site.van("van-1")
    assert van.refused is None
    operator.subscribe(topics.shared(topics.EACH_ALERT))
    van.subscribe(topics.stored("van-1"))
    assert van.publish(topics.alert("van-1", "microsleep"), b"alert") == "Success"
    assert van.publish(topics.status("van-1"), b"status", retain=True) == "Success"
    operator.hears(topics.alert("van-1", "microsleep"), b"alert")
    assert operator.publish(topics.stored("van-1"), b"[1]") == "Success"
    van.hears(topics.stored("van-1"), b"[1]")


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("stranger", "unknown ca|closed|verify"),
        ("stranger with our ca file", "unknown ca|closed"),
        ("no certificate", "certificate required|closed|handshake failure"),
        ("expired", "certificate expired|closed"),
        ("future", "closed|bad certificate|certificate"),
        ("no tls", "closed"),
        ("a user and a password on the port for certificates", "certificate required|closed"),
    ],
)
def test_fail__only_a_valid_certificate_of_our_ca_gets_in(who: str, why: str, site: Site) -> None:
    van, stranger = site.vans / "van-1", site.strangers / "vehicles" / "van-1"
    (password := site.vans / "password").write_text("secret of van-1\n")
    logins = {
        "stranger": files(stranger),
        "stranger with our ca file": files(stranger, ca=van / "ca.pem"),
        "no certificate": Login(ca=van / "ca.pem"),
        "expired": files(site.vans / "expired"),
        "future": files(site.vans / "future"),
        "no tls": Login(),
        "a user and a password on the port for certificates": Login(van / "ca.pem", None, None, "van-1", password),
    }
    visitor = Visitor(
        logins[who],
        site.broker.port,
        "van-1",
        host="127.0.0.1" if who == "no tls" else "localhost",
        tls=who != "no tls",
    )
    assert visitor.refused is not None
    assert any(one in visitor.refused.lower() for one in why.split("|")), visitor.refused


@pytest.mark.parametrize("where", ["another ca", "expired", "not yet valid", "another name", "another address"])
def test_fail__a_vehicle_talks_to_no_other_broker(where: str, site: Site) -> None:
    port = {"expired": site.expired_port, "not yet valid": site.future_port}.get(where, site.broker.port)
    host = {"another address": "127.0.0.2", "another name": socket.gethostname()}.get(where, "localhost")
    login = files(site.vans / "van-1")
    if where == "another ca":
        login = files(site.vans / "van-1", ca=site.strangers / "ca.pem")
    visitor = Visitor(login, port, "van-1", host=host)
    words = {
        "another ca": ("unable to get local issuer", "self-signed", "self signed"),
        "expired": ("certificate has expired",),
        "not yet valid": ("certificate is not yet valid",),
        "another name": ("Hostname mismatch", "IP address mismatch"),
        "another address": ("IP address mismatch",),
    }[where]
    assert visitor.refused is not None
    assert any(one in visitor.refused for one in words), visitor.refused


def test_fail__a_collector_without_our_ca_says_what_to_check(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address = parse_broker(f"mqtts://localhost:{site.broker.operator_port}")
    collector = Collector(address, Login(), open_store(str(tmp_path / "fleet.db"), make=True))
    thread = threading.Thread(target=collector.run)
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while "certificate" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.01)
    collector.stop()
    thread.join(PATIENCE_S)
    assert "its certificate is not trusted: " in caplog.text
    assert "; check --ca, host and clock; trying again" in caplog.text


def test_ok__the_certificates_pass_the_strict_checks_of_python_3_13(site: Site) -> None:
    van = site.vans / "van-1"
    context = files(van).tls_context()
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    with (
        socket.create_connection(("localhost", site.broker.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.getpeercert()


@pytest.mark.parametrize(
    ("version", "gets_in"), [("TLSv1", False), ("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)]
)
def test_ok__tls_of_1_2_or_newer_only(version: str, gets_in: bool, site: Site) -> None:
    van = site.vans / "van-1"
    context = ssl.create_default_context(cafile=str(van / "ca.pem"))
    context.load_cert_chain(van / "certificate.pem", van / "key.pem")
    context.set_ciphers("ALL:@SECLEVEL=0")
    number = getattr(ssl.TLSVersion, version)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = number
    with socket.create_connection(("localhost", site.broker.port)) as plain:
        if gets_in:
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                assert secure.version() == version.replace("_", ".")
        else:
            with pytest.raises((ssl.SSLError, ConnectionError), match=r"(?i)version|closed|reset|eof"):
                context.wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize(
    "topic",
    [
        topics.alert("van-3", "microsleep"),
        topics.status("van-3"),
        topics.online("van-3"),
        topics.stored("van-2"),
        topics.stored("van-3"),
        "dm/1/van-2",
        "dm/2/van-2/status",
        "anything",
    ],
)
def test_fail__a_vehicle_writes_only_its_own_topics(topic: str, site: Site) -> None:
    assert site.van("van-2").publish(topic) == "Not authorized"


def test_fail__a_vehicle_reads_nothing_of_others_though_the_broker_grants_the_subscription(site: Site) -> None:
    """mosquitto 2.0 checks reading when it delivers, and grants every subscription."""
    thief, van, operator = site.van("van-4"), site.van("van-5"), site.operator()
    for pattern in ("#", "dm/1/#", topics.stored("van-5"), topics.stored("+"), topics.EACH_ALERT, "$SYS/#"):
        thief.subscribe(pattern)
    van.subscribe(topics.stored("van-5"))
    van.publish(topics.alert("van-5", "sleep"))
    operator.publish(topics.stored("van-5"), b"[5]")
    van.hears(topics.stored("van-5"), b"[5]")
    operator.publish(topics.stored("van-4"), b"[4]")
    thief.hears(topics.stored("van-4"), b"[4]")
    assert {topic for topic, _ in thief.heard} == {topics.stored("van-4")}


def test_fail__the_will_of_a_vehicle_cannot_speak_for_another(site: Site) -> None:
    from driver_monitor.mqtt.client import Will

    operator = site.operator()
    operator.subscribe(topics.EACH_ONLINE)
    for name in ("van-3", "van-2"):  # the will of another vehicle, then its own
        van = site.van("van-2", will=Will(topics.online(name), b"false"))
        if van.refused is None:
            van.break_off()
    operator.hears(topics.online("van-2"), b"false")
    assert {topic for topic, _ in operator.heard} == {topics.online("van-2")}


def test_ok__a_vehicle_cannot_take_the_session_of_another_with_its_client_id(site: Site) -> None:
    victim = site.van("van-6")
    thief = Visitor(files(site.vans / "van-7"), site.broker.port, "van-6")
    assert thief.refused is None
    assert victim.alive()
    assert thief.publish(topics.status("van-7")) == "Success"
    assert thief.publish(topics.status("van-6")) == "Not authorized"


def test_fail__a_thief_in_the_group_of_the_collectors_takes_no_alert_if_it_does_not_know_its_name(site: Site) -> None:
    """mosquitto 2.0 grants the subscription, and drops what the thief may not read: the group must be a secret."""
    operator, thief, van = site.operator(), site.van("van-8"), site.van("van-9")
    login = files(site.depot / "operator")
    assert login.share_group() != topics.GROUP
    operator.subscribe(topics.shared(topics.EACH_ALERT, login.share_group()))
    thief.subscribe(topics.shared(topics.EACH_ALERT))
    thief.subscribe(topics.shared(topics.EACH_ALERT, "guess"))
    for number in range(10):
        van.publish(topics.alert("van-9", "sleep"), b"%d" % number)
    operator.hears(topics.alert("van-9", "sleep"), b"9")
    assert len(operator.heard) == 10


def test_ok__with_users_and_passwords_only_the_right_pair_gets_in(site: Site, tmp_path: Path) -> None:
    def visit(user: str, password: str, port: int = site.password_port) -> Visitor:
        (tmp_path / "password").write_text(f"{password}\n")
        login = Login(site.vans / "van-1" / "ca.pem", None, None, user, tmp_path / "password")
        return Visitor(login, port, user)

    van = visit("van-1", "secret of van-1")
    assert van.refused is None
    assert van.publish(topics.status("van-2")) == "Not authorized"
    assert van.publish(topics.status("van-1")) == "Success"
    for user, password in (("van-1", "secret of van-2"), ("van-1", ""), ("van-3", "secret of van-1")):
        assert visit(user, password).refused == "Not authorized"
    nobody = Visitor(Login(ca=site.vans / "van-1" / "ca.pem"), site.password_port)
    assert nobody.refused == "Not authorized"
    with_certificate = Visitor(files(site.vans / "van-1"), site.password_port, "van-1")
    assert with_certificate.refused == "Not authorized", "a certificate is no password"


def test_ok__a_revoked_vehicle_is_refused_after_a_reload_and_cut_off_by_a_restart(site: Site) -> None:
    first, second, good = site.van("van-10"), site.van("van-11"), site.van("van-3")
    site.work(lambda depot: depot.revoke(["van-10"]))
    site.broker.install()
    site.broker.reload()
    assert first.alive(), "mosquitto 2.0.11: a reload does not end connections"
    assert good.alive()
    assert site.van("van-10").refused is not None
    site.work(lambda depot: depot.revoke(["van-11"]))  # in the same second: the newer list counts
    site.broker.install()
    site.broker.reload()
    assert site.van("van-11").refused is not None
    assert site.van("van-3").refused is None
    # The operator's client with the id of a vehicle ends its connection, without a restart.
    assert Visitor(files(site.depot / "operator"), site.broker.operator_port, "van-11").refused is None
    assert not second.alive()
    assert first.alive()
    site.broker.restart()
    assert not first.alive()
    assert site.van("van-10").refused is not None
    assert site.van("van-11").refused is not None
    assert site.van("van-3").refused is None


def test_ok__a_renewed_broker_needs_a_reload_only(site: Site) -> None:
    site.work(lambda depot: depot.renew(["broker"], 200))
    site.broker.install()
    site.broker.reload()
    visitor = site.van("van-4")
    assert visitor.refused is None
    connection = visitor.client.socket()
    assert isinstance(connection, ssl.SSLSocket)
    shown = connection.getpeercert()
    assert shown is not None
    with open_depot(site.depot, str, NOW) as depot:
        assert str(shown["serialNumber"]).lower().lstrip("0") == depot.register.newest()["broker"].serial


@pytest.mark.parametrize(("version", "name"), [("TLSv1_2", "van-12"), ("TLSv1_3", "van-13")])
def test_ok__the_ticket_of_an_earlier_connection_gives_a_revoked_vehicle_nothing(
    version: str, name: str, site: Site
) -> None:
    """TLS could resume a session without looking at the certificate again."""
    van = site.vans / name
    context = ssl.create_default_context(cafile=str(van / "ca.pem"))
    context.load_cert_chain(van / "certificate.pem", van / "key.pem")
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)

    def visit(session: ssl.SSLSession | None) -> ssl.SSLSession | None:
        with (
            socket.create_connection(("localhost", site.broker.port), PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost", session=session) as secure,
        ):
            secure.sendall(CONNECT)
            if not secure.recv(1):
                raise ConnectionError("closed")
            return secure.session

    session = visit(visit(None))
    assert session is not None
    site.work(lambda depot: depot.revoke([name]))
    site.broker.install()
    site.broker.reload()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        visit(session)


def test_fail__with_a_damaged_list_the_broker_does_not_start(site: Site, tmp_path: Path) -> None:
    """A reload of mosquitto 2.0.11 with such a list lets revoked vehicles in: the instructions say restart."""
    shutil.copytree(site.broker.source, tmp_path / "source")
    broker = DepotBroker(tmp_path / "broker", tmp_path / "source")
    broker.stop()
    for data in (None, b"", (site.broker.source / "crl.pem").read_bytes()[:100]):
        crl = tmp_path / "broker" / "installed" / "crl.pem"
        crl.unlink(missing_ok=True)
        if data is not None:
            crl.write_bytes(data)
        assert subprocess.run(broker.command, capture_output=True, timeout=PATIENCE_S, check=False).returncode == 1
    assert "Unable to load certificate revocation file" in broker.log()
