"""The output that gives Prometheus counters: what the public status says, and which public alerts were sent.

Any user of the machine may read them, so they come from messages behind the privacy filter alone. How the driver is
(attention, state) is not among them: nobody should keep series of a person. docs/fleet-metrics.md lists all.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from driver_monitor.data.driver_state import CameraVerdict, Degraded
from driver_monitor.messages.wire import Message
from driver_monitor.metrics.server import new_registry, serve
from driver_monitor.outputs.output import Output
from driver_monitor.spool.entry import SpoolCounts

if TYPE_CHECKING:
    from prometheus_client.core import Metric

PREFIX = "driver_monitor_"
STALE_S = 5.0
"""Age of a status from which its values are no longer told as the present ones (ours). There is one each second."""
UPLINK = {
    "uplink_waiting": "spool_waiting",
    "uplink_connected": "uplink_connected",
    "uplink_stored": "uplink_stored",
    "uplink_dropped": "uplink_dropped",
    "uplink_resent": "uplink_resent",
    "uplink_refused": "uplink_refused",
}
"""Names in `outputs` of the status that have a metric of their own; all others are in `output_faults`."""

Samples = Iterator[tuple[tuple[str, ...], float | bool | None]]
"""Values of the labels, and the number; None: unknown, and left out."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One metric: `name` without `PREFIX`, kind, names of the labels, meaning, and its samples in a status."""

    name: str
    kind: Literal["gauge", "counter"]
    meaning: str
    samples: Callable[[Message], Samples]
    labels: tuple[str, ...] = ()


def _at(path: str, factor: float = 1.0) -> Callable[[Message], Samples]:
    """Return what finds the number at `path` in a status, times `factor`."""

    def samples(status: Message) -> Samples:
        value: Any = status
        for name in path.split("."):
            value = (value or {}).get(name)
        yield (), None if value is None else value * factor

    return samples


def _word(path: str, words: tuple[str, ...]) -> Callable[[Message], Samples]:
    """Return what makes one sample for each of `words`: 1 for the one at `path`, 0 for the others."""
    outer, _, inner = path.partition(".")

    def samples(status: Message) -> Samples:
        found = (status.get(outer) or {}).get(inner) if inner else status.get(outer)
        for word in words:
            yield (word,), word == found

    return samples


def _info(status: Message) -> Samples:
    versions = status.get("versions") or {}
    names = ("driver_monitor", "models", "config", "profile")
    yield (str(status.get("vehicle")), *(str(versions.get(name)) for name in names)), 1


def _latency(status: Message) -> Samples:
    for name, ms in (status.get("latency_ms") or {}).items():
        yield (name,), None if ms is None else ms / 1000


def _faults(status: Message) -> Samples:
    for name, count in (status.get("outputs") or {}).items():
        if name not in UPLINK:
            yield (name,), count


def _active(status: Message) -> Samples:
    yield (), len(status.get("active") or ())


def _config_fault(status: Message) -> Samples:
    yield (), status.get("config_fault") is not None


