"""All verbs of this folder, in the order in which `--help` shows them."""

from __future__ import annotations

from collections.abc import Callable

from driver_monitor.cli.bench.replay import replay
from driver_monitor.cli.bench.sweep import sweep

VERBS: tuple[Callable[..., None], ...] = (replay, sweep)
