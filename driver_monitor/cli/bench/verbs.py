"""All verbs of this folder, in the order in which `--help` shows them."""

from __future__ import annotations

from collections.abc import Callable

from driver_monitor.cli.bench.label import label
from driver_monitor.cli.bench.replay import replay

VERBS: tuple[Callable[..., None], ...] = (replay, label)
