"""The counters of a collector, as Prometheus scrapes them."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.request import urlopen

import pytest

from driver_monitor.errors import OutputError
from driver_monitor.fleet.collect.collector import Collector
from driver_monitor.fleet.collect.metrics import serve_metrics
from driver_monitor.fleet.store.store import open_store
from driver_monitor.mqtt.broker import parse_broker
from driver_monitor.mqtt.login import Login
from tests.processes import free_port

PAGE = Path(__file__).parents[3] / "docs" / "fleet-store.md"


def scraped(tmp_path: Path) -> str:
    collector = Collector(parse_broker("mqtt://127.0.0.1"), Login(), open_store(str(tmp_path / "x.db")))
    collector.counts.dead_letter("sha256: damaged")
    for latency_s in (-5.0, 0.2, 1e6):
        collector.counts.new_alert(latency_s)
    port = free_port()
    close = serve_metrics(f"127.0.0.1:{port}", collector)
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            return str(answer.read().decode())
    finally:
        close()


def test_ok__counters_and_latencies_are_told(tmp_path: Path) -> None:
    text = scraped(tmp_path)
    for line in (
        "driver_monitor_collector_stored_total 3.0",
        'driver_monitor_collector_dead_letters_total{reason="sha256"} 1.0',
        "driver_monitor_collector_connected 0.0",
        "driver_monitor_collector_oldest_unacknowledged_seconds 0.0",
        'driver_monitor_collector_latency_seconds_bucket{le="0.1"} 1.0',
        'driver_monitor_collector_latency_seconds_bucket{le="0.25"} 2.0',
        'driver_monitor_collector_latency_seconds_bucket{le="+Inf"} 3.0',
        "driver_monitor_collector_latency_seconds_count 3.0",
    ):
        assert line in text.splitlines()


def test_ok__the_page_lists_each_metric(tmp_path: Path) -> None:
    names = set(re.findall(r"^# TYPE (\w+) ", scraped(tmp_path), re.MULTILINE))
    assert names == set(re.findall(r"^\| `(driver_monitor_collector_\w+)`", PAGE.read_text(), re.MULTILINE))


def test_fail__metrics_beyond_this_machine_are_refused(tmp_path: Path) -> None:
    collector = Collector(parse_broker("mqtt://127.0.0.1"), Login(), open_store(str(tmp_path / "x.db")))
    with pytest.raises(OutputError, match="metrics"):
        serve_metrics("0.0.0.0:9465", collector)
