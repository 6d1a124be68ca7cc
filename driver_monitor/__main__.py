"""`python -m driver_monitor` is `driver-monitor`."""

from __future__ import annotations

from driver_monitor.cli.commands import main

main()
