"""docs/messages.md names every field of an alert and of the status that a daemon publishes, and no other one."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.config.schema import ZmqConfig
from driver_monitor.config.sections.uplink import UplinkConfig
from driver_monitor.keys.key_folder import KeyFolder
from driver_monitor.messages.envelope import Stamp, ended_by_restart
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.outputs.curve.publisher import CurvePublisher
from driver_monitor.outputs.uplink.output import UplinkOutput
from driver_monitor.outputs.uplink.status import DrivingTime, VehicleRun
from driver_monitor.signals.table import SIGNALS
from driver_monitor.vehicle.obd import ObdVehicle
from tests.processes import DaemonProcess, Message, Subscriber, free_port

PAGE = Path(__file__).parents[1] / "docs" / "messages.md"
BY_NAME = ("evidence.measured", "evidence.threshold", "evidence.compared", "evidence.interval")
"""Objects whose members are named by signals, not by this page."""


def rows(title: str) -> dict[str, tuple[str, str]]:
    """The fields in the table under a title, each with its unit or values and its meaning."""
    (section,) = re.findall(rf"(?ms)^## {title}$(.*?)(?=^## |\Z)", PAGE.read_text())
    found = re.findall(r"(?m)^\| `([\w.]+)` \| (.*?) \| (.*) \|$", section)
    assert len(found) == section.count("\n|") - 2, "each row names one field"
    assert len({name for name, *_ in found}) == len(found)
    return {name: (unit, meaning) for name, unit, meaning in found}


def fields(message: Mapping[str, Any], parent: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and the value of each field of a message."""
    for name, value in message.items():
        path = f"{parent}{name}"
        yield path, value
        if isinstance(value, dict) and path not in BY_NAME:
            yield from fields(value, f"{path}.")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, short_clip: Path) -> list[Message]:
    """What a daemon publishes that uses all its parts, from its start to an alert and a status after it."""
    folder, port = tmp_path_factory.mktemp("daemon"), free_port()
    config = f"vehicle: {{input: 'tcp://127.0.0.1:{free_port()}'}}\noutputs: {{vehicle: zmq, vss: zmq, sound: 'null'}}"
    trace = ("--trace", str(folder / "mine.trace.jsonl.gz"))
    with Subscriber(port) as subscriber, DaemonProcess(folder, short_clip, port, config, trace) as daemon:
        heard = subscriber.until("microsleep", "raised")
        while heard[-1][0] != "status/":
            heard.append(subscriber.next())
        assert daemon.end(signal.SIGTERM)[0] == 0
    return heard


@pytest.fixture
def operator_counters(tmp_path: Path) -> set[str]:
    """The counters of the ways to an operator. The daemon above has none: it would hide those of local outputs."""
    KeyFolder(tmp_path / "keys").make()
    broker, run = UplinkConfig(brokers=(f"mqtt://127.0.0.1:{free_port()}",)), VehicleRun("van-12", "trip", "boot")
    with (
        closing(CurvePublisher(ZmqConfig(bind="tcp://0.0.0.0:*", keys=tmp_path / "keys"))) as publisher,
        closing(UplinkOutput(broker, tmp_path, run, DrivingTime())) as uplink,
    ):
        return {*publisher.counters(), *uplink.counters()}


def test_ok__every_field_of_the_status_has_a_line(published: list[Message], operator_counters: set[str]) -> None:
    documented = set(rows("Fields of the status"))
    shown = {name for topic, status in published if topic == "status/" for name, _ in fields(status)}
    with closing(ObdVehicle("virtual", "nobody")) as bus:
        assert documented == shown | {f"outputs.{name}" for name in {*bus.counters(), *operator_counters}}


def test_ok__every_field_of_an_alert_has_a_line(published: list[Message]) -> None:
    (alert,) = [alert for topic, alert in published if topic.startswith("alert/microsleep/")]
    documented = rows("Fields of an alert")
    shown = {name for name, _ in fields(alert)}
    assert set(documented) - shown == {"restart", "frame"}, "a clip has frame numbers, a daemon has none"
    assert shown <= set(documented)


def test_ok__the_one_field_of_alerts_that_a_restart_ends_has_a_line() -> None:
    stamp = Stamp("id", 7, "episode", "trip", "boot", 5.0, "2026-01-01T00:00:00.000Z", True)
    ended = ended_by_restart({"message": "Eyes closed"}, stamp)
    assert set(ended) <= set(rows("Fields of an alert"))


@pytest.mark.parametrize("title", ["Fields of an alert", "Fields of the status"])
def test_ok__each_field_has_a_unit_or_values_and_a_meaning(title: str) -> None:
    assert all(unit and meaning for unit, meaning in rows(title).values())


def test_ok__values_that_are_words_are_the_documented_ones(published: list[Message]) -> None:
    documented = {**rows("Fields of an alert"), **rows("Fields of the status")}
    kinds = {"number": int, "text": str, "object": dict, "list": list, "`true`, `false`": bool}
    for _, message in [one for one in published if one[0] not in ("state/", "vehicle/dms", "vehicle/vss")]:
        for name, value in fields(message):
            unit = documented[name][0]
            if value is None:
                continue
            if unit in kinds:
                assert isinstance(value, kinds[unit]), name
            elif unit.startswith("`"):
                assert f"`{value}`" in unit, name
            elif re.fullmatch(r"s|ms|1/s|°C|0 to 1|degrees", unit):
                assert isinstance(value, int | float), name


def test_ok__the_documented_words_are_all_words_of_the_signals() -> None:
    documented = rows("Fields of the status")
    for field, name in (("light", "light"), ("camera.state", "camera.state")):
        words = re.findall(r"`(\w+)`", documented[field][0])
        assert set(words) == set(SIGNALS[name].choices)


def test_ok__at_a_workplace_nothing_is_published_that_has_no_line(published: list[Message]) -> None:
    documented = set(rows("Fields of the status"))
    for topic, status in published:
        if topic == "status/":
            hidden = PrivacyFilter({"distress"}).status(status)
            assert {name for name, _ in fields(hidden)} <= documented
