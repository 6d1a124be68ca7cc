"""How a tool with `--own` ends after a fault that its user can mend: one line, and the exit code of the fault."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from driver_monitor.errors import DriverMonitorError, UsageError

EXTRA = "pip install -e '.[train]'"


@contextmanager
def one_line_faults() -> Iterator[None]:
    """Turn `DriverMonitorError`, and a package that is not installed, into a line on stderr and `SystemExit`."""
    try:
        yield
    except ModuleNotFoundError as error:
        _end(UsageError(f"this needs {error.name}, which is not installed: {EXTRA}"))
    except DriverMonitorError as error:
        _end(error)


def _end(error: DriverMonitorError) -> None:
    print(f"error: {error}", file=sys.stderr)
    raise SystemExit(error.exit_code)
