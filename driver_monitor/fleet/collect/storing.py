"""The thread that writes batches into the store. A store that does not answer is tried again until it does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

from driver_monitor.errors import OutputError
from driver_monitor.fleet.store.rows import Batch, PutResult, Row
from driver_monitor.fleet.store.store import Store, StoreDownError, StoreError
from driver_monitor.threads.worker import Worker

RETRY_S, LONGEST_RETRY_S = 0.5, 5.0
"""Time until a store that does not answer is tried again. It doubles up to the longest (ours)."""
FIRST_TIDY_S, TIDY_S = 10.0, 3600.0
"""Time to the first deletion of what is older than the retention, and between two of them (ours)."""

log = logging.getLogger(__name__)


class StoringThread:
    """Writes one batch at a time. `wake` is called in its thread when a batch is stored, or when the thread has failed.

    `down`: the store does not answer at present. `ready`: it has answered once.
    """

    def __init__(self, store: Store, wake: Callable[[], object]) -> None:
        self.down = self.ready = False
        self._store, self._wake_owner = store, wake
        self._given: Sequence[Row] | None = None
        self._done: tuple[Sequence[Row], PutResult] | None = None
        self.worker = Worker("store", self._work, ended=wake)

    @property
    def busy(self) -> bool:
        """Whether a batch is being written, or its result was not taken."""
        return self._given is not None or self._done is not None

    def give(self, rows: Sequence[Row]) -> None:
        """Write `rows` in one transaction. Only when not `busy`."""
        self._given = rows
        self.worker.wake()

    def take(self) -> tuple[Sequence[Row], PutResult] | None:
        """Return the rows of the batch that was stored, with the result; None: none was."""
        done, self._done = self._done, None
        return done

    def close(self, timeout_s: float) -> bool:
        """End the thread after the present batch. Returns False if the store did not answer in time."""
        closed = self.worker.close(timeout_s)
        if closed:
            self._store.close()
        return closed

    def _work(self) -> None:
        self._until_it_answers(self._store.check_schema)
        self.ready = True
        self._wake_owner()
        while not self.worker.closing or self._given is not None:
            rows = self._given
            if rows is None:
                self.worker.wait()
                continue
            result = self._until_it_answers(lambda: self._store.put(Batch.of(rows)))  # noqa: B023
            if result is None:
                return
            self._done, self._given = (rows, result), None
            self._wake_owner()

    def _until_it_answers(self, call: Callable[[], PutResult | None]) -> PutResult | None:
        """Return what `call` returns; None if the thread is closed while the store does not answer.

        Before the first answer, a `StoreError` ends the thread: an operator has to do something.
        """
        wait_s = RETRY_S
        while True:
            try:
                result = call()
            except StoreDownError as error:
                self._say_down(error)
            except StoreError as error:
                if not self.ready:
                    raise
                self._say_down(error)
            else:
                if self.down:
                    log.info("the store answers again")
                self.down = False
                return result
            if self.worker.closing:
                return None
            self.worker.wait(wait_s)
            wait_s = min(wait_s * 2, LONGEST_RETRY_S)

    def _say_down(self, error: StoreError) -> None:
        if not self.down:
            log.warning("%s; nothing is acknowledged until it answers", error)
        self.down = True


class TidyThread:
    """Deletes what is older than the retention, once an hour. `store`: one of its own, so that storing never waits."""

    def __init__(self, store: Store, first_s: float = FIRST_TIDY_S) -> None:
        self._store, self._first_s = store, first_s
        self.worker = Worker("tidy", self._work)

    def check(self) -> None:
        """Raise `OutputError` if the thread has failed: alerts would be kept for ever, and nobody would notice."""
        if self.worker.failure is not None:
            raise OutputError(self.worker.failure)

    def close(self, timeout_s: float) -> bool:
        """End the thread. Returns False if the store did not answer in time."""
        return self.worker.close(timeout_s)

    def _work(self) -> None:
        self.worker.wait(self._first_s)
        while not self.worker.closing:
            try:
                deleted = self._store.tidy(datetime.now(timezone.utc))
                if deleted:
                    log.info("deleted %d alerts that are older than the retention", deleted)
            except StoreError as error:
                log.warning("%s; what is too old is deleted in an hour", error)
            self._store.close()
            self.worker.wait(TIDY_S)
