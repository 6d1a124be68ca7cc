"""A car that is offline for hours on a fake clock: its memory is flat, and all its alerts arrive, the worst first."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fleet.services import needs_mosquitto

TOP = Path(__file__).parents[3]


@needs_mosquitto
@pytest.mark.parametrize(("alerts", "spool_mb", "drops"), [("300", "64", False), ("1200", "1", True)])
def test_ok__alerts_of_hours_without_a_broker_arrive_and_memory_is_flat(
    alerts: str, spool_mb: str, drops: bool
) -> None:
    """With a spool that is too small, all that it has kept arrives, and nothing worse than that was dropped."""
    options = ["--hours", "4", "--alerts", alerts, "--spool-mb", spool_mb]
    command = [sys.executable, "-m", "tools.fleet.offline", *options]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    dropped = re.search(r"(\d+) dropped", done.stdout)
    assert dropped is not None
    assert (int(dropped[1]) > 0) is drops
