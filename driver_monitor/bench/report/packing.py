"""Packs the series of a run into one text for the page. A script unpacks every number exactly as it is in the JSON.

The text is base64 of gzip of one block for each series. A block of *steps* holds whole numbers: value times 10^digits
(or the code of a word), as the difference to the last known one. The difference d is written as 2 d + 1 (d >= 0) or
-2 d (d < 0), and 0 means unknown. Each is 32 bits, stored as four planes: first the low byte of each frame, last the
high one. A block of *floats* holds 64-bit floats (NaN: unknown), for numbers with more than `MOST_DIGITS` decimals.
"""

from __future__ import annotations

import base64
import gzip
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver_monitor.bench.report.columns import Columns, WordColumn
from driver_monitor.bench.runs.read_run import Floats

MOST_DIGITS = 6
LARGEST = 2**29
"""Numbers up to this size fit: twice their difference needs 31 bits."""
UNKNOWN_PREFIX = "unknown."
"""The series of causes are called `unknown.eyes` and so on."""


def pack(columns: Columns) -> tuple[str, list[dict[str, Any]]]:
    """Return the text, and for each series `name`, `kind` (steps or floats), `at` (first byte), `digits` or `table`."""
    blocks: list[bytes] = []
    series: list[dict[str, Any]] = []
    at = 0
    for name, values in columns.numbers.items():
        block, how = _numbers(values)
        series.append({"name": name, "at": at, **how})
        blocks.append(block)
        at += len(block)
    causes = {UNKNOWN_PREFIX + name: column for name, column in columns.unknown.items()}
    for name, words in {**columns.words, **causes}.items():
        block = _words(words)
        series.append({"name": name, "at": at, "kind": "steps", "table": list(words.table)})
        blocks.append(block)
        at += len(block)
    packed = gzip.compress(b"".join(blocks), 9, mtime=0)
    return base64.b64encode(packed).decode(), series


def _numbers(values: Floats) -> tuple[bytes, dict[str, Any]]:
    known = ~np.isnan(values)
    for digits in range(MOST_DIGITS + 1):
        scaled = np.round(values[known] * 10.0**digits)
        # The nearest float of k / 10^digits is what a JSON parser reads, so nothing is lost if they are equal.
        if (np.abs(scaled) < LARGEST).all() and (scaled / 10.0**digits == values[known]).all():
            return _steps(scaled.astype(np.int64), known), {"kind": "steps", "digits": digits}
    return bytes(values.astype("<f8").tobytes()), {"kind": "floats"}


def _words(column: WordColumn) -> bytes:
    known = column.codes > 0
    return _steps(column.codes[known].astype(np.int64) - 1, known)


def _steps(whole: NDArray[np.int64], known: NDArray[np.bool_]) -> bytes:
    steps = np.diff(whole, prepend=0)
    codes = np.zeros(len(known), "<u4")
    codes[known] = np.where(steps >= 0, 2 * steps + 1, -2 * steps).astype(np.uint32)
    return bytes(codes.view(np.uint8).reshape(-1, 4).T.tobytes())
