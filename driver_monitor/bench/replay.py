"""Replay clips, folders of images and traces through the daemon's pipeline, as fast as possible.

A replay reads no clock and loses no frame. The same input, machine and versions give the same files, byte for byte.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from driver_monitor import demo
from driver_monitor.app import build
from driver_monitor.app.build import Models, Plan
from driver_monitor.app.pipeline import FrameResult
from driver_monitor.bench import run_json
from driver_monitor.bench.find_clips import SUFFIXES, find_files, is_folder, only_pictures
from driver_monitor.bench.processes import OnProgress, Runner
from driver_monitor.bench.run_folder import EVENTS, SIGNALS, RunFolder, choose, clip_id, lies_in, remove_remains
from driver_monitor.bench.run_json import log_lines
from driver_monitor.capture.camera import Camera
from driver_monitor.capture.open_source import RotatedCamera
from driver_monitor.capture.recordings.clip import ClipCamera, check_clip
from driver_monitor.capture.recordings.images import FolderCamera
from driver_monitor.config.schema import CameraConfig
from driver_monitor.errors import DriverMonitorError, SourceError, UsageError
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages import trace
from driver_monitor.messages.envelope import Provenance, ReplayStamper, envelope
from driver_monitor.messages.lines import one_line
from driver_monitor.messages.state import signals
from driver_monitor.vehicle.recorded import open_recorded

CLEAN_UP_S = 2.0
"""Longest wait for the lock of a killed process (ours). A loaded machine took some tenths of a second."""
Results = Iterator[tuple[int, FrameResult]]


@dataclass(frozen=True, slots=True)
class ReplayJob:
    """Describes one replay of `clip`: a clip, folder of images or trace. The results go into `folder`.

    `every`: use every Nth frame. `fps`: frames per second of images, or of a clip without a rate. `trace`: also write
    a trace.
    """

    clip: Path
    folder: Path
    every: int = 1
    fps: float | None = None
    trace: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """The values that run.json holds."""
        return {"every": self.every, "fps": self.fps, "trace": self.trace}


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay did. `frames`: number used. `seconds`: time of the last frame. `alerts`: those in events.jsonl."""

    clip: Path
    folder: Path
    frames: int = 0
    seconds: float = 0.0
    alerts: tuple[Mapping[str, Any], ...] = ()


def replay(job: ReplayJob, plan: Plan, progress: OnProgress | None = None) -> ReplayResult:
    """Replay `job.clip`, and write `signals.jsonl`, `events.jsonl`, `run.json` and, with `job.trace`, a trace.

    The privacy filter applies. `job.folder` is replaced in one step by a complete one, or not at all. A run that fails
    after it has begun removes older results of this clip. Raises `DriverMonitorError` if the clip or a model cannot be
    read, or the folder cannot be written or holds other files.
    """
    if lies_in(job.clip, job.folder):
        raise UsageError(f"{job.clip}: the results would overwrite this file; choose another folder with --out")
    models = None if trace.is_trace(job.clip) else build.load_models(plan.config)
    sha256 = digest(job.clip)
    with RunFolder(job.folder, clip_id(job.clip)) as folder:
        try:
            return _write_results(job, plan, models, sha256, folder, progress)
        except DriverMonitorError:
            folder.remove_old()
            raise


def _write_results(
    job: ReplayJob, plan: Plan, models: Models | None, sha256: str, folder: RunFolder, progress: OnProgress | None
) -> ReplayResult:
    privacy = plan.privacy  # People pass these files on to others.
    alerts: list[Mapping[str, Any]] = []
    frames, last = 0, 0.0
    with ExitStack() as files, log_lines() as warnings, _recording(job, plan, models, sha256) as recording:
        run = run_json.begun(job.clip, recording.origin, sha256, job.options)
        folder.describe(run)
        stamper = ReplayStamper(recording.trip)
        lines, events = (files.enter_context(folder.open(name)) for name in (SIGNALS, EVENTS))
        traced = files.enter_context(folder.open(trace.NAME)) if job.trace else None
        if traced is not None:
            traced.write(trace.line(trace.Header(recording.trip, recording.origin.models).to_json()))
        for number, result in recording.results:
            lines.write(to_line(privacy.state(signals(number, result.state, result.verdict))))
            for event in result.verdict.events:
                alert = privacy.alert(envelope(event, stamper.stamp(event, None), recording.origin))
                if alert is not None:
                    alerts.append(alert)
                    events.write(to_line(alert))
            if traced is not None:
                traced.write(trace.line(trace.encode(number, privacy.observation(result.observation))))
            frames, last = frames + 1, result.observation.t
            if progress is not None:
                progress(frames, recording.total)
        facts = None if recording.camera is None else recording.camera.facts()
        texts = [text.replace(str(job.clip), job.clip.name) for text in warnings]
        complete = run_json.complete(run, facts, frames, last, len(alerts), texts)
    folder.describe(complete)
    folder.publish()
    return ReplayResult(job.clip, job.folder, frames, last, tuple(alerts))


@dataclass(frozen=True, slots=True)
class _Recording:
    """An opened recording. `results`: pairs of frame number and result. `total`: frame count, None: not known.

    `camera`: None for a trace. `trip`: of the alerts.
    """

    results: Results
    origin: Provenance
    trip: str
    total: int | None
    camera: Camera | None


