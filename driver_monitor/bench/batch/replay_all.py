"""Replay many clips, and say in a line or more how each went."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from driver_monitor.app.build import Plan
from driver_monitor.bench.batch.done import not_done
from driver_monitor.bench.batch.manifest import BatchManifest
from driver_monitor.bench.batch.processes import Cluster, Runner
from driver_monitor.bench.batch.shard import Shard
from driver_monitor.bench.replays.job import ReplayJob, ReplayResult
from driver_monitor.bench.replays.replay import clean_up, replay
from driver_monitor.bench.runs.run_folder import EVENTS
from driver_monitor.messages.lines import one_line


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How a batch is done. `out`: where its manifest lies. `resume`: leave out clips whose run is there already.

    `at_a_time`: processes. `cluster`: does the clips instead. `shard`: which share of a larger batch this is.
    """

    out: Path
    at_a_time: int = 1
    resume: bool = False
    shard: Shard | None = None
    cluster: Cluster | None = None


def replay_all(jobs: Sequence[ReplayJob], plan: Plan, options: BatchOptions, console: Console) -> int:
    """Replay the clips; print a summary or an error for each. Return how many clips failed.

    A batch of several clips writes batch.jsonl. One that is interrupted says how to continue.
    """
    if options.cluster is not None:
        jobs = [replace(job, clip=job.clip.absolute(), folder=job.folder.absolute()) for job in jobs]
    if len(jobs) == 1 and not options.resume and options.shard is None:
        return _replay(jobs, plan, options, console, None)
    with BatchManifest(options.out, options.shard) as manifest:
        if not options.resume:
            return _replay(jobs, plan, options, console, manifest)
        todo = not_done(jobs, plan, manifest)
        skipped = len(jobs) - len(todo)
        console.print(f"{skipped:,} of {len(jobs):,} clips are done already, {len(todo):,} to do", highlight=False)
        return _replay(todo, plan, options, console, manifest)


def _replay(
    jobs: Sequence[ReplayJob], plan: Plan, options: BatchOptions, console: Console, manifest: BatchManifest | None
) -> int:
    failed = ended = 0
    if manifest is not None:
        manifest.begin(jobs)
    try:
        runner = Runner(replay, plan, clean_up)
        for outcome in runner.run(jobs, options.at_a_time, console, options.cluster):
            ended += 1
            if outcome.result is None:
                failed += 1
                # First: on a full disk the manifest cannot be written either.
                print(one_line(outcome.error or ""), file=sys.stderr)
            if manifest is not None:
                manifest.add(outcome)
            if outcome.result is not None:
                console.print(summary(outcome.result), highlight=False, soft_wrap=True)
    except (KeyboardInterrupt, SystemExit):
        if manifest is not None:
            done = f"{ended - failed:,} of {len(jobs):,} clips are done and kept"
            print(f"stopped: {done}; to continue, run the same command with --resume", file=sys.stderr)
        raise
    return failed


def first_events(jobs: Sequence[ReplayJob]) -> Path:
    """Return events.jsonl of the first job that has alerts; of the first job if none has. There must be a job."""
    return next((path for job in jobs if _has_content(path := job.folder / EVENTS)), jobs[0].folder / EVENTS)


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def summary(result: ReplayResult) -> str:
    """Return a text with frames, seconds, folder and alerts of a replayed clip, in rich's markup."""
    clip, folder = escape(one_line(str(result.clip))), escape(one_line(str(result.folder)))
    lines = [f"[bold]{clip}[/]: {result.frames} frames, {result.seconds:.1f} s, results in {folder}"]
    for alert in result.alerts:
        what, message = f"{alert['rule']} {alert['phase']}", escape(one_line(alert["message"]))
        lines.append(f"  {alert['t']:8.2f} s  {alert['level']:<8}  {what}: {message}")
    return "\n".join(lines if result.alerts else [*lines, "  no alerts"])
