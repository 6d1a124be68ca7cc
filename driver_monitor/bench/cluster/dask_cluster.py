"""Do the clips of a batch on a cluster of dask.distributed: one task for each clip."""

from __future__ import annotations

import logging
import queue
import secrets
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from driver_monitor.bench.batch.processes import RETRIES, Job, Outcome, Result, Runner
from driver_monitor.bench.batch.progress import BatchProgress
from driver_monitor.bench.cluster import on_worker
from driver_monitor.bench.cluster.address import MISSING, ClusterAddress
from driver_monitor.bench.cluster.workers import KnownWorkers
from driver_monitor.errors import ClusterError, UsageError

CONNECT_S = 30.0
"""Longest wait for the scheduler (ours)."""
LOOK_S = 2.0
"""Time between two looks for new workers (ours)."""
ALONE_S = 60.0
"""Longest wait while there is no worker that may be used (ours): one that is restarted needs some seconds."""


class DaskCluster:
    """A cluster. `client`: of dask. `address`: shown in errors. `out`: the folder of the results, seen by all workers.

    The paths of jobs must be absolute.
    """

    def __init__(self, client: Any, address: str, out: Path) -> None:
        self._client, self._address, self._out = client, address, out

    def run(
        self, runner: Runner[Job, Result], jobs: Sequence[Job], progress: BatchProgress
    ) -> Iterator[Outcome[Job, Result]]:
        """Yield outcomes as jobs end. Raises `ClusterError` if the cluster or all of its workers are lost."""
        known = KnownWorkers(self._client, runner.plan, self._out)
        batch = _Tasks(self._client, known, runner, jobs, progress, self._address)
        try:
            yield from batch.outcomes()
        finally:
            batch.cancel()


class _Tasks:
    def __init__(
        self, client: Any, known: KnownWorkers, runner: Runner[Any, Any], jobs: Sequence[Any],
        progress: BatchProgress, address: str,
    ) -> None:  # fmt: skip
        self._client, self._known, self._runner, self._jobs = client, known, runner, jobs
        self._progress, self._address = progress, address
        self._todo = deque(range(len(jobs)))
        self._running: dict[Any, int] = {}
        self._events: queue.Queue[Any] = queue.Queue()
        self._topic = f"driver-monitor-{secrets.token_hex(8)}"
        client.subscribe_topic(self._topic, lambda event: self._events.put(event[1]))

    def outcomes(self) -> Iterator[Outcome[Any, Any]]:
        last_seen, next_look = time.monotonic(), 0.0
        while self._todo or self._running:
            if time.monotonic() >= next_look:
                self._look()
                next_look = time.monotonic() + LOOK_S
            if self._known.good:
                last_seen = time.monotonic()
                self._submit()
            elif time.monotonic() - last_seen > ALONE_S:
                raise ClusterError(f"{self._address}: no worker that can be used for {ALONE_S:.0f} s; start one")
            try:
                event = self._events.get(timeout=LOOK_S / 4)
            except queue.Empty:
                self._progress.show()
                continue
            if isinstance(event, list | tuple):
                self._report(*event)
            elif (outcome := self._outcome(event)) is not None:
                yield outcome

    def cancel(self) -> None:
        """Give up what has not begun. A clip that a worker has begun is finished there: it cannot be interrupted."""
        if self._running and self._client.status == "running":
            self._client.cancel(list(self._running), force=True)
        self._running.clear()

    def _look(self) -> None:
        try:
            self._known.look()
        except OSError as error:
            self._gone(error)

    def _submit(self) -> None:
        # One task a worker: dask blames the loss of a worker on all tasks that wait there, and gives them up too.
        while self._todo and len(self._running) < len(self._known.good):
            index = self._todo.popleft()
            future = self._client.submit(
                on_worker.attempt,
                *(self._runner, self._jobs[index], index, self._topic),
                key=f"{self._topic}-{index}",
                workers=self._known.good,
                retries=RETRIES,
                pure=False,
            )
            self._running[future] = index
            self._progress.begin(index)
            future.add_done_callback(self._events.put)

    def _report(self, index: int, done: int, total: int | None) -> None:
        if index in self._running.values():
            self._progress.update(index, done, total)

    def _outcome(self, future: Any) -> Outcome[Any, Any] | None:
        index = self._running.pop(future, None)
        if index is None:
            return None
        job = self._jobs[index]
        if future.status == "cancelled":
            self._gone("it has forgotten the clips")
        if future.status == "finished":
            result, error = future.result()
        else:
            result, error = None, self._fault(job, future.exception())
            self._runner.clean(job)
        self._progress.end(index, error is not None)
        return Outcome(job, result, error)

    def _fault(self, job: Any, error: BaseException | None) -> str:
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            return f"{job.clip}: several workers were lost while they did this clip, perhaps for lack of memory"
        return f"{job.clip}: its task failed on the cluster: {type(error).__name__}: {error}"

    def _gone(self, why: object) -> None:
        raise ClusterError(f"{self._address}: the scheduler is lost ({why}); start it again and add --resume")


@contextmanager
def connected(address: ClusterAddress, out: Path) -> Iterator[DaskCluster]:
    """Connect to a scheduler. `out`: the folder of the results.

    Raises `UsageError` if the extra is missing, `ClusterError` if no scheduler answers.
    """
    try:
        import distributed
    except ImportError:
        raise UsageError(MISSING) from None
    # A worker that is lost is told in a line of ours. dask tells the same in tracebacks.
    for name in ("distributed", "distributed.client"):  # dask gives each a level of its own
        logging.getLogger(name).setLevel(logging.CRITICAL)
    connect: Any = distributed.Client  # dask has no types
    try:
        client = connect(address.url, security=address.security(), timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise ClusterError(
            f"{address.url}: no scheduler can be reached ({why}); start `dask scheduler` there"
        ) from error
    try:
        yield DaskCluster(client, address.url, out)
    finally:
        client.close(timeout=2)
