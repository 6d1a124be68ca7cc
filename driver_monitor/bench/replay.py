"""Recorded clips through the very pipeline of the daemon, as fast as it goes, frame by frame.

A replay reads no clock and drops nothing: the same machine and versions write the same files, byte for byte.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from driver_monitor import demo
from driver_monitor.app import build
from driver_monitor.app.build import Plan
from driver_monitor.app.pipeline import FrameResult
from driver_monitor.capture.camera import Camera
from driver_monitor.capture.open_source import DEMO, RotatedCamera
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.capture.recordings.images import FolderCamera
from driver_monitor.errors import DriverMonitorError, OutputError, UsageError
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages import trace
from driver_monitor.messages.envelope import Provenance, ReplayStamper, envelope
from driver_monitor.messages.state import signals
from driver_monitor.vehicle.recorded import open_recorded

NAMES = ("signals.jsonl", "events.jsonl", trace.NAME)


@dataclass(frozen=True, slots=True)
class Job:
    """One clip, or one trace, to replay.

    `every`: use each Nth frame only. `fps`: the rate of a folder of images. `trace`: write one, too.
    """

    clip: Path
    folder: Path
    every: int = 1
    fps: float | None = None
    trace: bool = False


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a job: frames read, the clip's length in seconds, its alerts; or the one-line `error`."""

    clip: Path
    folder: Path
    frames: int = 0
    seconds: float = 0.0
    alerts: tuple[Mapping[str, Any], ...] = ()
    error: str | None = None


def replay(job: Job, plan: Plan, progress: Callable[[int, int | None], None] | None = None) -> Replayed:
    """Replay one clip and write `signals.jsonl` and `events.jsonl` into `job.folder`, whole or not at all.

    `progress` is told frames done and in all (None: the file does not say). Raises `DriverMonitorError` on a clip
    that cannot be read and a folder that cannot be written.
    """
    if any((job.folder / name).resolve() == job.clip.resolve() for name in NAMES):
        raise UsageError(f"{job.clip}: the results would take its place; choose another folder with --out")
    privacy = plan.privacy  # files are handed on
    alerts: list[Mapping[str, Any]] = []
    frames, last = 0, 0.0
    with _played(job, plan) as (steps, origin, trip, total), ExitStack() as files:
        stamper = ReplayStamper(trip)
        lines, events = (files.enter_context(_whole(job.folder / name)) for name in NAMES[:2])
        kept = files.enter_context(_whole(job.folder / NAMES[2])) if job.trace else None
        if kept is not None:
            kept.write(trace.line(trace.Header(trip, origin.models).to_json()))
        for number, step in steps:
            lines.write(to_line(privacy.state(signals(number, step.state, step.verdict))))
            for event in step.verdict.events:
                alert = privacy.alert(envelope(event, stamper.stamp(event, None), origin))
                if alert is not None:
                    alerts.append(alert)
                    events.write(to_line(alert))
            if kept is not None:
                kept.write(trace.line(trace.encode(number, privacy.observation(step.observation))))
            frames, last = frames + 1, step.observation.t
            if progress is not None:
                progress(frames, total)
    return Replayed(job.clip, job.folder, frames, last, tuple(alerts))


Played = tuple[Iterator[tuple[int, FrameResult]], Provenance, str, int | None]
"""Steps with the numbers of their frames, where they come from, the trip, and how many there are, if that is known."""


@contextmanager
def _played(job: Job, plan: Plan) -> Iterator[Played]:
    """Open the clip or trace of `job` and put it through the pipeline."""
    if trace.is_trace(job.clip):
        header, seen = trace.read(job.clip)
        pipeline = build.build_trace_pipeline(plan)
        steps = ((number, pipeline.conclude(one)) for number, one in itertools.islice(seen, 0, None, job.every))
        yield steps, build.provenance(plan, header.models), header.trip, None
        return
    models = build.load_models(plan.config)
    pipeline, vehicle = build.build_pipeline(plan, models), open_recorded(job.clip)
    with open_recording(job, plan.config.camera.rotate) as camera:
        frames = ((frame.sequence, pipeline.step(frame, vehicle=vehicle.at(frame.t))) for frame in frames_of(camera))
        yield frames, build.provenance(plan, models.digest), digest(job.clip), camera.frames


