"""Runs `driver-monitor label`: finds the clips, makes the first one ready, and serves the page."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from driver_monitor.bench.batch.find_clips import SUFFIXES, find_files, is_folder
from driver_monitor.bench.label.desk import DeskSetting, LabelDesk, OnStep
from driver_monitor.bench.label.web_app import web_app
from driver_monitor.errors import OutputError, UsageError
from driver_monitor.messages.lines import one_line
from driver_monitor.web.access import Access, hosts_of, new_token, page_address
from driver_monitor.web.server import LOOPBACK, PageServer, bound

RETRY_S = 2.0
"""Seconds between two tries to save what could not be saved."""


def label(setting: DeskSetting) -> None:
    """Serve the page until an exception such as `KeyboardInterrupt` ends it. Raises `DriverMonitorError`.

    `OutputError` at the end: labels could not be saved.
    """
    with ExitStack() as opened:
        with _progress() as on_step:
            desk = LabelDesk(setting, on_step)
            opened.callback(desk.close)
            desk.session(0)
        listener = bound(LOOPBACK)
        opened.callback(listener.close)
        address, port = listener.getsockname()[:2]
        token = new_token()
        server = PageServer(web_app(desk, Access(token, hosts_of(address, port))), listener, desk, "label")
        opened.callback(server.close)
        print(f"Open this page: {page_address(address, port, token)}")
        print(f"It shows the pictures of the clip, on this machine only. Only labels are written, to {setting.labels}.")
        print("Every change is saved at once. It ends with Ctrl-C.", flush=True)
        try:
            server.run(Retry(desk).check)
        finally:
            desk.retry()
            if faults := desk.faults():
                raise OutputError(f"labels are not saved: {one_line('; '.join(faults))}")


class Retry:
    """Saves again every `period_s` seconds what could not be saved."""

    def __init__(self, desk: LabelDesk, period_s: float = RETRY_S) -> None:
        self._desk, self._period_s, self._last = desk, period_s, time.monotonic()

    def check(self) -> None:
        """Save again if it is time. Call it several times a second."""
        if time.monotonic() - self._last >= self._period_s:
            self._desk.retry()
            self._last = time.monotonic()


def clips_of(paths: Sequence[Path]) -> list[Path]:
    """Return the clips: files as they are, and those in folders and their subfolders. Raises `UsageError`: none."""
    found: list[Path] = []
    for path in paths:
        if not is_folder(path):
            found.append(path)
            continue
        clips, faults = find_files(path, SUFFIXES)
        if faults:
            raise UsageError(faults[0])
        if not clips:
            raise UsageError(f"{path}: no clips in this folder; give a clip")
        found += clips
    return list(dict.fromkeys(found))


@contextmanager
def _progress() -> Iterator[OnStep]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda what, done, total: progress.update(task, description=what, completed=done, total=total)
