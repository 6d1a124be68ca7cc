"""The verb `replay`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from driver_monitor.cli.bench.report import LabelsOption, check_report, print_report
from driver_monitor.cli.options import (
    ConfigOption,
    EveryOption,
    JobsOption,
    OptionalNumber,
    OptionalText,
    ProfileOption,
    TrackOption,
    number,
    recording,
    word,
)
from driver_monitor.messages.lines import one_line


def replay(
    clips: Annotated[
        list[Path],
        typer.Argument(parser=recording, help="Clips, folders with clips or images, traces, or demo."),
    ],
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
) -> None:
    """Process clips, images or traces as the daemon does, as fast as possible. Write signals.jsonl and events.jsonl."""
    from driver_monitor.app.build import Request, load_plan
    from driver_monitor.app.first_lines import program
    from driver_monitor.bench.batch.jobs import jobs_of
    from driver_monitor.bench.batch.replay_all import replay_all
    from driver_monitor.bench.replays.job import RunFiles
    from driver_monitor.bench.report.labelled import label_jobs
    from driver_monitor.bench.tables.table_file import check_form
    from driver_monitor.bench.video.writer import NOTICE, check_jobs

    check_report(report, pictures, labels)
    if form is not None:
        check_form(form)
    plan = load_plan(Request(config, None, profile, track))
    files = RunFiles(trace=trace, report=report, pictures=pictures, gzip=gzip, tables=form, video=video)
    work, faults = jobs_of(clips, out, every, fps, files, images)
    check_jobs(work)
    if video:
        print(NOTICE, file=sys.stderr)
    if labels is not None:
        work, wrong = label_jobs(work, labels)
        faults += wrong
    for fault in faults:
        print(one_line(fault), file=sys.stderr)
    failed = replay_all(work, plan, jobs, Console())
    if report:
        print_report(work, labels, plan, out)
    if failed or faults:
        raise typer.Exit(1)
    print(f"next: {program()} explain {work[0].folder}/events.jsonl")
