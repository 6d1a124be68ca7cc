"""Brokers that refuse the car: each kind of fault is one line that says what to do, and no alert is lost."""

from __future__ import annotations

import contextlib
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.config.sections.uplink import UplinkConfig
from driver_monitor.errors import ConfigError
from driver_monitor.outputs.uplink.output import UplinkOutput
from driver_monitor.outputs.uplink.status import DrivingTime, VehicleRun
from tests.fleet.services import Mosquitto, mosquitto, needs_mosquitto
from tests.outputs.uplink.cars import RUN, SOON, alert, config, count, uplink
from tests.outputs.uplink.operator_side import operator_side, wait_until
from tests.processes import free_port

pytestmark = needs_mosquitto


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


@contextmanager
def encrypted(folder: Path, host: str, port: int, **files: Any) -> Iterator[UplinkOutput]:
    addressed = UplinkConfig(brokers=(f"mqtts://{host}:{port}",), **files)
    output = UplinkOutput(addressed, folder / "car", RUN, DrivingTime(), SOON)
    output.alert(alert(1))
    try:
        yield output
    finally:
        output.close()


def test_ok__a_certificate_opens_an_encrypted_connection_and_a_renewed_one_needs_no_reload(
    tmp_path: Path, tls_broker: Mosquitto, certificates: Path
) -> None:
    own, key = tmp_path / "own.pem", tmp_path / "own.key"
    shutil.copy(certificates / "stranger.pem", own)
    shutil.copy(certificates / "stranger.key", key)
    files = {"ca": certificates / "ca.pem", "certificate": own, "key": key}
    with encrypted(tmp_path, "127.0.0.1", tls_broker.port, **files) as output:
        wait_until(lambda: output._link._attempts._failed)
        shutil.copy(certificates / "van-12.key", key)
        shutil.copy(certificates / "van-12.pem", own)
        wait_until(lambda: count(output, "connected"))
        wait_until(lambda: output._link.session.ids)


@pytest.mark.parametrize(
    ("host", "ca", "own", "says"),
    [
        ("127.0.0.1", "ca", "stranger", ("refuses the certificate of this vehicle", "unknown ca")),
        ("127.0.0.1", "ca", None, ("refuses the certificate of this vehicle", "certificate required")),
        ("127.0.0.1", "other", "van-12", ("its certificate is not trusted", "uplink.ca")),
        ("localhost", "ca", "van-12", ("its certificate is not trusted", "Hostname mismatch")),
    ],
)
def test_fail__each_fault_of_certificates_is_one_line(
    tmp_path: Path,
    tls_broker: Mosquitto,
    certificates: Path,
    caplog: pytest.LogCaptureFixture,
    host: str,
    ca: str,
    own: str | None,
    says: tuple[str, ...],
) -> None:
    files = {"ca": certificates / f"{ca}.pem"}
    if own is not None:
        files |= {"certificate": certificates / f"{own}.pem", "key": certificates / f"{own}.key"}
    with encrypted(tmp_path, host, tls_broker.port, **files) as output:
        wait_until(lambda: output._link._attempts._failed >= 2)
        assert count(output, "waiting") == 1
        assert output.failure is None
    (said,) = [record.message for record in caplog.records if record.message.startswith("uplink:")]
    assert all(word in said for word in says)


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
