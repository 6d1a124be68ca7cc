"""The verb `aim`: checks that the packages of its extra are there, and shows the page."""

from __future__ import annotations

import importlib.util
import shlex
import sys

from driver_monitor import PROGRAM
from driver_monitor.app.build import Request
from driver_monitor.config import lock
from driver_monitor.errors import UsageError

PACKAGES = ("starlette", "uvicorn", "websockets")
"""The packages of the extra `aim` (pyproject.toml)."""


def aim(request: Request, bind: str | None) -> None:
    """Show the aiming page to its end; Ctrl-C ends it too. Raises `DriverMonitorError`."""
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        install = f"{shlex.quote(sys.executable)} -m pip install {' '.join(PACKAGES)}"
        raise UsageError(f"{PROGRAM} aim needs {', '.join(missing)}; install with: {install}")
    from driver_monitor.aim.run import run

    if request.config is None and lock.FILE.exists():
        # An installer means the configuration of the service.
        request = Request(lock.FILE, request.source, request.profile, request.track)
    try:
        run(request, bind)
    except KeyboardInterrupt:
        print("Stopped: no picture is shown any more.")
