"""Many clips, a few at a time, with a progress bar for people and one clear line for each clip that failed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TaskID

from driver_monitor.app.build import Plan
from driver_monitor.bench import processes
from driver_monitor.bench.replay import (
    Job,
    Replayed,
    attempt,
    clean_up,
    replay,
)
from driver_monitor.errors import DriverMonitorError


def replay_all(jobs: list[Job], plan: Plan, at_a_time: int, console: Console) -> int:
    """Replay all clips; returns how many failed. One that cannot be read does not stop the others."""
    failed = 0
    results = (
        _one_by_one(jobs, plan, console)
        if at_a_time == 1
        else processes.in_parallel(jobs, partial(attempt, plan=plan), _lost, at_a_time, console)
    )
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


def _advance(bar: Progress, task: TaskID) -> Callable[[int, int | None], None]:
    return lambda done, total: bar.update(task, completed=done, total=total)


def _one_by_one(jobs: list[Job], plan: Plan, console: Console) -> Iterator[Replayed]:
    with processes.progress_bar(console) as bar:
        for job in jobs:
            task = bar.add_task(escape(job.clip.name), total=None)
            try:
                yield replay(job, plan, _advance(bar, task))
            except DriverMonitorError as error:
                yield Replayed(job.clip, job.folder, error=str(error))
            bar.remove_task(task)


def _lost(job: Job) -> Replayed:
    clean_up(job)
    return Replayed(job.clip, job.folder, error=f"{job.clip}: not replayed: {processes.KILLED}")
