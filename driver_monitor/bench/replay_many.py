"""Replay many clips and print a summary of each."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markup import escape

from driver_monitor.app.build import Plan
from driver_monitor.bench.processes import Runner
from driver_monitor.bench.replay import ReplayJob, ReplayResult, clean_up, replay


def replay_all(jobs: list[ReplayJob], plan: Plan, at_a_time: int, console: Console) -> int:
    """Replay all clips and return the number of those that failed."""
    failed = 0
    for outcome in Runner(replay, plan, clean_up).run(jobs, at_a_time, console):
        if outcome.result is not None:
            console.print(summary(outcome.result), highlight=False, soft_wrap=True)
        else:
            failed += 1
            print(outcome.error, file=sys.stderr)
    return failed


def summary(result: ReplayResult) -> str:
    """Return length, folder and alerts of a replayed clip, in rich's markup."""
    clip, folder = escape(str(result.clip)), escape(str(result.folder))
    lines = [f"[bold]{clip}[/]: {result.frames} frames, {result.seconds:.1f} s, results in {folder}"]
    lines += [
        f"  {alert['t']:8.2f} s  {alert['level']:<8}  {alert['rule']} {alert['phase']}: {escape(alert['message'])}"
        for alert in result.alerts
    ]
    return "\n".join(lines if result.alerts else [*lines, "  no alerts"])
