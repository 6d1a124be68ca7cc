"""Which clips of a batch need no replay, because their run is there, whole, and made in the same way."""

from __future__ import annotations

import json
import stat
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from driver_monitor.app import build
from driver_monitor.app.build import Plan
from driver_monitor.bench.batch.manifest import BatchManifest
from driver_monitor.bench.batch.progress import LINE_S
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.kept_models import kept_models
from driver_monitor.bench.runs import run_json
from driver_monitor.bench.runs.read_run import read_run
from driver_monitor.bench.runs.run_folder import NAMES, REPORT, clip_id, remove_remains
from driver_monitor.errors import RunError, SourceError
from driver_monitor.messages import trace, trace_reader


def not_done(jobs: Sequence[ReplayJob], plan: Plan, manifest: BatchManifest) -> list[ReplayJob]:
    """Return the jobs that must be done. The others have a run that `replay` would write again, byte for byte.

    What killed runs left of the others is removed: no later run would. Raises `ModelError`.
    """
    todo, done = list[ReplayJob](), list[ReplayJob]()
    next_line = time.monotonic() + LINE_S
    for number, job in enumerate(jobs):
        (done if is_done(job, plan, manifest) else todo).append(job)
        if time.monotonic() >= next_line:
            next_line = time.monotonic() + LINE_S
            print(f"progress: looked at {number + 1:,} of {len(jobs):,} clips", file=sys.stderr, flush=True)
    _remove_remains(done)
    return todo


def is_done(job: ReplayJob, plan: Plan, manifest: BatchManifest) -> bool:
    """Return whether the folder of `job` has its complete run: the same clip, version, models, settings and options.

    A file with another size than run.json says is damaged. Raises `ModelError`.
    """
    try:
        info = read_run(job.folder).info
        models = trace_reader.read(job.clip)[0].models if trace.is_trace(job.clip) else kept_models(plan.config).digest
        wanted = run_json.begun(job.clip, build.provenance(plan, models), str(info.get("sha256")), job.options)
        same = json.loads(json.dumps(wanted)).items() <= {**info, "state": wanted["state"]}.items()
        return same and _whole(job.folder, info.get("files")) and info["sha256"] == manifest.sha256(job.clip)
    except (RunError, SourceError, OSError, TypeError, ValueError):
        return False  # The replay tells what is wrong.


def _whole(folder: Path, files: object) -> bool:
    """Return whether all `files` (name -> bytes) lie in `folder`. A report may have been drawn again since."""
    if not isinstance(files, dict) or not files or not files.keys() <= NAMES:
        return False
    for name, size in files.items():
        status = (folder / name).stat()
        if not stat.S_ISREG(status.st_mode) or (status.st_size != size and not (name == REPORT and status.st_size)):
            return False
    return True


def _remove_remains(done: Iterable[ReplayJob]) -> None:
    own = {clip_id(job.clip): job.folder for job in done}
    # Once for each folder, and not for each clip: a folder can hold ten thousand.
    for parent in {job.parent for job in own.values()}:
        for remains in parent.glob(".*.part"):
            if (folder := own.get(remains.name[1:9])) is not None:
                remove_remains(folder, remains.name[1:9])
