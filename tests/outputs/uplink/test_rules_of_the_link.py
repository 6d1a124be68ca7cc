"""When the link tries again, what it logs, and what it tells the operator: the pure parts."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest

from driver_monitor.errors import ConfigError
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.outputs.uplink import faults
from driver_monitor.outputs.uplink.attempts import FIRST_S, HELD_S, LONGEST_S, SHORTEST_SHARE, Attempts
from driver_monitor.outputs.uplink.status import (
    EVERY_S,
    LONGEST_STEP_S,
    SHORTEST_S,
    DrivingTime,
    StatusTimes,
    VehicleRun,
    iso,
    online_message,
    status_message,
)
from driver_monitor.spool.entry import SpoolCounts

BROKER = "mqtts://broker.example:8883"


def test_ok__the_wait_doubles_with_each_round_up_to_a_minute() -> None:
    attempts = Attempts(1)
    assert [attempts.failed(1.0) for _ in range(8)] == [2.0, 4.0, 8.0, 16.0, 32.0, LONGEST_S, LONGEST_S, LONGEST_S]
    for _ in range(5000):
        attempts.failed(1.0)
    assert attempts.failed(1.0) == LONGEST_S


def test_ok__several_brokers_are_tried_in_turn_and_only_a_whole_round_makes_the_wait_longer() -> None:
    attempts, tried, waits = Attempts(3), [], []
    for _ in range(9):
        tried.append(attempts.index)
        waits.append(attempts.failed(1.0))
    assert tried == [0, 1, 2] * 3
    assert waits == [FIRST_S, FIRST_S, 2.0, FIRST_S, FIRST_S, 4.0, FIRST_S, FIRST_S, 8.0]


def test_ok__a_good_connection_that_ends_starts_with_the_first_broker_and_a_short_wait() -> None:
    attempts = Attempts(2)
    for _ in range(5):
        attempts.failed(1.0)
    assert attempts.ended(HELD_S, 1.0) == FIRST_S
    assert attempts.index == 0


def test_ok__a_broker_that_accepts_and_hangs_up_counts_as_a_failed_attempt() -> None:
    attempts = Attempts(2)
    attempts.ended(0.1, 1.0)
    assert attempts.index == 1


def test_ok__chance_spreads_the_cars_over_the_wait() -> None:
    assert Attempts(1).failed(0.0) == FIRST_S * SHORTEST_SHARE
    assert Attempts(1).failed(0.5) == pytest.approx(FIRST_S * 0.55)


def verification(message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, f"[SSL: CERTIFICATE_VERIFY_FAILED] {message}")
    error.verify_message = message
    return error


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (socket.gaierror(-2, "Name or service not known"), "reach", ("Name or service not known", "network.conf")),
        (ConnectionRefusedError(111, "Connection refused"), "reach", ("Connection refused", "uplink.brokers")),
        (PermissionError(1, "Operation not permitted"), "reach", ("network.conf",)),
        (TimeoutError("timed out"), "reach", ("timed out",)),
        (UnicodeError("label too long"), "reach", ("label too long",)),
        (verification("certificate has expired"), "certificate", ("certificate has expired", "uplink.ca", "clock")),
        (verification("Hostname mismatch"), "certificate", ("Hostname mismatch", "uplink.brokers")),
        (ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] x"), "ours", ("uplink.certificate", "revoked")),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "tls", ("port for TLS",)),
        (ConfigError("/x.pem: these certificates cannot be read: gone"), "files", ("/x.pem", "gone")),
    ],
)
def test_fail__each_fault_of_an_attempt_says_what_to_do(error: Exception, kind: str, says: tuple[str, ...]) -> None:
    fault = faults.of_attempt(BROKER, error)
    assert fault.kind == kind
    assert all(word in fault.text for word in says)
    assert "\n" not in fault.text


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (faults.of_answer(BROKER, 0x86, "Bad user name or password", "van-12"), "login", "uplink.password_file"),
        (faults.of_answer(BROKER, 0x87, "Not authorized", "van-12"), "login", "vehicle.id (van-12)"),
        (faults.of_answer(BROKER, 0x88, "Server unavailable", "van-12"), "silent", "Server unavailable"),
        (faults.of_end(BROKER, 0x8E, "Session taken over", "van-12"), "taken", "its own vehicle.id"),
        (faults.of_end(BROKER, 0, "[SSL: SSLV3_ALERT_CERTIFICATE_REVOKED]", "van-12"), "ours", "revoked"),
        (faults.of_end(BROKER, 0, "closed by the broker or the network", "van-12"), "lost", "tried again"),
        (faults.of_refusal(BROKER, 0x87, "Not authorized", "dm/1/van-12/online"), "right", "dm/1/van-12/online"),
        (faults.of_refusal(BROKER, 0x97, "Quota exceeded", "dm/1/van-12/alert/..."), "refusal", "Quota exceeded"),
        (faults.silent(BROKER), "silent", "does not answer"),
    ],
)
def test_fail__each_fault_of_a_connection_says_what_to_do(fault: faults.UplinkFault, kind: str, says: str) -> None:
    assert fault.kind == kind
    assert says in fault.text


def states(*speeds: float | None, step_s: float = 0.2) -> DrivingTime:
    driving = DrivingTime()
    for number, speed in enumerate(speeds):
        driving.update({"t": number * step_s, "car": {"speed_kmh": speed}})
    return driving


def test_ok__time_counts_as_driven_while_the_car_moves_or_its_speed_is_unknown() -> None:
    assert states(50.0, 50.0, 50.0).seconds == pytest.approx(0.4)
    assert states(None, None, None).seconds == pytest.approx(0.4)
    assert states(0.0, 0.0, 0.0).seconds == 0.0
    assert states(0.0, 0.0, 30.0, 0.0).seconds == pytest.approx(0.2)


@pytest.mark.parametrize("wrong", [{}, {"t": None}, {"t": 1.0}, {"t": 1.0, "car": None}])
def test_ok__a_state_without_time_or_car_breaks_nothing(wrong: dict[str, Any]) -> None:
    driving = DrivingTime()
    driving.update({"t": 0.0})
    driving.update(wrong)
    assert driving.seconds in (0.0, 1.0)


def test_ok__a_jump_of_the_time_counts_little_and_one_back_nothing() -> None:
    driving = DrivingTime()
    for t in (0.0, 1000.0, 10.0):
        driving.update({"t": t})
    assert driving.seconds == LONGEST_STEP_S


PUBLIC: dict[str, Any] = {
    "schema": 1, "vehicle": "van-12", "uptime_s": 9.5, "camera": {"state": "ok", "source": "camera 0"},
    "attention": "unknown", "degraded": "no_face", "active": ["no_face"], "alerts": 3, "config_fault": None,
    "versions": {"driver_monitor": "1"},
}  # fmt: skip


def test_ok__the_status_of_a_vehicle_has_the_agreed_fields_and_unknown_is_null() -> None:
    spool = SpoolCounts(7, 4096, 12.5, 2, ((3, 4, "dropped"),))
    told = status_message(PUBLIC, VehicleRun("van-12", "trip", "boot"), spool, 3600.04, 0.0, False)
    assert told == {
        "schema": 1, "vehicle": "van-12", "t_wall": "1970-01-01T00:00:00.000Z", "wall_synced": False, "trip": "trip",
        "boot": "boot", "uptime_s": 9.5, "driving_s": 3600.0, "camera": "ok", "attention": None, "degraded": "no_face",
        "active": ["no_face"], "alerts": 3, "config_fault": None, "versions": {"driver_monitor": "1"},
        "spool": {"waiting": 7, "bytes": 4096, "oldest_s": 12.5, "dropped": 2, "absent": [[3, 4, "dropped"]]},
    }  # fmt: skip


def test_ok__at_a_workplace_the_status_names_no_rule_about_expressions() -> None:
    shown = PrivacyFilter({"distress"}).status({**PUBLIC, "active": ["distress", "sleep"], "emotion": {"label": "sad"}})
    told = status_message(shown, VehicleRun("van-12", "trip", "boot"), SpoolCounts(), 0.0, 0.0, True)
    assert told["active"] == ["sleep"]
    assert "emotion" not in str(told)


def test_ok__a_status_goes_out_once_a_minute_and_at_a_change_at_most_once_a_second() -> None:
    times = StatusTimes()
    assert times.wait_s(PUBLIC, 100.0) == 0.0
    times.sent(PUBLIC, 100.0)
    assert times.wait_s({**PUBLIC, "uptime_s": 10.5, "attention": "drowsy", "alerts": 4}, 101.0) == EVERY_S - 1.0
    changes: tuple[dict[str, Any], ...] = (
        {"camera": {"state": "lost"}},
        {"degraded": None},
        {"active": []},
        {"config_fault": "wrong"},
    )
    for change in changes:
        assert times.wait_s({**PUBLIC, **change}, 100.2) == pytest.approx(SHORTEST_S - 0.2)
        assert times.wait_s({**PUBLIC, **change}, 101.0) == 0.0
    times.connected()
    assert times.wait_s(PUBLIC, 100.1) == 0.0


def test_ok__online_has_a_time_unless_the_broker_says_it_for_us() -> None:
    assert online_message("van-12", True, 86400.5)["t_wall"] == iso(86400.5) == "1970-01-02T00:00:00.500Z"
    assert online_message("van-12", False, None) == {"schema": 1, "vehicle": "van-12", "online": False, "t_wall": None}
