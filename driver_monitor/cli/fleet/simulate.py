"""`driver-monitor fleet simulate`: thousands of simulated vehicles, to try out and to size a broker."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from driver_monitor.cli.options import JsonOption, OptionalInteger, OptionalNumber, OptionalPath, number, print_json
from driver_monitor.errors import UsageError

if TYPE_CHECKING:
    from driver_monitor.fleet.simulate.account import Account
    from driver_monitor.fleet.simulate.simulation import Scenario
    from driver_monitor.spool.entry import SpoolEntry

PROGRESS_S = 5.0
"""Time between two lines of progress."""


def simulate(
    vehicles: Annotated[int, number(int, 1, 100_000, "Number of vehicles.")] = 10,
) -> None:
    """Simulate."""
