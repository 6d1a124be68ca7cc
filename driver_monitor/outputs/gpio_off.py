"""Installed systemd units start this name; the program itself is `driver_monitor.gpio.off`."""

from __future__ import annotations

import sys

from driver_monitor.gpio.off import main

if __name__ == "__main__":
    sys.exit(main())
