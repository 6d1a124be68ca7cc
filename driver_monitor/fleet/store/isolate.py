"""Stores a batch although one of its rows cannot be stored: the batch is halved until this row is alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from driver_monitor.fleet.store.rows import AlertRow, Batch, DeadLetter, PutResult
from driver_monitor.fleet.store.store import StoreError

log = logging.getLogger(__name__)

SAME_ID = "id: another alert with this id is stored already, with other bytes"
"""The reason of a dead letter."""


class RowFaultError(Exception):
    """The engine refuses a batch because of what one of its rows holds. The text is its reason."""


@contextmanager
def no_row_fault(store: object) -> Iterator[None]:
    """Raise `StoreError` for what the engine cannot compute in this block, which reads. `store`: its name."""
    try:
        yield
    except RowFaultError as fault:
        raise StoreError(f"{store}: a row in it cannot be read: {fault}; please report it") from fault


def put_rows(batch: Batch, write: Callable[[Batch], PutResult]) -> PutResult:
    """Store `batch` with `write`, one transaction that raises `RowFaultError`. A row that fails becomes a dead letter.

    The halves of a batch are transactions of their own. That is safe: what is stored already changes nothing.
    """
    try:
        return write(batch)
    except StoreError:
        raise
    except Exception as fault:
        # Also a fault of this program: one message must not stop the messages of all vehicles.
        if not isinstance(fault, RowFaultError):
            log.exception("a batch cannot be stored; its rows are tried one by one")
        rows = batch.rows()
        if len(rows) > 1:
            middle = len(rows) // 2
            first, second = Batch.of(rows[:middle]), Batch.of(rows[middle:])
            return _joined(put_rows(first, write), put_rows(second, write), len(first.alerts))
        if not rows or isinstance(rows[0], DeadLetter):
            raise
        reason = f"store: it refuses this row: {fault}"
        write(Batch(dead=[rows[0].dead(reason)]))
        return PutResult(refused={0: reason}) if isinstance(rows[0], AlertRow) else PutResult(spoiled=(reason,))


def _joined(first: PutResult, second: PutResult, offset: int) -> PutResult:
    return PutResult(
        first.known | {offset + index for index in second.known},
        first.refused | {offset + index: reason for index, reason in second.refused.items()},
        first.spoiled + second.spoiled,
    )
