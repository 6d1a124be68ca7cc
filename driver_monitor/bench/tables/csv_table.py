"""Writes a table as CSV (RFC 4180, but with line feeds): UTF-8, a line of names, then a line for each row."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from driver_monitor.bench.tables.columns import TableColumn, row_reader

BETWEEN = ";"
"""Stands between the members of a list in one field. No name of a rule has it."""


class CsvTable:
    """Writes lines as rows. Unknown is an empty field, yes and no are `true` and `false`, lists are joined by `;`."""

    def __init__(self, file: TextIO, columns: Sequence[TableColumn]) -> None:
        self._read = row_reader(columns)
        self._rows = csv.writer(_LineFeeds(file))
        self._rows.writerow([column.name for column in columns])

    def add(self, line: Mapping[str, Any]) -> None:
        """Write the row of a line. Raises `CellError`."""
        self._rows.writerow([_field(cell) for cell in self._read(line)])

    def finish(self) -> None:
        """Do nothing: each row is written at once."""

    def abandon(self) -> None:
        """Do nothing."""


class _LineFeeds:
    """Ends each row with a line feed. With such a `lineterminator`, `csv` would not quote carriage returns."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> None:
        """Write a row that ends with CR LF."""
        self._file.write(f"{row[:-2]}\n")


def _field(cell: Any) -> Any:
    if cell is True or cell is False:
        return "true" if cell else "false"
    return BETWEEN.join(map(str, cell)) if type(cell) is list else cell
