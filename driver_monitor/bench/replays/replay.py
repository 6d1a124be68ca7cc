"""Replay a clip, a folder of images or a trace through the daemon's pipeline, as fast as possible.

A replay reads no clock and loses no frame. The same input, machine and versions give the same files, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from driver_monitor.app.build import Models, Plan
from driver_monitor.bench.replays.job import ReplayJob, ReplayResult
from driver_monitor.bench.replays.kept_models import kept_models
from driver_monitor.bench.replays.pictures import AlertPictures
from driver_monitor.bench.replays.recording import Recording, digest, opened
from driver_monitor.bench.replays.writers import ReplayedFrame, open_writers
from driver_monitor.bench.runs import run_json
from driver_monitor.bench.runs.run_folder import RunFolder, clip_id, lies_in, remove_remains
from driver_monitor.bench.runs.run_json import log_lines
from driver_monitor.bench.runs.scored_rules import recorded
from driver_monitor.bench.video import writer as video
from driver_monitor.errors import DriverMonitorError, UsageError
from driver_monitor.messages import trace
from driver_monitor.messages.envelope import ReplayStamper, envelope
from driver_monitor.messages.state import signals

CLEAN_UP_S = 2.0
"""Longest wait for the lock of a killed process (ours). A loaded machine took some tenths of a second."""
OnProgress = Callable[[int, int | None], None]
"""Is called with the number of frames done and the number of all frames (None: not known)."""


def replay(job: ReplayJob, plan: Plan, progress: OnProgress | None = None) -> ReplayResult:
    """Replay `job.clip`, and write run.json, `events.jsonl`, `signals.jsonl` and the files that `job.files` names.

    The privacy filter applies. `job.folder` is replaced in one step by a complete one, or not at all. A run that fails
    after it has begun removes older results of this clip. Raises `DriverMonitorError` if the clip or a model cannot be
    read, or the folder cannot be written or holds other files.
    """
    video.check_jobs([job])
    if lies_in(job.clip, job.folder):
        raise UsageError(f"{job.clip}: the results would overwrite this file; choose another folder with --out")
    models = None if trace.is_trace(job.clip) else kept_models(plan.config)
    sha256 = digest(job.clip)
    with RunFolder(job.folder, clip_id(job.clip)) as folder:
        try:
            return _write_run(job, plan, models, sha256, folder, progress)
        except DriverMonitorError:
            folder.remove_old()
            raise


def _write_run(
    job: ReplayJob, plan: Plan, models: Models | None, sha256: str, folder: RunFolder, progress: OnProgress | None
) -> ReplayResult:
    with ExitStack() as files, log_lines() as warnings, opened(job, plan, models, sha256) as recording:
        run = run_json.begun(job.clip, recording.origin, sha256, {**job.options, **recorded(plan.profile)})
        folder.describe(run)
        writers = open_writers(job, recording, folder, files)
        pictures = AlertPictures() if job.files.pictures else None
        if pictures is not None:
            writers.append(pictures)
        frames, last, alerts = 0, 0.0, list[Mapping[str, Any]]()
        for frame in replayed(recording, plan):
            for writer in writers:
                writer.write(frame)
            alerts += frame.alerts
            frames, last = frames + 1, frame.result.observation.t
            if progress is not None:
                progress(frames, recording.total)
        facts = None if recording.camera is None else recording.camera.facts()
        texts = [text.replace(str(job.clip), job.clip.name) for text in warnings]
        texts += [video.NOTICE] if job.files.video else []
        complete = run_json.complete(run, facts, frames, last, len(alerts), texts)
    # A report is not among the files with sizes: the verb `report` may write it anew.
    folder.describe({**complete, "files": folder.sizes()})
    if job.files.report:
        # It needs the extra `report`.
        from driver_monitor.bench.report.of_replay import write_report

        write_report(job, complete, folder, None if pictures is None else pictures.taken)
    folder.publish()
    return ReplayResult(job.clip, job.folder, frames, last, tuple(alerts), sha256)


def replayed(recording: Recording, plan: Plan) -> Iterator[ReplayedFrame]:
    """Yield each frame of `recording` with what may be written of it."""
    privacy = plan.privacy  # People pass these files on to others.
    stamper = ReplayStamper(recording.trip)
    for number, picture, result in recording.results:
        line = privacy.state(signals(number, result.state, result.verdict))
        stamped = (envelope(event, stamper.stamp(event, None), recording.origin) for event in result.verdict.events)
        # Only a replay knows the number of the frame in the clip, so messages on ZeroMQ do not have it.
        alerts = [{**alert, "frame": number} for one in stamped if (alert := privacy.alert(one)) is not None]
        yield ReplayedFrame(number, picture, result, privacy.observation(result.observation), line, tuple(alerts))


def clean_up(job: ReplayJob) -> None:
    """Remove what the killed process of a `job` left."""
    remove_remains(job.folder, clip_id(job.clip), CLEAN_UP_S)
