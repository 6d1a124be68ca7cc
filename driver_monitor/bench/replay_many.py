"""Many clips, a few at a time, with a progress bar for people and one clear line for each clip that failed."""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import NoReturn

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from driver_monitor.bench.replay import Job, Replayed, attempt, clean_up, replay
from driver_monitor.errors import DriverMonitorError
from driver_monitor.service import Plan

PR_SET_PDEATHSIG = 1
"""prctl(2): be sent a signal when the parent dies, however it does."""


def replay_all(jobs: list[Job], plan: Plan, at_a_time: int, console: Console) -> int:
    """Replay all clips; returns how many failed. One that cannot be read does not stop the others."""
    failed = 0
    results = _one_by_one(jobs, plan, console) if at_a_time == 1 else _in_parallel(jobs, plan, at_a_time, console)
    for result in results:
        if result.error is None:
            console.print(summary(result), highlight=False, soft_wrap=True)
        else:
            failed += 1
            print(result.error, file=sys.stderr)
    return failed


def summary(result: Replayed) -> str:
    """Return what people want to know of a replayed clip, in rich's markup."""
    clip, folder = escape(str(result.clip)), escape(str(result.folder))
    lines = [f"[bold]{clip}[/]: {result.frames} frames, {result.seconds:.1f} s, results in {folder}"]
    lines += [
        f"  {alert['t']:8.2f} s  {alert['level']:<8}  {alert['rule']} {alert['phase']}: {escape(alert['message'])}"
        for alert in result.alerts
    ]
    return "\n".join(lines if result.alerts else [*lines, "  no alerts"])


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _advance(bar: Progress, task: TaskID) -> Callable[[int, int | None], None]:
    return lambda done, total: bar.update(task, completed=done, total=total)


def _one_by_one(jobs: list[Job], plan: Plan, console: Console) -> Iterator[Replayed]:
    with _bar(console) as bar:
        for job in jobs:
            task = bar.add_task(escape(job.clip.name), total=None)
            try:
                yield replay(job, plan, _advance(bar, task))
            except DriverMonitorError as error:
                yield Replayed(job.clip, job.folder, error=str(error))
            bar.remove_task(task)


def _in_parallel(jobs: list[Job], plan: Plan, at_a_time: int, console: Console) -> Iterator[Replayed]:
    with _bar(console) as bar, _workers(min(at_a_time, len(jobs))) as pool:
        task = bar.add_task("clips", total=len(jobs))
        todo, running = iter(jobs), dict[Future[Replayed], Job]()
        _start(pool, plan, todo, running, at_a_time)
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                job = running.pop(future)
                bar.advance(task)
                yield _result(future, job)
            _start(pool, plan, todo, running, at_a_time)


def _start(
    pool: ProcessPoolExecutor, plan: Plan, todo: Iterator[Job], running: dict[Future[Replayed], Job], at_a_time: int
) -> None:
    """Give the pool as many clips as it works on, and none ahead: what it holds in reserve cannot be taken back."""
    while len(running) < at_a_time and (job := next(todo, None)) is not None:
        try:
            running[pool.submit(attempt, job, plan)] = job
        except BrokenProcessPool as error:
            failed: Future[Replayed] = Future()
            failed.set_exception(error)
            running[failed] = job


def _result(future: Future[Replayed], job: Job) -> Replayed:
    try:
        return future.result()
    except BrokenProcessPool:
        clean_up(job)
        advice = "a process was killed, perhaps for memory; try fewer --jobs"
        return Replayed(job.clip, job.folder, error=f"{job.clip}: not replayed: {advice}")


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
