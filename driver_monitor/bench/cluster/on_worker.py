"""What runs in a worker of the cluster. The scheduler only passes it on.

dask starts these functions by their names, so a worker with another version may lack them.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from driver_monitor import __version__
from driver_monitor.app.build import Plan
from driver_monitor.bench.batch.processes import Job, Result, Runner
from driver_monitor.bench.replays.kept_models import kept_models
from driver_monitor.errors import DriverMonitorError

REPORT_S = 1.0
"""Shortest time between two messages of a worker about its frames (ours)."""


def version() -> str:
    """Return the version of this program on the worker."""
    return __version__


def models(plan: Plan) -> str:
    """Load the nets of `plan` on the worker. Return their hash, or an error in a line."""
    try:
        return kept_models(plan.config).digest
    except DriverMonitorError as error:
        return str(error)


def exists(path: Path) -> bool:
    """Return whether the worker sees `path`."""
    return path.exists()


def attempt(runner: Runner[Job, Result], job: Job, index: int, topic: str) -> tuple[Result | None, str | None]:
    """Do `job`, number `index` of the batch `topic`. Return its result and its error, one of them None."""
    from distributed import get_worker

    worker, next_report, last = get_worker(), 0.0, list[Any]()

    def report(done: int, total: int | None) -> None:
        nonlocal next_report
        last[:] = [index, done, total]
        if (now := time.monotonic()) >= next_report:
            next_report = now + REPORT_S
            worker.log_event(topic, list(last))

    outcome = runner.attempt(job, report)
    if last:
        worker.log_event(topic, list(last))
    return outcome.result, outcome.error
