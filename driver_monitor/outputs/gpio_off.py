"""The name that installed systemd units start. The program is `driver_monitor.gpio.off`."""

import sys

from driver_monitor.gpio.off import main

if __name__ == "__main__":
    sys.exit(main())
