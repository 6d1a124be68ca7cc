"""Writes a table as Parquet, compressed with zstd. Needs pyarrow, the extra `tables`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from driver_monitor.bench.tables.columns import ColumnKind, TableColumn, row_reader

CHUNK = 1000
"""Rows that wait as Python objects (ours): at most 5 MB."""
GROUP = 18_000
"""Rows of a row group (ours): ten minutes at 30 frames a second, at most 20 MB of memory while they are collected."""
_TYPES: dict[ColumnKind, Any] = {
    "number": pa.float64(), "whole": pa.int64(), "bool": pa.bool_(), "known": pa.bool_(), "text": pa.string(),
    "json": pa.string(), "numbers": pa.list_(pa.float64()), "texts": pa.list_(pa.string()),
}  # fmt: skip


def schema_of(columns: Sequence[TableColumn]) -> Any:
    """Return the `pyarrow.Schema`. It never depends on the rows, so tables of many runs can be put together."""
    return pa.schema([
        pa.field(column.name, _TYPES[column.kind], metadata=_described(column)) for column in columns
    ])  # fmt: skip


def _described(column: TableColumn) -> dict[str, str]:
    about = {"meaning": column.meaning, "unit": column.unit}
    return {name: text for name, text in about.items() if text}


class ParquetTable:
    """Writes lines as rows, a row group at a time. Without `finish` the file cannot be read."""

    def __init__(self, file: BinaryIO, columns: Sequence[TableColumn]) -> None:
        self._read = row_reader(columns)
        self._schema = schema_of(columns)
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")
        self._rows: list[list[Any]] = []
        self._batches: list[Any] = []

    def add(self, line: Mapping[str, Any]) -> None:
        """Add the row of a line. Raises `CellError`, and `OSError` if the file cannot be written."""
        self._rows.append(self._read(line))
        if len(self._rows) == CHUNK:
            self._pack()
        if len(self._batches) * CHUNK >= GROUP:
            self._write()

    def finish(self) -> None:
        """Write the last row group and the end of the file."""
        self._pack()
        self._write()
        self._writer.close()

    def abandon(self) -> None:
        """Write nothing more. Else pyarrow writes the end of the file when it is too late, and says so on stderr."""
        self._writer.is_open = False

    def _pack(self) -> None:
        """Turn the waiting rows into arrays, which take less memory."""
        if self._rows:
            cells = zip(self._schema, zip(*self._rows, strict=True), strict=True)
            arrays = [_array(values, field.type) for field, values in cells]
            self._batches.append(pa.record_batch(arrays, schema=self._schema))
            self._rows = []

    def _write(self) -> None:
        if self._batches:
            self._writer.write_table(pa.Table.from_batches(self._batches), row_group_size=GROUP)
            self._batches = []


def _array(values: Sequence[Any], kind: Any) -> Any:
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:  # half a surrogate pair, from a name that is not UTF-8: as in the JSON lines
        texts = [value and value.encode("utf-8", "backslashreplace").decode() for value in values]
        return pa.array(texts, kind)
