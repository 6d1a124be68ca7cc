"""Runs `driver_monitor.gpio.off`, which switches buzzer and LED off. Installed systemd units use this name."""

import sys

from driver_monitor.gpio.off import main

if __name__ == "__main__":
    sys.exit(main())
