"""Runs `driver_monitor.gpio.off`, which switches the pins off. Installed systemd units start it by this name."""

import sys

from driver_monitor.gpio.off import main

if __name__ == "__main__":
    sys.exit(main())
