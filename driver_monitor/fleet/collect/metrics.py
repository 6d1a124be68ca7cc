"""The counters of a collector for Prometheus. docs/fleet-store.md lists all. No vehicle is named in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from driver_monitor.fleet.collect.collector import Collector
from driver_monitor.fleet.collect.counts import LATENCY_S
from driver_monitor.metrics.server import new_registry, serve

if TYPE_CHECKING:
    from prometheus_client.core import Metric

PREFIX = "driver_monitor_collector_"


class CollectorMetrics:
    """Gives prometheus_client the present counters at each scrape."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        counts = self._collector.counts
        for name, meaning, value in (
            ("messages", "Messages of all kinds from the broker", counts.messages),
            ("stored", "New alerts in the store", counts.stored),
            ("duplicates", "Alerts that were stored before", counts.duplicates),
            ("batches", "Transactions", counts.batches),
            ("told", "Ids of which the vehicles were told that they are stored", counts.told),
        ):
            yield CounterMetricFamily(PREFIX + name, meaning, value)
        dead = CounterMetricFamily(PREFIX + "dead_letters", "Messages that no row can be made of", labels=["reason"])
        for reason, number in sorted(counts.dead.items()):
            dead.add_metric([reason], number)
        yield dead
        for name, meaning, state in (
            ("connected", "1 while connected to the broker", counts.connected),
            ("store_down", "1 while the store does not answer", counts.store_down),
            (
                "oldest_unacknowledged_seconds",
                "Age of the oldest message that is not stored; 0 without one",
                self._collector.oldest_s(),
            ),
        ):
            yield GaugeMetricFamily(PREFIX + name, meaning, float(state))
        names = [*map(str, LATENCY_S), "+Inf"]
        yield HistogramMetricFamily(
            PREFIX + "latency_seconds",
            "Time from the clock of the car to the row, of new alerts",
            buckets=list(zip(names, map(float, accumulate(counts.latency)), strict=True)),
            sum_value=counts.latency_sum_s,
        )


def serve_metrics(address: str, collector: Collector) -> Callable[[], None]:
    """Serve them at `address` on loopback; return what ends this. Raises `OutputError`."""
    registry = new_registry()
    registry.register(CollectorMetrics(collector))
    return serve(registry, address).close
