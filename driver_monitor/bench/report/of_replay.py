"""The report of a replay, written with its other files before the run is put in its place."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.report.labelled import labels_of
from driver_monitor.bench.report.run_page import Pictures, run_page
from driver_monitor.bench.report.write import read_content
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.bench.runs.run_folder import REPORT, RunFolder

_log = logging.getLogger(__name__)


def write_report(job: ReplayJob, info: Mapping[str, Any], folder: RunFolder, pictures: Pictures | None) -> None:
    """Write report.html into the `folder` of a replay that has ended. `info`: its run.json. Raises `RunError`.

    Labels that do not fit cost a warning and not the run.
    """
    run = Run(folder.path, info, job.folder.name)
    found, faults = labels_of([run], job.labels)
    content = read_content(run, found.get(run.folder), pictures)
    for line in [*faults, *([content.note] if content.note else [])]:
        _log.warning("%s", line)
    with folder.open(REPORT) as file:
        file.write(run_page(content))
