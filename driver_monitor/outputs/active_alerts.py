"""Keeps the active alerts on disk, so that the next start can end them if the process is killed.

The file has one line for each alert message, and is emptied when no alert is active. A thread writes, so alerts need
not wait for the disk. Alerts that stay on this machine are never written: the file must not tell what others may not
know.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from driver_monitor.messages import wire
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.output import Output
from driver_monitor.threads.worker import QueueWorker

FILE = "active-alerts.jsonl"
MAX_BYTES = 1_000_000
"""Longest file that is read, and length from which it is written anew (ours). A message has about 1,000 bytes."""
HEARD_S = 5.0
"""Time after which a message that ends an alert of an earlier run counts as heard (ours). A subscriber connects again
within a second. If the daemon ends sooner, the next start ends the alert again."""
CLOSE_S = 0.3
"""Time limit for writing the queued messages at the end (ours)."""

log = logging.getLogger(__name__)


class ActiveAlerts(Output):
    """Writes the active alerts to a file in `folder`, which only its owner can read. `folder` is created if necessary.

    A second daemon with the same folder keeps nothing. A disk that fails ends nothing, and is not logged:
    `AlertSequence` reports the same disk. `clock`: returns monotonic seconds.
    """

    name = "active_alerts"
    local = True

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = folder / FILE
        self._file: int | None = None
        self._active: dict[str, Message] = {}
        self._spoilt = False
        self._clock = clock
        self._ended: list[tuple[float, Message]] = []
        self._worker: QueueWorker[Message] = QueueWorker("active-alerts", self._take, wait=self._wait)
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            file = _open_locked(self._path, os.O_RDWR | os.O_CREAT)
            try:
                os.fchmod(file, 0o600)
                self._active = {str(alert["episode"]): alert for alert in _read(file, self._path)}
            except OSError:
                os.close(file)
                raise
            self._file = file
        if self._file is not None:
            self._worker.start()

    def alert(self, alert: Message) -> None:
        """Take one alert; one without a number is not kept."""
        if self._file is not None and (alert.get("seq") is not None or alert.get("phase") == "cleared"):
            self._worker.put(alert)

    def close(self) -> None:
        """Write what is queued. The file and its lock stay open if the thread hangs."""
        if self._worker.close(CLOSE_S) and self._file is not None:
            os.close(self._file)
            self._file = None

    def _take(self, alert: Message) -> None:
        if alert.get("restart"):
            self._ended.append((self._clock() + HEARD_S, alert))
        else:
            self._keep(alert)

    def _wait(self) -> None:
        """Wait for an alert. Then forget the alerts of an earlier run whose end has been heard."""
        self._worker.wait(HEARD_S if self._ended else None)
        while self._ended and self._ended[0][0] <= self._clock():
            self._keep(self._ended.pop(0)[1])

    def _keep(self, alert: Message) -> None:
        episode, cleared = str(alert["episode"]), alert.get("phase") == "cleared"
        if cleared and self._active.pop(episode, None) is None:
            return
        if not cleared:
            self._active[episode] = alert
        with suppress(OSError):
            if self._file is not None:
                self._write(alert, self._file)

    def _write(self, alert: Message, file: int) -> None:
        size = os.fstat(file).st_size
        anew = self._spoilt or not self._active or size > MAX_BYTES // 2
        at = 0 if anew else size
        data = memoryview(b"".join(wire.encode(one) + b"\n" for one in (self._active.values() if anew else [alert])))
        self._spoilt = True  # until all is written: half a line would spoil the next one
        os.ftruncate(file, at)
        while data:
            written = os.pwrite(file, data, at)
            data, at = data[written:], at + written
        os.fsync(file)
        self._spoilt = False


def left_active(folder: Path) -> list[Message]:
    """Return the last message of each alert that an earlier daemon left active. Damaged lines are lost.

    Empty if there is none, if the file cannot be read, or if another daemon uses it.
    """
    path = folder / FILE
    try:
        file = _open_locked(path, os.O_RDONLY)
    except OSError:
        return []
    try:
        return _read(file, path)
    except OSError:
        return []
    finally:
        os.close(file)


def _open_locked(path: Path, flags: int) -> int:
    """Open a regular file and lock it. Never waits, also not for a pipe. Raises `OSError`, also if it is locked."""
    file = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError("not a regular file")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(file)
        raise
    return file


def _read(file: int, path: Path) -> list[Message]:
    lines = os.pread(file, MAX_BYTES, 0).splitlines()
    alerts = [_alert(line) for line in lines]
    if None in alerts:
        log.warning("%s: damaged lines are ignored: %d of %d", path, alerts.count(None), len(lines))
    last: dict[str, Message] = {}
    for alert in alerts:
        if alert is not None and alert["phase"] == "cleared":
            last.pop(alert["episode"], None)
        elif alert is not None:
            last[alert["episode"]] = alert
    return list(last.values())


def _alert(line: bytes) -> dict[str, Any] | None:
    """Return the alert message in `line`, or None if it is none: other parts rely on these fields."""
    try:
        alert = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(alert, dict) or alert.get("phase") not in ("raised", "escalated", "cleared"):
        return None
    evidence = alert.get("evidence")
    texts = all(isinstance(alert.get(name), str) for name in ("rule", "episode", "level", "message"))
    whole = isinstance(evidence, dict) and all(
        isinstance(evidence.get(name), dict) for name in ("measured", "threshold")
    )
    return alert if texts and whole else None