_ROWS = (
    _Row("info", "gauge", "Always 1; what runs is in the labels", _info,
         ("vehicle", "version", "models", "config", "profile")),
    _Row("uptime_seconds", "gauge", "Time since the start of the daemon", _at("uptime_s")),
    _Row("frames_captured", "counter", "Frames read from the camera", _at("camera.captured")),
    _Row("frames_dropped", "counter", "Frames that a newer one replaced before they were processed",
         _at("camera.dropped")),
    _Row("frames_damaged", "counter", "Damaged pictures that were left out", _at("camera.damaged")),
    _Row("camera_reopened", "counter", "How often the camera was opened again after a fault", _at("camera.reopened")),
    _Row("frames_per_second", "gauge", "Frames processed a second, over 2 s", _at("camera.fps")),
    _Row("latency_seconds", "gauge", "Time from the capture of a frame to its end in the pipeline, over 2 s", _latency,
         ("stat",)),
    _Row("camera_state", "gauge", "1 for the present state of the camera, 0 for the others",
         _word("camera.state", get_args(CameraVerdict)), ("state",)),
    _Row("face_present", "gauge", "1 if the last frame shows the driver's face", _at("face")),
    _Row("degraded", "gauge", "1 for the reason why the driver is not fully visible, 0 for the others",
         _word("degraded", get_args(Degraded)), ("reason",)),
    _Row("alerts_active", "gauge", "Alerts that are active", _active),
    _Row("output_faults", "counter", "Faults and losses by their name in `outputs` of the status", _faults,
         ("counter",)),
    _Row("spool_waiting", "gauge", "Alerts that the operator has not stored", _at("outputs.uplink_waiting")),
    _Row("uplink_connected", "gauge", "1 while there is a connection to a broker", _at("outputs.uplink_connected")),
    _Row("uplink_stored", "counter", "Alerts that the operator has stored", _at("outputs.uplink_stored")),
    _Row("uplink_dropped", "counter", "Alerts that were dropped: no room, or too old", _at("outputs.uplink_dropped")),
    _Row("uplink_resent", "counter", "Alerts that were sent again", _at("outputs.uplink_resent")),
    _Row("uplink_refused", "counter", "Alerts and connections that the broker refused", _at("outputs.uplink_refused")),
    _Row("board_temperature_celsius", "gauge", "Temperature of the hottest part", _at("board.temperature_c")),
    _Row("board_under_voltage", "gauge", "1 if the power supply was too weak in the last minute",
         _at("board.under_voltage")),
    _Row("board_throttled", "gauge", "1 if the board had lowered its clock in the last minute", _at("board.throttled")),
    _Row("board_step", "gauge", "What is given up: 0 nothing, 1 expressions, 2 frames too", _at("board.step")),
    _Row("config_fault", "gauge", "1 if the configuration in use is not that of the file", _config_fault),
)  # fmt: skip


class MetricsOutput(Output):
    """Serves counters at `bind`, an address on loopback. `spool`: the spool in numbers, None: there is no uplink.

    `clock`: monotonic seconds. Raises `OutputError`: the address is in use, or prometheus-client is missing.
    """

    name = "metrics"

    def __init__(
        self,
        bind: str,
        spool: Callable[[], SpoolCounts] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool, self._clock = spool, clock
        self._status: tuple[float, Message] | None = None
        self._alerts: Counter[tuple[str, str, str]] = Counter()
        registry = new_registry()
        registry.register(self)
        self._server = serve(registry, bind)

    @property
    def failure(self) -> str | None:
        """Why the thread failed, else None."""
        return self._server.failure

    @property
    def port(self) -> int:
        """The port that is really used."""
        return self._server.port

    def alert(self, alert: Message) -> None:
        """Count one alert."""
        self._alerts[str(alert.get("rule")), str(alert.get("level")), str(alert.get("phase"))] += 1

    def status(self, status: Message) -> None:
        """Take the status, which the next scrape shows."""
        self._status = self._clock(), status

    def close(self) -> None:
        """Release the address."""
        self._server.close()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of one scrape. prometheus_client calls this in the thread of the server."""
        alerts = _Row("alerts", "counter", "Alerts that were sent", self._sent, ("rule", "level", "phase"))
        yield _metric(alerts, {})
        if self._status is None:
            return
        taken_t, status = self._status
        age_s = max(0.0, self._clock() - taken_t)
        yield _metric(_Row("status_age_seconds", "gauge", "Age of the last status", lambda _: iter([((), age_s)])), {})
        for row in _ROWS:
            if age_s <= STALE_S or row.kind == "counter":
                yield _metric(row, status)
        if self._spool is not None:
            yield from _of_spool(self._spool())

    def _sent(self, _: Message) -> Samples:
        return iter(list(self._alerts.items()))


def _of_spool(counts: SpoolCounts) -> Iterator[Metric]:
    size = _Row("spool_bytes", "gauge", "Bytes of the spool on disk", lambda _: iter([((), counts.size)]))
    oldest = "Age of the oldest alert that the operator has not stored; missing without one"
    yield _metric(size, {})
    yield _metric(_Row("spool_oldest_seconds", "gauge", oldest, lambda _: iter([((), counts.oldest_s)])), {})


def _metric(row: _Row, status: Message) -> Metric:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    kind = GaugeMetricFamily if row.kind == "gauge" else CounterMetricFamily
    metric = kind(f"{PREFIX}{row.name}", row.meaning, labels=row.labels)
    for labels, value in row.samples(status):
        if value is not None:
            metric.add_metric(labels, float(value))
    return metric
