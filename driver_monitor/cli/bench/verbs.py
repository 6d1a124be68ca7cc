"""All verbs of this folder, in the order in which `--help` shows them."""

from __future__ import annotations

from collections.abc import Callable

from driver_monitor.cli.bench.compare import compare
from driver_monitor.cli.bench.label import label
from driver_monitor.cli.bench.replay import replay
from driver_monitor.cli.bench.report import report
from driver_monitor.cli.bench.report_bug import report_bug
from driver_monitor.cli.bench.speed import bench
from driver_monitor.cli.bench.sweep import sweep
from driver_monitor.cli.bench.table import table

VERBS: tuple[Callable[..., None], ...] = (
    replay,
    report,
    compare,
    sweep,
    label,
    table,
    bench,
    report_bug,
)
