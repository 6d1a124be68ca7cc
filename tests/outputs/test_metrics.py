"""Prometheus gets what the public status says, and docs/fleet-metrics.md names every metric."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from driver_monitor.app.status import Health
from driver_monitor.config.schema import Config
from driver_monitor.errors import ConfigError, OutputError
from driver_monitor.messages.envelope import Provenance
from driver_monitor.outputs.metrics import STALE_S, MetricsOutput
from driver_monitor.spool.entry import SpoolCounts
from tests.drive import Cabin
from tests.test_config import fault
from tests.timeline import attentive

PAGE = Path(__file__).parents[2] / "docs" / "fleet-metrics.md"
COUNTERS = {"output_faults": 0, "zmq_missed_alert": 2, **{f"uplink_{name}": number for number, name in enumerate(
    ("waiting", "stored", "dropped", "resent", "refused", "connected"), 1)}}  # fmt: skip
SPOOL = SpoolCounts(1, 4096, 12.5, 0, ())


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def status(counters: dict[str, int] = COUNTERS) -> dict[str, Any]:
    """What `status/` says of a daemon whose first second is over."""
    cabin, origin = Cabin(attentive(1)), Provenance("van-12", "m0", "c0", "fleet")
    cabin.latest(0.0)
    said = Health(1000.0).status(cabin, counters, origin, 1001.0)
    return {**said, "latency_ms": {"median": 12.5, "max": None}, "degraded": "sunglasses", "active": ["microsleep"]}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def output(clock: Clock) -> Iterator[MetricsOutput]:
    output = MetricsOutput("127.0.0.1:0", lambda: SPOOL, clock)
    yield output
    output.close()
    output.close()


def scrape(output: MetricsOutput) -> dict[str, Metric]:
    with urllib.request.urlopen(f"http://127.0.0.1:{output.port}/metrics", timeout=10) as reply:
        families = text_string_to_metric_families(reply.read().decode())
        return {one.name: one for one in families}


def value(families: dict[str, Metric], name: str, **labels: str) -> float | None:
    found = [one.value for one in families[f"driver_monitor_{name}"].samples if one.labels == labels]
    return found[0] if found else None


def test_ok__the_page_names_every_metric_and_no_other_one(output: MetricsOutput) -> None:
    output.status(status())
    output.alert({"rule": "microsleep", "level": "warning", "phase": "raised"})
    documented = {
        name: (kind, set(re.findall(r"`(\w+)`", labels)), meaning)
        for name, kind, labels, meaning in re.findall(
            r"(?m)^\| `(driver_monitor_\w+)` \| (\w+) \| (.*?) \| (.*) \|$", PAGE.read_text()
        )
    }
    shown = {}
    for family in scrape(output).values():
        labels = {label for sample in family.samples for label in sample.labels}
        name = f"{family.name}_total" if family.type == "counter" else family.name
        shown[name] = (family.type, labels, family.documentation)
    assert shown == documented


def test_ok__numbers_are_in_the_units_of_prometheus(output: MetricsOutput) -> None:
    output.status(status())
    found = scrape(output)
    assert value(found, "uptime_seconds") == 1.0
    assert value(found, "latency_seconds", stat="median") == 0.0125
    assert {one.name: one.value for one in found["driver_monitor_frames_captured"].samples} == {
        "driver_monitor_frames_captured_total": 1.0
    }
    assert value(found, "spool_oldest_seconds") == 12.5
    labels = {"vehicle": "van-12", "models": "m0", "config": "c0", "profile": "fleet"}
    (info,) = found["driver_monitor_info"].samples
    assert {**info.labels, **labels} == info.labels


def test_ok__a_state_is_one_among_its_words(output: MetricsOutput) -> None:
    output.status(status())
    found = scrape(output)
    assert value(found, "camera_state", state="ok") == 1.0
    assert value(found, "camera_state", state="frozen") == 0.0
    assert sum(one.value for one in found["driver_monitor_camera_state"].samples) == 1
    assert value(found, "degraded", reason="sunglasses") == 1.0
    assert value(found, "face_present") == 0.0


def test_ok__what_is_unknown_is_missing(output: MetricsOutput) -> None:
    output.status(status())
    found = scrape(output)
    assert value(found, "latency_seconds", stat="max") is None
    assert value(found, "board_temperature_celsius") is None
    assert value(found, "board_under_voltage") is None


def test_ok__before_the_first_status_and_without_an_uplink_nothing_is_made_up(clock: Clock) -> None:
    output = MetricsOutput("127.0.0.1:0", None, clock)
    assert set(scrape(output)) == {"driver_monitor_alerts"}
    output.status(status({"output_faults": 0}))
    found = scrape(output)
    assert not [name for name in found if "spool_bytes" in name or "oldest" in name]
    assert not [one for name, family in found.items() if "uplink" in name or "spool" in name for one in family.samples]
    output.close()


def test_ok__an_old_status_is_not_told_as_the_present_one(output: MetricsOutput, clock: Clock) -> None:
    output.status(status())
    clock.now += STALE_S + 1
    found = scrape(output)
    assert value(found, "status_age_seconds") == STALE_S + 1
    assert "driver_monitor_camera_state" not in found
    assert "driver_monitor_frames_captured" in found
    output.status(status())
    assert "driver_monitor_camera_state" in scrape(output)


def test_ok__alerts_are_counted_by_rule_level_and_phase(output: MetricsOutput) -> None:
    for phase in ("raised", "escalated", "cleared", "raised"):
        output.alert({"rule": "sleep", "level": "critical", "phase": phase})
    sent = {tuple(one.labels.values()): one.value for one in scrape(output)["driver_monitor_alerts"].samples}
    assert {frozenset(labels): count for labels, count in sent.items()} == {
        frozenset(("sleep", "critical", "raised")): 2.0,
        frozenset(("sleep", "critical", "escalated")): 1.0,
        frozenset(("sleep", "critical", "cleared")): 1.0,
    }


def test_ok__faults_are_named_as_in_the_status(output: MetricsOutput) -> None:
    output.status(status())
    found = scrape(output)["driver_monitor_output_faults"].samples
    assert {one.labels["counter"]: one.value for one in found} == {"output_faults": 0.0, "zmq_missed_alert": 2.0}


def test_ok__off_by_default() -> None:
    assert Config().metrics.bind is None


@pytest.mark.parametrize(
    ("bind", "reason"),
    [
        ("0.0.0.0:9464", "reachable from the network"),
        ("127.0.0.1", "not a host with a port"),
        ("127.0.0.1:0", "port 0 is any free one"),
        ("localhost:port", "has no valid port"),
    ],
)
def test_fail__only_an_address_of_this_machine_is_taken(tmp_path: Path, bind: str, reason: str) -> None:
    assert re.match(rf"my\.yaml:1: metrics\.bind: .*{reason}", fault(tmp_path, f"metrics: {{bind: '{bind}'}}"))


def test_fail__a_port_in_use_is_an_error_of_the_output(output: MetricsOutput) -> None:
    with pytest.raises(OutputError, match="Address already in use"):
        MetricsOutput(f"127.0.0.1:{output.port}")
    assert not issubclass(OutputError, ConfigError)
