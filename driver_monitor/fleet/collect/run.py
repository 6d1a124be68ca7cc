"""Runs a collector until SIGTERM: builds its parts, tells systemd, serves metrics, deletes what is too old."""

from __future__ import annotations

import logging
from contextlib import ExitStack

from driver_monitor.app.process.stop import Stop
from driver_monitor.app.process.systemd import Notifier
from driver_monitor.fleet.collect.collector import Collector
from driver_monitor.fleet.collect.storing import TidyThread
from driver_monitor.fleet.store.store import open_store
from driver_monitor.mqtt.broker import Broker
from driver_monitor.mqtt.client import check_installed
from driver_monitor.mqtt.login import Login

TIDY_CLOSE_S = 0.1
"""Time for the thread that deletes (ours). What it has not finished is undone by the store."""


def run(broker: Broker, login: Login, url: str, metrics: str | None) -> None:
    """Collect from `broker` into the store at `url` until SIGTERM or SIGINT. Raises `DriverMonitorError`.

    `metrics`: loopback address for Prometheus; None: none.
    """
    logging.getLogger(__package__).setLevel(logging.INFO)  # commands log warnings only
    check_installed()
    if broker.tls:
        login.tls_context()  # a missing file is told before the store is asked
    notifier = Notifier()
    store = open_store(url, make=True)
    with Stop() as stop, ExitStack() as stack:
        tidy = TidyThread(open_store(url, make=True))
        stack.callback(tidy.close, TIDY_CLOSE_S)

        def progress() -> None:
            tidy.check()
            notifier.watchdog()

        collector = Collector(broker, login, store, progress=progress)
        stop.calls(collector.stop)
        if metrics is not None:
            from driver_monitor.fleet.collect.metrics import serve_metrics

            stack.callback(serve_metrics(metrics, collector))
        notifier.ready(f"collecting from {broker} into {store}")
        tidy.worker.start()
        collector.run()
        notifier.stopping()
