"""Writes the tables of a run while it is replayed."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from driver_monitor.bench.runs.run_folder import RunFolder
from driver_monitor.bench.tables.columns import EVENT_COLUMNS, SIGNAL_COLUMNS
from driver_monitor.bench.tables.table_file import open_table

if TYPE_CHECKING:
    from driver_monitor.bench.replays.writers import ReplayedFrame


class TableRows:
    """Writes signals.<form>, a row for each frame, and events.<form>, a row for each alert."""

    def __init__(self, form: str, folder: RunFolder, files: ExitStack) -> None:
        self._signals, self._events = (
            files.enter_context(open_table(files.enter_context(folder.open(f"{name}.{form}")), form, columns))
            for name, columns in (("signals", SIGNAL_COLUMNS), ("events", EVENT_COLUMNS))
        )

    def write(self, frame: ReplayedFrame) -> None:
        """See `RunWriter`."""
        self._signals.add(frame.line)
        for alert in frame.alerts:
            self._events.add(alert)
