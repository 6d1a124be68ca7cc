"""The verb `aim`: checks that the packages of its extra are there, and shows the page."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from driver_monitor import PROGRAM
from driver_monitor.errors import UsageError

PACKAGES = ("starlette", "uvicorn", "websockets")
"""The packages of the extra `aim` (pyproject.toml)."""
# typer evaluates annotations, and on Python 3.10 it needs Optional.
OptionalPath = Optional[Path]  # noqa: UP045
OptionalText = Optional[str]  # noqa: UP045


def aim(
    config: Annotated[
        OptionalPath,
        typer.Option("--config", "-c", help="Configuration file (default: the service's, if there is one)."),
    ] = None,
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
    from driver_monitor.config import lock

    if config is None and lock.FILE.exists():
        config = lock.FILE  # an installer means the configuration of the service
    try:
        run(Request(config, source), bind)
    except KeyboardInterrupt:
        print("Stopped: no picture is shown any more.")
