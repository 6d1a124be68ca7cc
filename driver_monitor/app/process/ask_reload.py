"""Reloads a running service and waits for the outcome. `ExecReload=` of the unit calls it with the PID of the daemon.

systemd counts a reload as failed only if a command of `ExecReload=` fails. A signal alone cannot fail, and before
version 253 `Type=notify-reload` does not exist; where it does, the service has no way to tell it that a reload failed.
So this program sends the signal, waits for what the daemon writes to `OUTCOME`, and fails when the daemon refused.

A reload that another request started may still run. It may have read the file before it was changed, so its outcome is
no answer. An answer is the outcome of a reload that began after this request.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from driver_monitor.app.process.systemd import OUTCOME
from driver_monitor.disk.regular_file import read_regular

PATIENCE_S = 30.0
"""Longest wait for the daemon (ours): under the 60 s of systemd's limit, over the time of loading all models anew."""
POLL_S = 0.05
MAX_BYTES = 100_000
"""A longer file is no outcome (ours). A fault has about 300 characters (`status.LONGEST_FAULT`)."""


def main(arguments: Sequence[str], environment: Mapping[str, str] = os.environ, patience_s: float = PATIENCE_S) -> int:
    """Send SIGHUP to the process that `arguments` names. Returns 0, or 1 with a line why the old values stay."""
    folder = environment.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if len(arguments) != 1 or not arguments[0].isdecimal() or not folder:
        return _failed(
            "use it in a unit: ExecReload=... -m driver_monitor.app.process.ask_reload $MAINPID, RuntimeDirectory="
        )
    pid, path, end = int(arguments[0]), Path(folder) / OUTCOME, time.monotonic() + patience_s
    asked_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    try:
        os.kill(pid, signal.SIGHUP)
    except (OSError, OverflowError) as error:
        return _failed(f"process {pid}: {getattr(error, 'strerror', error)}; is the service running?")
    while True:
        # Not later: a daemon may answer and then end.
        runs = _runs(pid)
        answer = _answer(path, pid, asked_ns)
        if answer is not None:
            fault = answer.get("fault")
            return 0 if fault is None else _failed(fault)
        if not runs:
            return _failed("the daemon ended before it answered; see its journal")
        if time.monotonic() > end:
            return _failed(f"the daemon has not answered for {patience_s:g} s; see its journal")
        time.sleep(POLL_S)


def _failed(why: str) -> int:
    print(f"reload: {why}", file=sys.stderr)
    return 1


def _runs(pid: int) -> bool:
    """Return whether the process `pid` is there, and may still be sent a signal."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _answer(path: Path, pid: int, asked_ns: int) -> dict[str, Any] | None:
    """Return the outcome in `path` if it is of a reload of process `pid` that began at `asked_ns` or later, else None.

    `asked_ns`: CLOCK_MONOTONIC, nanoseconds.
    """
    with suppress(OSError, ValueError, RecursionError):
        outcome = json.loads(read_regular(path, MAX_BYTES))
        began_ns = outcome.get("began_ns") if isinstance(outcome, dict) and outcome.get("pid") == pid else None
        if isinstance(began_ns, int) and began_ns >= asked_ns:
            return dict(outcome)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
