"""The verb `aim`: checks that the packages of its extra are there, and shows the page."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from typing import Annotated

import typer

from driver_monitor import PROGRAM
from driver_monitor.cli.options import InstalledConfigOption, OptionalText
from driver_monitor.errors import UsageError

PACKAGES = ("starlette", "uvicorn", "websockets")
"""The packages of the extra `aim` (pyproject.toml)."""


def aim(
    config: InstalledConfigOption = None,
    source: Annotated[
        OptionalText, typer.Option(help="As of run; then no running daemon is asked for pictures.")
    ] = None,
    bind: Annotated[
        OptionalText, typer.Option(help="IP address of this machine to show the page at (default: loopback).")
    ] = None,
) -> None:
    """Show a page with the live picture and what to change about the camera. It ends by itself after 15 minutes."""
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        install = f"{shlex.quote(sys.executable)} -m pip install {' '.join(PACKAGES)}"
        raise UsageError(f"{PROGRAM} aim needs {', '.join(missing)}; install with: {install}")
    from driver_monitor.aim.run import run
    from driver_monitor.app.build import Request
    from driver_monitor.config.lock import installed_config

    try:
        run(Request(config or installed_config(), source), bind)
    except KeyboardInterrupt:
        print("Stopped: no picture is shown any more.")
