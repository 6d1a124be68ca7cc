"""Opens a table of the form that a user names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

from driver_monitor.bench.tables.columns import TableColumn
from driver_monitor.bench.tables.csv_table import CsvTable
from driver_monitor.errors import UsageError

FORMS = ("parquet", "csv")


class TableFile(Protocol):
    """A table that is being written."""

    def add(self, line: Mapping[str, Any]) -> None:
        """Add the row of a line. Raises `CellError`, and `OSError` if the file cannot be written."""

    def finish(self) -> None:
        """Write what still waits."""

    def abandon(self) -> None:
        """Write nothing more, also not when the object is deleted."""


def check_form(form: str) -> None:
    """Raise `UsageError` if tables of this form need an extra that is not installed."""
    if form == "parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError:
            raise UsageError(
                "Parquet needs pyarrow; install it with `pip install 'driver-monitor[tables]'`, or take --format csv"
            ) from None


@contextmanager
def open_table(file: TextIO, form: str, columns: Sequence[TableColumn]) -> Iterator[TableFile]:
    """Write a table into `file`, which has just been opened. It is whole at the end of the `with` block.

    Raises `UsageError` as `check_form`.
    """
    check_form(form)
    table: TableFile
    if form == "parquet":
        from driver_monitor.bench.tables.parquet_table import ParquetTable

        table = ParquetTable(file.buffer, columns)
    else:
        table = CsvTable(file, columns)
    try:
        yield table
        table.finish()
    finally:
        table.abandon()
