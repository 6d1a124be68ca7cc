"""`python -m driver_monitor` is `driver-monitor`."""

from driver_monitor.cli import main

main()
