"""The command line: one function for each verb, and the live view of a running daemon.

It may import every folder. Only `__main__` and the console script import it: for the daemon, the import takes over
SIGTERM and SIGINT.
"""

import signal
import sys

from driver_monitor.cli import ending, standard_streams

ending.end_at_once()


def main() -> None:
    """Run the command line; the console script `driver-monitor`."""
    standard_streams.open_missing()
    try:
        from driver_monitor.cli.program.main import main as run_verb

        run_verb()
    except ImportError as error:
        why = " ".join(str(error).split())
        print(f"driver-monitor: a package cannot be imported: {why}; reinstall driver-monitor", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except SystemExit as end:
        ending.end_with_threads(end.code)
        raise


__all__ = ["main"]