@contextmanager
def _recording(job: ReplayJob, plan: Plan, models: Models | None, sha256: str) -> Iterator[_Recording]:
    """Open `job.clip` and run it through the pipeline. `models` None: it is a trace. `sha256`: of the clip."""
    pipeline = build.build_pipeline(plan, models)
    if models is None:
        header, observations = trace.read(job.clip)
        used = itertools.islice(observations, 0, None, job.every)
        results = ((number, pipeline.conclude(observation)) for number, observation in used)
        yield _Recording(results, build.provenance(plan, header.models), header.trip, None, None)
        return
    vehicle = open_recorded(job.clip)
    with open_recording(job.clip, plan.config.camera, job.every, job.fps) as camera:
        frames = ((frame.sequence, pipeline.step(frame, vehicle=vehicle.at(frame.t))) for frame in frames_of(camera))
        yield _Recording(frames, build.provenance(plan, models.digest), sha256, camera.frames, camera)


def to_line(message: Mapping[str, Any]) -> str:
    """Return `message` as one line of JSON, with its line end. Raises `ValueError` for NaN or infinity."""
    return json.dumps(message, ensure_ascii=False, allow_nan=False) + "\n"


def digest(clip: Path) -> str:
    """Return the SHA-256 of a clip in hexadecimal; for a folder, that of the names and contents of all its files.

    Raises `SourceError` if the clip is missing, or it or a file of the folder is unreadable.
    """
    total = hashlib.sha256()
    try:
        if not clip.is_dir() and not trace.is_trace(clip):
            check_clip(clip)
        for path in sorted(clip.iterdir()) if clip.is_dir() else [clip]:
            if clip.is_dir():
                total.update(os.fsencode(path.name) + b"\0")
            if path.is_file():
                with path.open("rb") as file:
                    while block := file.read(1 << 20):
                        total.update(block)
    except OSError as error:
        raise SourceError(
            f"{error.filename or clip}: cannot be read: {error.strerror}; check its permissions"
        ) from error
    return total.hexdigest()


def name_of(clip: Path) -> Path:
    """Return the name of a clip's results: its own name without its suffix.

    A name of dots only (`...mp4`) is kept: it must not leave the folder. A trace with the name that replays give is
    named like its folder.
    """
    real = Path(os.path.realpath(clip))
    stem = real.name if is_folder(clip) else clip.stem
    if trace.is_trace(clip):
        # All replays write a trace of the same name, into a folder that is named like the trip.
        stem = real.parent.name if clip.name == trace.NAME else clip.name.removesuffix(trace.SUFFIX)
    return Path(stem if stem.strip(".") else clip.name)


def _name_below(clip: Path, folder: Path) -> Path:
    """Return `name_of` a clip that was found in `folder`, with its path below `folder`."""
    name = name_of(clip)
    # Beside a folder of this name, the results would lie among those of the clips in that folder.
    own = clip.name if clip.with_name(name.name).is_dir() else name.name
    return clip.relative_to(folder).with_name(own)


def jobs_of(
    clips: list[Path], out: Path, every: int, fps: float | None, traced: bool = False, images: bool = False
) -> tuple[list[ReplayJob], list[str]]:
    """Return one job for each different clip, and a line for each file or folder that cannot be used.

    A folder stands for the clips in it and in its subfolders. With `images`, or if it holds only pictures, it is one
    recording. `out`: parent of the jobs' folders. `traced`: also write traces. Raises `UsageError` for a folder of
    pictures without `fps`, or without clips.
    """
    places: list[tuple[Path, Path]] = []
    faults: list[str] = []
    for clip in clips:
        if not is_folder(clip):
            places.append((clip, name_of(clip)))
        elif images or only_pictures(clip):
            if fps is None:
                raise UsageError(f"{clip}: a folder of images has no frame rate of its own; give one with --fps")
            places.append((clip, name_of(clip)))
        else:
            found, wrong = find_files(clip, SUFFIXES)
            places += [(one, _name_below(one, clip)) for one in found]
            faults += wrong
            if not found and not wrong:
                raise UsageError(f"{clip}: no clips in this folder; for a folder of images give --images and --fps")
    unique = {os.path.realpath(place[0]): place for place in reversed(places)}
    chosen = choose(list(unique.values())[::-1], out)
    return [ReplayJob(clip, folder, every, fps, traced) for clip, folder in chosen.items()], faults


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


def open_recording(clip: Path, config: CameraConfig, every: int = 1, fps: float | None = None) -> Camera:
    """Open a clip, or a folder of images if `fps` is given. The frames are read without waiting for their times.

    `config`: only `track` and `rotate` are used; the bundled clip is never turned. `every`: use every Nth frame. Raises
    `SourceError` if unreadable.
    """
    if fps and clip.is_dir():
        camera: Camera = FolderCamera(clip, fps, every=every)
    else:
        camera = ClipCamera(clip, every=every, fps=fps, track=config.track)
    return RotatedCamera(camera, config.rotate) if config.rotate and clip != demo.CLIP else camera


def frames_of(camera: Camera) -> Iterator[Frame]:
    """Yield the frames of `camera` until it has no more."""
    return iter(camera.read, None)


def clean_up(job: ReplayJob) -> None:
    """Remove what the killed process of a `job` left."""
    remove_remains(job.folder, clip_id(job.clip), CLEAN_UP_S)
