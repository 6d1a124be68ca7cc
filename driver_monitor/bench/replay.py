"""Replay clips, folders of images and traces through the daemon's pipeline, as fast as possible.

A replay reads no clock and loses no frame. The same input, machine and versions give the same files, byte for byte.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.markup import escape

from driver_monitor import demo
from driver_monitor.app import build
from driver_monitor.app.build import Plan
from driver_monitor.app.pipeline import FrameResult
from driver_monitor.bench.processes import OnProgress, Runner
from driver_monitor.capture.camera import Camera
from driver_monitor.capture.open_source import DEMO, RotatedCamera
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.capture.recordings.images import FolderCamera
from driver_monitor.config.schema import CameraConfig
from driver_monitor.errors import OutputError, UsageError
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages import trace
from driver_monitor.messages.envelope import Provenance, ReplayStamper, envelope
from driver_monitor.messages.state import signals
from driver_monitor.vehicle.recorded import open_recorded

NAMES = ("signals.jsonl", "events.jsonl", trace.NAME)
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


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay did. `frames`: number used. `seconds`: time of the last frame. `alerts`: those in events.jsonl."""

    clip: Path
    folder: Path
    frames: int = 0
    seconds: float = 0.0
    alerts: tuple[Mapping[str, Any], ...] = ()


def replay(job: ReplayJob, plan: Plan, progress: OnProgress | None = None) -> ReplayResult:
    """Replay `job.clip`, and write `signals.jsonl`, `events.jsonl` and, with `job.trace`, a trace into `job.folder`.

    The privacy filter applies. Each file is written completely or not at all. Raises `DriverMonitorError` if the clip
    or a model cannot be read, the folder cannot be written, or a result would overwrite the clip.
    """
    if any((job.folder / name).resolve() == job.clip.resolve() for name in NAMES):
        raise UsageError(f"{job.clip}: the results would overwrite this file; choose another folder with --out")
    privacy = plan.privacy  # People pass these files on to others.
    alerts: list[Mapping[str, Any]] = []
    frames, last = 0, 0.0
    with _results(job, plan) as (results, origin, trip, total), ExitStack() as files:
        stamper = ReplayStamper(trip)
        lines, events = (files.enter_context(_write_complete(job.folder / name)) for name in NAMES[:2])
        traced = files.enter_context(_write_complete(job.folder / NAMES[2])) if job.trace else None
        if traced is not None:
            traced.write(trace.line(trace.Header(trip, origin.models).to_json()))
        for number, result in results:
            lines.write(to_line(privacy.state(signals(number, result.state, result.verdict))))
            for event in result.verdict.events:
                alert = privacy.alert(envelope(event, stamper.stamp(event, None), origin))
                if alert is not None:
                    alerts.append(alert)
                    events.write(to_line(alert))
            if traced is not None:
                traced.write(trace.line(trace.encode(number, privacy.observation(result.observation))))
            frames, last = frames + 1, result.observation.t
            if progress is not None:
                progress(frames, total)
    return ReplayResult(job.clip, job.folder, frames, last, tuple(alerts))


@contextmanager
def _results(job: ReplayJob, plan: Plan) -> Iterator[tuple[Results, Provenance, str, int | None]]:
    """Run `job` through the pipeline. Yields (frame number, result) pairs, provenance, trip, frame count or None."""
    if trace.is_trace(job.clip):
        header, observations = trace.read(job.clip)
        pipeline, used = build.build_pipeline(plan, None), itertools.islice(observations, 0, None, job.every)
        results = ((number, pipeline.conclude(observation)) for number, observation in used)
        yield results, build.provenance(plan, header.models), header.trip, None
        return
    models = build.load_models(plan.config)
    pipeline, vehicle = build.build_pipeline(plan, models), open_recorded(job.clip)
    with open_recording(job.clip, plan.config.camera, job.every, job.fps) as camera:
        frames = ((frame.sequence, pipeline.step(frame, vehicle=vehicle.at(frame.t))) for frame in frames_of(camera))
        yield frames, build.provenance(plan, models.digest), digest(job.clip), camera.frames


def to_line(message: Mapping[str, Any]) -> str:
    """Return `message` as one line of JSON, with its line end. Raises `ValueError` for NaN or infinity."""
    return json.dumps(message, ensure_ascii=False, allow_nan=False) + "\n"


