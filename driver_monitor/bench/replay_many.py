"""Many clips, a few at a time, with a progress bar for people and one clear line for each clip that failed."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from driver_monitor.bench.replay import Job, Replayed, attempt, replay
from driver_monitor.errors import DriverMonitorError
from driver_monitor.service import Plan


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
    lines = [f"[bold]{escape(str(result.clip))}[/]: {result.frames} frames, {result.seconds:.1f} s → {result.folder}"]
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
    # Forking a process that has loaded onnxruntime may deadlock in the child; spawned ones start clean.
    context = multiprocessing.get_context("spawn")
    with _bar(console) as bar, ProcessPoolExecutor(min(at_a_time, len(jobs)), mp_context=context) as pool:
        task = bar.add_task("clips", total=len(jobs))
        waiting = [pool.submit(attempt, job, plan) for job in jobs]
        try:
            for done in as_completed(waiting):
                bar.advance(task)
                yield done.result()
        finally:
            for future in waiting:
                future.cancel()
