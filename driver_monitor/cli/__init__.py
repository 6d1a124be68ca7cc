"""The command line: one function for each verb, and the live view of a running daemon.

It may import every folder. Only `__main__` and the console script import it.
"""

from driver_monitor.cli.commands import main

__all__ = ["main"]
