"""The verb `replay`."""

from __future__ import annotations

import shlex
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from driver_monitor import PROGRAM
from driver_monitor.cli.bench.batch_options import ListOption, ShardOption, WhereOption
from driver_monitor.cli.bench.report import LabelsOption, check_report, print_report
from driver_monitor.cli.options import (
    ConfigOption,
    EveryOption,
    JobsOption,
    OptionalNumber,
    OptionalPath,
    OptionalPaths,
    OptionalText,
    ProfileOption,
    TrackOption,
    number,
    recording,
    word,
)
from driver_monitor.errors import UsageError
from driver_monitor.messages.lines import one_line


def replay(
    clips: Annotated[
        OptionalPaths,
        typer.Argument(parser=recording, help="Clips, folders with clips or images, traces, or demo."),
    ] = None,
    config: ConfigOption = None,
    out: Annotated[Path, typer.Option(help="Folder for the results, with one folder for each clip.")] = Path("replay"),
    jobs: JobsOption = 1,
    profile: ProfileOption = None,
    every: EveryOption = 1,
    fps: Annotated[OptionalNumber, number(float, 0.1, 1000, "Frame rate of images, or of a clip without one.")] = None,
    track: TrackOption = None,
    images: Annotated[bool, typer.Option("--images", help="Each folder holds the images of one recording.")] = False,
    trace: Annotated[bool, typer.Option("--trace", help="Also write a trace, which can be replayed again.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Also write report.html, a page about the run.")] = False,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="With --report: show pictures of the person at each alert.")
    ] = False,
    labels: LabelsOption = None,
    gzip: Annotated[bool, typer.Option("--gzip", help="Write signals.jsonl.gz instead of signals.jsonl.")] = False,
    form: Annotated[
        OptionalText, word(("parquet", "csv"), "FORMAT", "Also write tables: parquet or csv.", "--format")
    ] = None,
    video: Annotated[
        bool, typer.Option("--video", help="Also write video.mp4: the clip with what was read from it. Shows a person!")
    ] = False,
    # Batches: which clips, and where.
    clip_list: ListOption = None,
    where: WhereOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Leave out clips whose run in --out is up to date.")] = False,
    shard: ShardOption = None,
    cluster: Annotated[
        OptionalText, typer.Option(help="Scheduler of dask: tls://HOST:PORT or tcp://127.0.0.1:PORT.")
    ] = None,
    cluster_keys: Annotated[
        OptionalPath, typer.Option(help="Folder with ca.pem, cert.pem and key.pem, for --cluster tls://...")
    ] = None,
) -> None:
    """Process clips, images or traces as the daemon does, as fast as possible. Write signals.jsonl and events.jsonl."""
    from driver_monitor.app.build import Request, load_plan
    from driver_monitor.app.first_lines import program
    from driver_monitor.bench.batch.clip_list import NO_LIST, read_list
    from driver_monitor.bench.batch.jobs import jobs_of
    from driver_monitor.bench.batch.replay_all import BatchOptions, first_events, replay_all
    from driver_monitor.bench.batch.shard import Shard
    from driver_monitor.bench.cluster.address import cluster_address
    from driver_monitor.bench.cluster.dask_cluster import connected
    from driver_monitor.bench.replays.job import RunFiles
    from driver_monitor.bench.report.labelled import label_jobs
    from driver_monitor.bench.select.where import chosen, condition
    from driver_monitor.bench.tables.table_file import check_form
    from driver_monitor.bench.video.writer import NOTICE, check_jobs

    if not clips and clip_list is None:
        wanted = "name clips or folders, or a file with --list"
        raise UsageError(f"{PROGRAM} replay: no clips given; {wanted}; see `{PROGRAM} replay --help`")
    check_report(report, pictures, labels if report or not where else None)
    conditions = [condition(text) for text in where or []]
    address = None if cluster is None else cluster_address(cluster, cluster_keys)
    if form is not None:
        check_form(form)
    plan = load_plan(Request(config, None, profile, track))
    files = RunFiles(trace=trace, report=report, pictures=pictures, gzip=gzip, tables=form, video=video)
    share = None if shard is None else Shard(*shard)
    listed = NO_LIST if clip_list is None else read_list(clip_list)
    work, faults = jobs_of(clips or [], out, every, fps, files, images, listed, share)
    if conditions:
        work, wrong = chosen(work, conditions, labels)
        faults += wrong
    check_jobs(work)
    if video:
        print(NOTICE, file=sys.stderr)
    if report and labels is not None:
        work, wrong = label_jobs(work, labels)
        faults += wrong
    for fault in faults:
        print(one_line(fault), file=sys.stderr)
    with nullcontext() if address is None else connected(address, out) as there:
        failed = replay_all(work, plan, BatchOptions(out, jobs, resume, share, there), Console())
    if report:
        print_report(work, labels, out)
    if failed or faults:
        raise typer.Exit(1)
    if work:
        print(one_line(f"next: {program()} explain {shlex.quote(str(first_events(work)))}"))
