"""Jobs spread over a few processes; whatever ends the work ends all of them at once."""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import NoReturn, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Job = TypeVar("Job")
Result = TypeVar("Result")

PR_SET_PDEATHSIG = 1
"""prctl(2): be sent a signal when the parent dies, however it does."""
KILLED = "a process was killed, perhaps for memory; try fewer --jobs"
"""Why there is no result when a worker ends without a word."""


def progress_bar(console: Console) -> Progress:
    """Return a bar that is gone when the work is done, and never there where nobody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def in_parallel(
    jobs: Sequence[Job],
    work: Callable[[Job], Result],
    lost: Callable[[Job], Result],
    at_a_time: int,
    console: Console,
) -> Iterator[Result]:
    """Yield each job's result as it comes, `at_a_time` under way.

    `work` must be known to a fresh process (a function of a module, or a `partial` of one) and raise nothing that is
    worth telling; `lost` says what to answer for a job whose process was killed.
    """
    with progress_bar(console) as bar, _workers(min(at_a_time, len(jobs))) as pool:
        task = bar.add_task("clips", total=len(jobs))
        todo, running = iter(jobs), dict[Future[Result], Job]()
        _start(pool, work, todo, running, at_a_time)
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                job = running.pop(future)
                bar.advance(task)
                yield _result(future, job, lost)
            _start(pool, work, todo, running, at_a_time)


def _start(
    pool: ProcessPoolExecutor,
    work: Callable[[Job], Result],
    todo: Iterator[Job],
    running: dict[Future[Result], Job],
    at_a_time: int,
) -> None:
    """Give the pool as many jobs as it works on, and none ahead: what it holds in reserve cannot be taken back."""
    while len(running) < at_a_time and (job := next(todo, None)) is not None:
        try:
            running[pool.submit(work, job)] = job
        except BrokenProcessPool as error:
            failed: Future[Result] = Future()
            failed.set_exception(error)
            running[failed] = job


def _result(future: Future[Result], job: Job, lost: Callable[[Job], Result]) -> Result:
    try:
        return future.result()
    except BrokenProcessPool:
        return lost(job)


@contextmanager
def _workers(number: int) -> Iterator[ProcessPoolExecutor]:
    """Start the processes; leaving early (Ctrl-C, SIGTERM) ends them at once, each cleaning up after itself."""
    # Forking a process that has loaded onnxruntime may deadlock in the child; spawned ones start clean.
    pool = ProcessPoolExecutor(number, multiprocessing.get_context("spawn"), _begin)
    # Ctrl-C reaches the whole group; workers inherit this mask for life and leave it to us to end them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
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
    """Prepare a worker: SIGTERM unwinds what it is at, and so does the death of its parent."""
    signal.signal(signal.SIGTERM, _unwind)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _unwind(*_: object) -> NoReturn:
    # The pool sends its own SIGTERM after ours; a second one would cut the cleaning up short.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)
