"""Opens what a replay reads: a clip, a folder of images or a trace; and runs it through the pipeline."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from driver_monitor import demo
from driver_monitor.app import build
from driver_monitor.app.build import Around, Models, Plan, as_it_is
from driver_monitor.app.pipeline import FrameResult
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.capture.camera import Camera
from driver_monitor.capture.open_source import RotatedCamera
from driver_monitor.capture.recordings.clip import ClipCamera, check_clip
from driver_monitor.capture.recordings.images import FolderCamera
from driver_monitor.config.schema import CameraConfig
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages import trace, trace_reader
from driver_monitor.messages.envelope import Provenance
from driver_monitor.vehicle.recorded import open_recorded

Results = Iterator[tuple[int, Frame | None, FrameResult]]
"""Frame number, the frame (None in a trace) and its result."""


@dataclass(frozen=True, slots=True)
class Recording:
    """An opened recording. `total`: frame count, None: not known. `camera`: None for a trace. `trip`: of the alerts."""

    results: Results
    origin: Provenance
    trip: str
    total: int | None
    camera: Camera | None


@contextmanager
def opened(
    job: ReplayJob, plan: Plan, models: Models | None, sha256: str, around: Around = as_it_is
) -> Iterator[Recording]:
    """Open `job.clip` and run it through the pipeline. `models` None: it is a trace. `sha256`: of the clip.

    `around`: gets the camera and all parts of the pipeline.
    """
    pipeline = build.build_pipeline(plan, models, around=around)
    if models is None:
        header, observations = trace_reader.read(job.clip)
        used = itertools.islice(observations, 0, None, job.every)
        results = ((number, None, pipeline.conclude(observation)) for number, observation in used)
        yield Recording(results, build.provenance(plan, header.models), header.trip, None, None)
        return
    vehicle = open_recorded(job.clip)
    with open_recording(job.clip, plan.config.camera, job.every, job.fps) as camera:
        frames = (
            (frame.sequence, frame, pipeline.step(frame, vehicle=vehicle.at(frame.t)))
            for frame in frames_of(around("camera", camera))
        )
        yield Recording(frames, build.provenance(plan, models.digest), sha256, camera.frames, camera)


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
