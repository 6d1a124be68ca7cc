"""Replay many clips, and say in a line or more how each went."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markup import escape

from driver_monitor.app.build import Plan
from driver_monitor.bench.batch.processes import Runner
from driver_monitor.bench.replays.job import ReplayJob, ReplayResult
from driver_monitor.bench.replays.replay import clean_up, replay
from driver_monitor.messages.lines import one_line


def replay_all(jobs: list[ReplayJob], plan: Plan, at_a_time: int, console: Console) -> int:
    """Replay all clips, `at_a_time` in parallel; print a summary or an error for each. Return how many clips failed."""
    failed = 0
    for outcome in Runner(replay, plan, clean_up).run(jobs, at_a_time, console):
        if outcome.result is not None:
            console.print(summary(outcome.result), highlight=False, soft_wrap=True)
        else:
            failed += 1
            print(one_line(outcome.error or ""), file=sys.stderr)
    return failed


def summary(result: ReplayResult) -> str:
    """Return a text with frames, seconds, folder and alerts of a replayed clip, in rich's markup."""
    clip, folder = escape(str(result.clip)), escape(str(result.folder))
    lines = [f"[bold]{clip}[/]: {result.frames} frames, {result.seconds:.1f} s, results in {folder}"]
    lines += [
        f"  {alert['t']:8.2f} s  {alert['level']:<8}  {alert['rule']} {alert['phase']}: {escape(alert['message'])}"
        for alert in result.alerts
    ]
    return "\n".join(lines if result.alerts else [*lines, "  no alerts"])