def attempt(job: Job, plan: Plan) -> Replayed:
    """Replay one clip in a process of a pool: a clip that cannot be read must not take the other clips with it."""
    try:
        return replay(job, plan)
    except DriverMonitorError as error:
        return Replayed(job.clip, job.folder, error=str(error))
    except SystemExit:
        clean_up(job)
        # A pool would take this for a result, try to hand it to a parent that may be dead, and wait for more work.
        os._exit(1)


def to_line(message: Mapping[str, Any]) -> str:
    """Return `message` as one line of JSON, with its line end. NaN and infinity are faults of ours and raise."""
    return json.dumps(message, ensure_ascii=False, allow_nan=False) + "\n"


def digest(clip: Path) -> str:
    """Return the SHA-256 of a clip, in hexadecimal; of a folder of images, that of their names and contents."""
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
    """Return each clip's own folder below `out`: its name without ending, or, where two share one, its path too.

    The path counts from the clips' common folder. Clips that still collide (a.mp4 and a.avi) keep their ending.
    """
    base = Path(os.path.commonpath([clip.resolve().parent for clip in clips]))
    below = {clip: clip.resolve().relative_to(base) for clip in clips}
    ways = {clip: (_stem(clip), path.with_name(_stem(clip)), path) for clip, path in below.items()}
    chosen = dict.fromkeys(clips, 0)
    while True:
        names = {clip: Path(ways[clip][way]) for clip, way in chosen.items()}
        count = Counter(names.values())
        colliding = [clip for clip, name in names.items() if count[name] > 1 and chosen[clip] < 2]
        if not colliding:
            return {clip: out / name for clip, name in names.items()}
        for clip in colliding:
            chosen[clip] += 1


def _stem(clip: Path) -> str:
    """Return the name without its ending; a name that is all dots (`...mp4`) must not lead out of the folder."""
    stem = clip.resolve().name if clip.is_dir() else clip.stem
    if trace.is_trace(clip):
        # Every replay calls its trace the same; the trip's name is that of the folder.
        stem = clip.resolve().parent.name if clip.name == trace.NAME else clip.name.removesuffix(trace.SUFFIX)
    return stem if stem.strip(".") else clip.name


def jobs_of(clips: list[Path], out: Path, every: int, fps: float | None, traced: bool = False) -> list[Job]:
    """Return what is to be done for `clips`, each once; `demo` is the bundled clip.

    Raises `UsageError` for a folder of images without `fps`.
    """
    clips = [demo.CLIP if clip == Path(DEMO) and not clip.exists() else clip for clip in clips]
    unique = list({clip.resolve(): clip for clip in reversed(clips)}.values())[::-1]
    timeless = next((clip for clip in unique if clip.is_dir()), None)
    if timeless is not None and fps is None:
        raise UsageError(f"{timeless}: a folder of images has no frame rate of its own; give one with --fps")
    return [Job(clip, folder, every, fps, traced) for clip, folder in folders(unique, out).items()]


def open_recording(job: Job, rotate: int) -> Camera:
    """Open the clip or the folder of images of `job`, to be read as fast as it goes, turned by `rotate` degrees."""
    camera: Camera
    if job.fps is not None and job.clip.is_dir():
        camera = FolderCamera(job.clip, job.fps, every=job.every)
    else:
        camera = ClipCamera(job.clip, every=job.every)
    return RotatedCamera(camera, rotate) if rotate else camera


def frames_of(camera: Camera) -> Iterator[Frame]:
    """Yield what `camera` gives until its end."""
    while (frame := camera.read()) is not None:
        yield frame


def clean_up(job: Job) -> None:
    """Remove what a process that was killed in the middle of `job` has left."""
    for name in NAMES:
        _discard(job.folder / name)


def _discard(path: Path) -> None:
    """Remove the unfinished file of `path`, and its folder where that leaves it empty: nothing came to be in it."""
    with suppress(OSError):
        _part(path).unlink(missing_ok=True)
        path.parent.rmdir()


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


@contextmanager
def _whole(path: Path) -> Iterator[TextIO]:
    """Open `path` for writing under another name; it gets its own only when all went well."""
    part = _part(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as raw:
            # Without the time and the name of the file: the same clip makes the same bytes.
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
