"""Choose rows of a table: a dataclass whose fields are arrays with a row for each picture."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Table = TypeVar("Table", bound="DataclassInstance")


def rows_of(table: Table, rows: NDArray[np.bool_]) -> Table:
    """Return the table with some of its rows. `rows` (n,): which."""
    return type(table)(*(getattr(table, field.name)[rows] for field in fields(table)))
