"""A car with an operator is a workplace, whatever its profile says."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver_monitor.aim.run import _check_user
from driver_monitor.app import build
from driver_monitor.app.build import Plan, Request, link_setting
from driver_monitor.config.profiles import known
from driver_monitor.errors import ConfigError, UsageError
from tests.conftest import Cli
from tests.processes import DaemonProcess
from tests.reloading import parked
from tests.test_workplace import PURPOSE, SMUGGLER, silent
from tests.test_workplace_reload import SEETHING, Reloaded, everything, reloaded  # noqa: F401

UPLINK = "uplink: {brokers: ['mqtt://127.0.0.1:1']}\n"
SAFETY = f"emotion: {{safety_purpose: {PURPOSE}}}\n"


LAN = "zmq: {bind: 'tcp://0.0.0.0:5556', keys: /etc/driver-monitor/keys}\n"


def plan(folder: Path, text: str) -> Plan:
    path = folder / "my.yaml"
    path.write_text(text)
    return build.load_plan(Request(path))


@pytest.mark.parametrize("operator", [UPLINK, LAN])
@pytest.mark.parametrize("profile", known())
def test_ok__with_an_operator_every_shipped_profile_is_a_workplace(tmp_path: Path, profile: str, operator: str) -> None:
    at_work = plan(tmp_path, f"profile: {profile}\n{operator}")
    assert at_work.profile.workplace
    assert at_work.privacy.active
    assert not at_work.config.emotion.enabled, "no safety purpose is named"
    assert link_setting(at_work).root_only


def test_ok__a_profile_of_ones_own_cannot_say_otherwise(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(SMUGGLER.replace("extends: fleet", "extends: default\nworkplace: false"))
    own = f"profile: {tmp_path / 'own.yaml'}\n"
    assert plan(tmp_path, own).local_rules is None
    assert plan(tmp_path, own + UPLINK + SAFETY).local_rules == frozenset(("distress", "cross", "behind", "chatty"))


def test_fail__a_rule_that_reads_an_expression_may_not_speak_through_attention(tmp_path: Path) -> None:
    text = SMUGGLER.replace("extends: fleet", "extends: default")
    (tmp_path / "own.yaml").write_text(text.replace("level: warning", "level: warning\n    attention: drowsy"))
    own = f"profile: {tmp_path / 'own.yaml'}\n"
    plan(tmp_path, own)
    with pytest.raises(ConfigError, match=r"profile smuggler: uplink.brokers is set, so the driver is at work: rule"):
        plan(tmp_path, own + UPLINK)


def test_ok__the_aiming_page_is_for_root_only_and_says_why(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"uplink\.brokers is set, so only root may see pictures"):
        _check_user(plan(tmp_path, UPLINK), 1000)


def test_ok__a_safety_purpose_lets_expressions_be_read_and_keeps_them_in_the_car(tmp_path: Path) -> None:
    at_work = plan(tmp_path, UPLINK + SAFETY)
    assert at_work.config.emotion.enabled
    assert at_work.local_rules == frozenset(("distress",))


def test_ok__a_check_says_it_and_warns_of_nothing_else(command: Cli, tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(UPLINK)
    said = command("config", "check", "my.yaml")
    assert said.code == 0
    assert "uplink.brokers is set: the car has an operator and is a workplace, whatever the profile says" in said.out
    assert "workplace profile: no expression is read" in said.out
    assert "warning" not in said.out


@pytest.mark.parametrize("own", [False, True])
def test_ok__a_check_warns_of_a_closed_loop_that_sends(command: Cli, tmp_path: Path, own: bool) -> None:
    (tmp_path / "own.yaml").write_text("name: ours\nextends: eu_addw\n")
    name = "own.yaml" if own else "eu_addw"
    (tmp_path / "my.yaml").write_text(f"profile: {name}\n")
    assert "warning" not in command("config", "check", "my.yaml").out
    (tmp_path / "my.yaml").write_text(f"profile: {name}\n{UPLINK}")
    said = command("config", "check", "my.yaml")
    assert said.code == 0
    (line,) = [line for line in said.out.splitlines() if line.startswith("warning: ")]
    assert "follows the numbers of EU 2023/2590 and EU 2021/1341" in line
    assert "closed loop" in line
    assert "(as reported)" in line


def test_ok__a_check_says_which_alerts_stay_in_the_car(command: Cli, tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(UPLINK + SAFETY)
    (line,) = [line for line in command("config", "check", "my.yaml").out.splitlines() if line.startswith("warning: ")]
    assert "they stay in the car, and so do the alerts that rest on them (distress)" in line


def test_ok__a_check_names_no_alert_where_none_rests_on_an_expression(command: Cli, tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(f"profile: euro_ncap\n{UPLINK}{SAFETY}")
    (line,) = [line for line in command("config", "check", "my.yaml").out.splitlines() if line.startswith("warning: ")]
    assert "they stay in the car: buzzer" in line


def test_ok__a_check_warns_if_drivers_cannot_see_what_was_sent(command: Cli, tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("uplink: {sent_days: 0}")
    assert "warning" not in command("config", "check", "my.yaml").out, "nothing is sent"
    (tmp_path / "my.yaml").write_text("uplink: {brokers: ['mqtt://127.0.0.1'], sent_days: 0}")
    said = command("config", "check", "my.yaml").out
    assert "warning: uplink.sent_days is 0: drivers cannot see in the car what was sent about them" in said


def test_ok__the_values_in_force_say_that_no_expression_is_read(command: Cli, tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(UPLINK)
    assert "emotion:\n  enabled: false" in command("config", "dump", "my.yaml").out


def test_ok__the_log_says_it_at_the_start(tmp_path: Path, short_clip: Path) -> None:
    with DaemonProcess(tmp_path, short_clip, None, UPLINK) as daemon:
        daemon.await_notice("READY=1")
        code, _, told = daemon.end(15)
    assert code == 0
    assert told.count("uplink.brokers is set: the car has an operator and is a workplace") == 1


def test_ok__an_operator_that_a_reload_brings_hears_nothing_of_the_time_before(
    reloaded: Reloaded,  # noqa: F811
    capfd: pytest.CaptureFixture[str],
) -> None:
    before, after = reloaded.drive("profile: default\n", f"profile: default\n{UPLINK}{SAFETY}")
    told = [(alert["rule"], alert["phase"]) for alert in before.alerts]
    assert told == [("distress", "raised"), ("distress", "cleared")]
    assert all(map(silent, everything(after)))
    assert [alert["rule"] for alert in after.alerts] == ["microsleep", "microsleep"]
    assert capfd.readouterr().err.count("the car has an operator and is a workplace") == 1


def test_ok__what_an_earlier_run_left_is_not_told_to_an_operator_that_a_reload_brings(tmp_path: Path) -> None:
    left = {"rule": "chatty", "phase": "cleared", "seq": 7, "restart": True, "message": "Over: Looks anger"}
    with parked(tmp_path) as car:
        car.daemon.ended_by_restart = (left,)
        car.write(UPLINK)
        car.reload(car.daemon)
        assert len(car.outs) == 2
        assert left not in car.outs[-1].alerts


def test_ok__what_was_inferred_with_an_operator_is_not_reported_without_one(
    reloaded: Reloaded,  # noqa: F811
) -> None:
    (reloaded.folder / "own.yaml").write_text(SEETHING.replace("fleet", "default"))
    own = f"profile: {reloaded.folder / 'own.yaml'}\n"
    before, after = reloaded.drive(own + UPLINK + SAFETY, own)
    assert all(silent(message) and "seeth" not in str(message) for message in everything(before))
    assert next(alert for alert in after.alerts if alert["rule"] == "distress")["sent"] > 8 + 5


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", None),
        ("zmq: {bind: 'tcp://127.0.0.1:5556'}", None),
        ("zmq: {bind: 'ipc:///tmp/alerts.sock'}", None),
        (LAN, "zmq.bind tcp://0.0.0.0:5556 is for other computers"),
        (LAN.replace("{", "{enabled: false, "), None),
        (LAN.replace("0.0.0.0", "[::]"), "zmq.bind tcp://[::]:5556 is for other computers"),
        (LAN.replace("0.0.0.0", "10.8.0.2"), "zmq.bind tcp://10.8.0.2:5556 is for other computers"),
        (LAN + UPLINK, "uplink.brokers is set"),
    ],
)
def test_ok__an_operator_is_who_can_be_reached(tmp_path: Path, text: str, why: str | None) -> None:
    found = plan(tmp_path, text)
    assert (found.config.operator, found.profile.workplace) == (why, why is not None)