def digest(clip: Path) -> str:
    """Return the SHA-256 of a clip in hexadecimal; for a folder, that of the names and contents of all its files."""
    total = hashlib.sha256()
    for path in sorted(clip.iterdir()) if clip.is_dir() else [clip]:
        if clip.is_dir():
            total.update(path.name.encode() + b"\0")
        if path.is_file():
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    total.update(block)
    return total.hexdigest()


def folders(clips: list[Path], out: Path) -> dict[Path, Path]:
    """Return a folder below `out` for each clip, named like the clip without its suffix.

    Clips of one name keep their path below the folder that all clips share; a.mp4 and a.avi in one folder also keep
    their suffixes. A trace with the name that replays give is named like its folder.
    """
    base = Path(os.path.commonpath([clip.resolve().parent for clip in clips]))
    below = {clip: clip.resolve().relative_to(base) for clip in clips}
    options = {clip: (_stem(clip), path.with_name(_stem(clip)), path) for clip, path in below.items()}
    chosen = dict.fromkeys(clips, 0)
    while True:
        names = {clip: Path(options[clip][index]) for clip, index in chosen.items()}
        count = Counter(names.values())
        colliding = [clip for clip, name in names.items() if count[name] > 1 and chosen[clip] < 2]
        if not colliding:
            return {clip: out / name for clip, name in names.items()}
        for clip in colliding:
            chosen[clip] += 1


def _stem(clip: Path) -> str:
    """Return the name without its suffix. A name of dots only (`...mp4`) is kept: it must not leave the folder."""
    stem = clip.resolve().name if clip.is_dir() else clip.stem
    if trace.is_trace(clip):
        # All replays write a trace of the same name, into a folder that is named like the trip.
        stem = clip.resolve().parent.name if clip.name == trace.NAME else clip.name.removesuffix(trace.SUFFIX)
    return stem if stem.strip(".") else clip.name


def jobs_of(clips: list[Path], out: Path, every: int, fps: float | None, traced: bool = False) -> list[ReplayJob]:
    """Return one job for each different clip. `demo` is the bundled clip, unless a file of this name exists.

    `out`: parent of the jobs' folders. `traced`: also write traces. Raises `UsageError` for a folder without `fps`.
    """
    clips = [demo.CLIP if clip == Path(DEMO) and not clip.exists() else clip for clip in clips]
    unique = list({clip.resolve(): clip for clip in reversed(clips)}.values())[::-1]
    images = next((clip for clip in unique if clip.is_dir()), None)
    if images is not None and fps is None:
        raise UsageError(f"{images}: a folder of images has no frame rate of its own; give one with --fps")
    return [ReplayJob(clip, folder, every, fps, traced) for clip, folder in folders(unique, out).items()]


def replay_all(jobs: list[ReplayJob], plan: Plan, at_a_time: int, console: Console) -> int:
    """Replay all clips, `at_a_time` in parallel; print a summary or an error for each. Return how many clips failed."""
    failed = 0
    for outcome in Runner(replay, plan, clean_up).run(jobs, at_a_time, console):
        if outcome.result is not None:
            console.print(summary(outcome.result), highlight=False, soft_wrap=True)
        else:
            failed += 1
            print(outcome.error, file=sys.stderr)
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

    `config`: only `track` and `rotate` are used. `every`: use every Nth frame. Raises `SourceError` if unreadable.
    """
    if fps and clip.is_dir():
        camera: Camera = FolderCamera(clip, fps, every=every)
    else:
        camera = ClipCamera(clip, every=every, fps=fps, track=config.track)
    return RotatedCamera(camera, config.rotate) if config.rotate else camera


def frames_of(camera: Camera) -> Iterator[Frame]:
    """Yield the frames of `camera` until it has no more."""
    return iter(camera.read, None)


def clean_up(job: ReplayJob) -> None:
    """Remove the unfinished files of a `job` whose process was killed, and its folder if this is then empty."""
    for name in NAMES:
        _discard(job.folder / name)


def _discard(path: Path) -> None:
    with suppress(OSError):
        _part(path).unlink(missing_ok=True)
        path.parent.rmdir()  # fails if it is not empty


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


@contextmanager
def _write_complete(path: Path) -> Iterator[TextIO]:
    """Open a temporary file for writing; it is renamed to `path` only after success."""
    part = _part(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as raw:
            # Without time and file name in the header, the same clip gives the same bytes.
            packed = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if path.suffix == ".gz" else None
            file = io.TextIOWrapper(packed or raw, "utf-8")
            yield file
            file.detach() if packed is None else file.close()
            raw.flush()
            os.fsync(raw.fileno())
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot write: {error.strerror}; choose another folder with --out") from error
    finally:
        _discard(path)
