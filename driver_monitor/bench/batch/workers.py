"""Worker processes of this machine. Each has a pipe of its own, so a lost process costs its own job and no other.

`concurrent.futures` and `multiprocessing.Pool` share queues between their processes: when one process is killed, all
jobs that have not ended are lost, or the pool waits for ever.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic

from driver_monitor.bench.batch.processes import RETRIES, Job, Outcome, Result, Runner
from driver_monitor.bench.batch.progress import BatchProgress
from driver_monitor.bench.batch.worker_process import ENDED, FRAMES, serve
from driver_monitor.errors import OutputError
from driver_monitor.imaging.library_messages import children_reach_the_user

TICK_S = 5.0
"""Longest wait for a message, so that progress is shown meanwhile (ours)."""
END_S = 5.0
"""Longest wait for a process that was told to end; then it is killed (ours). It cleans up in some milliseconds."""


@dataclass(slots=True, eq=False)
class _Worker:
    """A process and this end of its pipe. `index`: of its job, None: it does none. `ready`: it has begun."""

    process: BaseProcess
    pipe: Connection
    index: int | None = None
    ready: bool = False


def run_in_processes(
    runner: Runner[Job, Result], jobs: Sequence[Job], number: int, progress: BatchProgress
) -> Iterator[Outcome[Job, Result]]:
    """Do `jobs` in `number` processes, and yield outcomes as jobs end. At an exception, the processes end too.

    Raises `OutputError` if processes cannot be started.
    """
    batch = _Batch(runner, jobs, number, progress)
    try:
        yield from batch.outcomes()
    except BaseException:
        batch.stop()
        raise
    batch.finish()


class _Batch(Generic[Job, Result]):
    def __init__(self, runner: Runner[Job, Result], jobs: Sequence[Job], number: int, progress: BatchProgress) -> None:
        self._runner, self._jobs, self._number, self._progress = runner, jobs, number, progress
        # With the longest one last, all other processes would wait for it.
        self._todo = deque(progress.estimate.largest_first())
        self._lost = [0] * len(jobs)
        self._workers: dict[Connection, _Worker] = {}
        self._stillborn = 0

    def outcomes(self) -> Iterator[Outcome[Job, Result]]:
        while self._todo or any(worker.index is not None for worker in self._workers.values()):
            for worker in self._workers.values():
                self._give(worker)  # the job of a lost process, when the others are at rest already
            busy = sum(worker.index is not None for worker in self._workers.values())
            for _ in range(min(self._number, len(self._todo) + busy) - len(self._workers)):
                self._start()
            for pipe in wait(list(self._workers), TICK_S):
                worker = self._workers[pipe]  # type: ignore[index]  # only pipes were given
                try:
                    outcome = self._take(worker, worker.pipe.recv())
                except (EOFError, OSError):
                    outcome = self._forget(worker)
                if outcome is not None:
                    yield outcome
            self._progress.show()

    def _start(self) -> None:
        ours, theirs = multiprocessing.Pipe()
        # With the first process comes the tracker, and its start would lift the mask below.
        resource_tracker.ensure_running()
        # Ctrl-C reaches the whole process group. Workers inherit this mask: only the parent ends them.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with children_reach_the_user():
                # Forking a process that has loaded onnxruntime may deadlock in the child, so the children are spawned.
                context = multiprocessing.get_context("spawn")
                process = context.Process(target=serve, args=(theirs,), daemon=True)
                process.start()
        except OSError as error:
            raise OutputError(f"--jobs: cannot start a process: {error.strerror or error}; use fewer jobs") from error
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            theirs.close()  # When the child ends, nobody has this end, and reading ours gives EOFError.
        self._workers[ours] = _Worker(process, ours)
        with suppress(OSError):  # It has just been lost: the next message of its pipe is the end.
            ours.send(self._runner)

    def _take(self, worker: _Worker, message: tuple[str, Any]) -> Outcome[Job, Result] | None:
        """Return the outcome in a message of a worker, None if it holds another thing. A worker at rest gets a job."""
        kind, content = message
        outcome = None
        if kind == FRAMES and worker.index is not None:
            self._progress.update(worker.index, *content)
            return None
        if kind == ENDED and worker.index is not None:
            result, error = content
            outcome = Outcome(self._jobs[worker.index], result, error)
            self._progress.end(worker.index, error is not None)
            worker.index = None
        worker.ready, self._stillborn = True, 0
        self._give(worker)
        return outcome

    def _give(self, worker: _Worker) -> None:
        """Give a job to a worker that is ready and at rest."""
        if self._todo and worker.ready and worker.index is None:
            worker.index = self._todo.popleft()
            self._progress.begin(worker.index)
            with suppress(OSError):  # It has just been lost: the next message of its pipe is the end.
                worker.pipe.send(self._jobs[worker.index])

    def _forget(self, worker: _Worker) -> Outcome[Job, Result] | None:
        """A worker was lost. Return the outcome of its job, None if it had none or if it will be tried again."""
        del self._workers[worker.pipe]
        worker.pipe.close()
        worker.process.join(END_S)
        if not worker.ready:
            self._stillborn += 1
            if self._stillborn > RETRIES:
                raise OutputError("--jobs: the processes end while they start; use fewer jobs, or look for memory")
        if (index := worker.index) is None:
            return None
        job = self._jobs[index]
        self._runner.clean(job)
        self._lost[index] += 1
        if self._lost[index] <= RETRIES:
            self._todo.appendleft(index)
            return None
        self._progress.end(index, True)
        times = f"its process was killed {self._lost[index]} times"
        return Outcome(job, error=f"{job.clip}: {times}, perhaps for lack of memory; use fewer --jobs")

    def finish(self) -> None:
        """Let the workers end: they do nothing any more."""
        for worker in self._workers.values():
            with suppress(OSError):
                worker.pipe.send(None)
        self._join()

    def stop(self) -> None:
        """End the workers at once. They remove what is half done."""
        for worker in self._workers.values():
            worker.process.terminate()
        self._join()

    def _join(self) -> None:
        with _interrupts_wait():
            for worker in self._workers.values():
                worker.process.join(END_S)
                if worker.process.is_alive():
                    worker.process.kill()
                    worker.process.join()
                    if worker.index is not None:
                        self._runner.clean(self._jobs[worker.index])


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """A second Ctrl-C must not leave half results: it is taken up after the block."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
