"""Switches buzzer and LED off: `python -m driver_monitor.outputs.gpio_off --config F`.

The systemd unit calls it in `ExecStopPost`, because pins keep their level when a process is killed with SIGKILL.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from driver_monitor.config import schema as config
from driver_monitor.errors import DriverMonitorError
from driver_monitor.gpio.pins import open_pins


def main(arguments: Sequence[str] | None = None, factory: Any = None) -> int:
    """Open the configured pins, which switches them off, and close them. Returns the first error's exit code, or 0.

    Errors are printed. If the configuration is wrong, the default pins are used: the killed daemon may have started
    with an earlier version of the file, most likely with these pins. With backend `auto`, pins that cannot be opened
    are no error. `factory`: as in `GpioOutput`.
    """
    parser = argparse.ArgumentParser(prog="python -m driver_monitor.outputs.gpio_off", description=__doc__)
    parser.add_argument("--config", type=Path, help="the daemon's configuration; default: the program's own")
    given = parser.parse_args(arguments)
    try:
        settings, exit_code = config.load(given.config).gpio, 0
    except DriverMonitorError as error:
        print(f"{error}; the default pins are switched off", file=sys.stderr)
        settings, exit_code = config.GpioConfig(), error.exit_code
    try:
        open_pins(settings, factory).close()
    except DriverMonitorError as error:
        print(error, file=sys.stderr)
        return exit_code or error.exit_code
    return exit_code
