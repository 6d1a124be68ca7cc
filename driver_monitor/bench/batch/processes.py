"""Run one function over many clips, one at a time or in several processes, with a progress bar."""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Generic, NoReturn, Protocol, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from driver_monitor.app.build import Plan
from driver_monitor.bench.replays.replay import OnProgress
from driver_monitor.errors import DriverMonitorError
from driver_monitor.imaging.library_messages import children_reach_the_user, hide_library_messages
from driver_monitor.outputs import journal

_log = logging.getLogger(__name__)

hiding = ExitStack()
"""Holds `hide_library_messages` in a worker until its process ends."""
PR_SET_PDEATHSIG = 1
"""Option of prctl(2): the kernel sends this process a signal when its parent dies."""


class ClipJob(Protocol):
    """What each job must have: the path of its clip."""

    @property
    def clip(self) -> Path:
        """The path of the clip. Progress bar and errors show it."""


Job = TypeVar("Job", bound=ClipJob)
Result = TypeVar("Result")
Work = Callable[[Job, Plan, OnProgress | None], Result]
"""Does one job and returns its result. It may raise `DriverMonitorError`."""
CleanUp = Callable[[Job], None]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Job, Result]):
    """How a job ended. `result`: what its work returned, None after an error. `error`: one line, None after success."""

    job: Job
    result: Result | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Runner(Generic[Job, Result]):
    """Runs `work` on jobs with one `plan`. `DriverMonitorError` and `OSError` end their own job, others end the run.

    If one of several processes is killed, all jobs that have not ended get an error. `clean_up` removes what a job left
    in a killed process; None: nothing is removed. Other processes import `work` and `clean_up` from their modules.
    """

    work: Work[Job, Result]
    plan: Plan
    clean_up: CleanUp[Job] | None = None

    def run(self, jobs: Sequence[Job], at_a_time: int, console: Console) -> Iterator[Outcome[Job, Result]]:
        """Yield outcomes as jobs end, `at_a_time` processes in parallel. A single one runs here, in order."""
        at_a_time = min(at_a_time, len(jobs))
        if at_a_time > 1 and (fault := _no_processes()):
            _log.warning("/dev/shm: cannot be used: %s; --jobs needs it; going on with one job at a time", fault)
            at_a_time = 1
        return self._one_by_one(jobs, console) if at_a_time <= 1 else self._in_parallel(jobs, at_a_time, console)

    def attempt(self, job: Job, progress: OnProgress | None = None) -> Outcome[Job, Result]:
        """Do `job` here. `DriverMonitorError` and `OSError` become the outcome's error; others pass through."""
        try:
            return Outcome(job, self.work(job, self.plan, progress))
        except DriverMonitorError as error:
            return Outcome(job, error=str(error))
        except OSError as error:
            where = error.filename or job.clip
            return Outcome(job, error=f"{where}: {error.strerror or error}; check the path and its permissions")

    def _one_by_one(self, jobs: Sequence[Job], console: Console) -> Iterator[Outcome[Job, Result]]:
        with _progress_bar(console) as bar:
            for job in jobs:
                task = bar.add_task(escape(job.clip.name), total=None)
                yield self.attempt(job, _updater(bar, task))
                bar.remove_task(task)

    def _in_parallel(self, jobs: Sequence[Job], at_a_time: int, console: Console) -> Iterator[Outcome[Job, Result]]:
        with _progress_bar(console) as bar, _workers(at_a_time) as pool:
            task = bar.add_task("clips", total=len(jobs))
            todo, running = iter(jobs), dict[Future[Outcome[Job, Result]], Job]()
            # Only as many jobs as processes are submitted: a job that waits in the pool could not be cancelled.
            while True:
                for job in islice(todo, at_a_time - len(running)):
                    running[self._submit(pool, job)] = job
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    bar.advance(task)
                    yield self._outcome(future, running.pop(future))

    def _submit(self, pool: ProcessPoolExecutor, job: Job) -> Future[Outcome[Job, Result]]:
        try:
            return pool.submit(self._in_worker, job)
        except BrokenProcessPool as error:
            failed: Future[Outcome[Job, Result]] = Future()
            failed.set_exception(error)
            return failed

    def _in_worker(self, job: Job) -> Outcome[Job, Result]:
        try:
            return self.attempt(job)
        except SystemExit:
            self._clean(job)
            # The pool would send this exception as a result to a parent that may be dead, and wait for more work.
            os._exit(1)

    def _outcome(self, future: Future[Outcome[Job, Result]], job: Job) -> Outcome[Job, Result]:
        try:
            return future.result()
        except BrokenProcessPool:
            self._clean(job)
            return Outcome(job, error=f"{job.clip}: a process was killed, perhaps for lack of memory; use fewer --jobs")

    def _clean(self, job: Job) -> None:
        if self.clean_up is not None:
            self.clean_up(job)


def _progress_bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _updater(bar: Progress, task: TaskID) -> OnProgress:
    return lambda done, total: bar.update(task, completed=done, total=total)


def _no_processes() -> str | None:
    """Return why no processes can be started that share locks (a container without /dev/shm); None: they can."""
    try:
        with children_reach_the_user():
            multiprocessing.get_context("spawn").Lock()
    except (OSError, ImportError) as error:
        return str(getattr(error, "strerror", None) or error)
    return None


@contextmanager
def _workers(number: int) -> Iterator[ProcessPoolExecutor]:
    """Start `number` processes. If the block raises an exception (Ctrl-C, SIGTERM), the processes clean up and end."""
    # Ctrl-C reaches the whole process group. Workers inherit this mask: only the parent ends them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with children_reach_the_user():
            # Forking a process that has loaded onnxruntime may deadlock in the child, so the children are spawned.
            pool = ProcessPoolExecutor(number, multiprocessing.get_context("spawn"), _begin)
            pool.submit(int).result()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield pool
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """Prepare a worker: it hides messages of libraries, logs like its parent, and ends with `SystemExit`.

    SIGTERM ends it, and the death of its parent.
    """
    hiding.enter_context(hide_library_messages())
    journal.configure_command()
    signal.signal(signal.SIGTERM, _unwind)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _unwind(*_: object) -> NoReturn:
    # The pool sends a second SIGTERM, which would interrupt the cleaning up.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)
