"""Reloads a running service and waits for the outcome. `ExecReload=` of the unit calls it with the PID of the daemon.

systemd counts a reload as failed only if a command of `ExecReload=` fails. A signal alone cannot fail, and before
version 253 `Type=notify-reload` does not exist; where it does, the service has no way to tell it that a reload failed.
So this program sends the signal, waits for what the daemon writes to `OUTCOME`, and fails when the daemon refused.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from driver_monitor.app.process.systemd import OUTCOME

PATIENCE_S = 30.0
"""Longest wait for the daemon (ours): under the 60 s of systemd's limit, over the time of loading all models anew."""
POLL_S = 0.05


def main(arguments: Sequence[str], environment: Mapping[str, str] = os.environ, patience_s: float = PATIENCE_S) -> int:
    """Send SIGHUP to the process that `arguments` names. Returns 0, or 1 with a line why the old values stay."""
    folder = environment.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if len(arguments) != 1 or not arguments[0].isdecimal() or not folder:
        return _failed(
            "use it in a unit: ExecReload=... -m driver_monitor.app.process.ask_reload $MAINPID, RuntimeDirectory="
        )
    path, end = Path(folder) / OUTCOME, time.monotonic() + patience_s
    before = _read(path)
    try:
        os.kill(int(arguments[0]), signal.SIGHUP)
    except (OSError, OverflowError) as error:
        return _failed(f"process {arguments[0]}: {getattr(error, 'strerror', error)}; is the service running?")
    while (outcome := _read(path)) in (None, before):
        if time.monotonic() > end:
            return _failed(f"the daemon has not answered for {patience_s:g} s; see its journal")
        time.sleep(POLL_S)
    fault = json.loads(outcome or "{}").get("fault")
    return 0 if fault is None else _failed(fault)


def _failed(why: str) -> int:
    print(f"reload: {why}", file=sys.stderr)
    return 1


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
