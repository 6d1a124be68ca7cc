"""Runs one check within a time limit. What hangs or fails becomes a finding, and the other checks go on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator

from driver_monitor.doctor.verdicts.finding import Finding, trouble
from driver_monitor.threads.worker import Worker

STOP_S = 1.0
"""Longest wait for a check after Ctrl-C (ours): half of the 2 s in which this program ends."""


def within_limit(
    check: str, ask: Callable[[], Iterable[Finding]], limit_s: float, stopped: threading.Event
) -> Iterator[Finding]:
    """Yield the findings of `ask`. If it takes longer than `limit_s` or fails, yield that as the finding.

    It runs in a thread, which is left behind if it hangs in a driver. A signal that ends the program sets `stopped`,
    and leaves the check `STOP_S` to switch the pins off and to free the camera.
    """
    found: list[Finding] = []
    failed: list[Exception] = []

    def work() -> None:
        try:
            found.extend(ask())
        except Exception as error:  # whatever it is, the other checks must go on
            failed.append(error)

    worker = Worker(f"doctor-{check}", work)
    worker.start()
    try:
        ended = worker.close(limit_s)
    except BaseException:
        stopped.set()
        worker.close(STOP_S)
        raise
    if not ended:
        yield trouble(f"{check}.hangs", limit=limit_s)
    elif failed:
        error = failed[0]
        words = " ".join(f"{type(error).__name__}: {error}".split())
        yield trouble(f"{check}.bug", error=words)
    else:
        yield from found
