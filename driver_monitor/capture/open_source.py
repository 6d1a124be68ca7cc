"""Opens or checks the source that the command line or the configuration names."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Literal

from driver_monitor import demo
from driver_monitor.capture.camera import Camera, Clock, RecordingFacts, SourceInfo
from driver_monitor.capture.child.commands import check_installed
from driver_monitor.capture.child.pipe_camera import PipeCamera
from driver_monitor.capture.recordings.clip import ClipCamera, check_clip
from driver_monitor.capture.recordings.images import FolderCamera, list_images
from driver_monitor.capture.recordings.pacing import Pacing
from driver_monitor.capture.url import SCHEMES, UrlCamera, without_password
from driver_monitor.capture.v4l2 import V4l2Camera, device_number
from driver_monitor.config.camera_device import camera_device
from driver_monitor.config.camera_program import CameraProgram, camera_program
from driver_monitor.config.schema import CameraConfig
from driver_monitor.errors import AbsentError, SourceError, UsageError
from driver_monitor.imaging.frame import Frame

_log = logging.getLogger(__name__)

DEMO = "demo"
"""The name of the bundled clip."""


def open_camera(
    config: CameraConfig, source: str, real_time: bool, *, every: int = 1, monotonic: Clock = time.monotonic
) -> Camera:
    """Open `source`: a camera number or /dev path, a camera program, a clip, a folder, a URL, or `demo` (built in).

    `real_time`: a recording returns each frame at its own time, as a camera would. False: as fast as it is decoded.
    `every`: return every Nth frame; a device ignores it. `config`: what a device is asked for, and the `fps` of a
    folder. `config.rotate` turns the pictures of all sources but `demo`. Raises `SourceError` if opening fails.
    """
    camera = _open(config, source, "real_time" if real_time else "fast", every, monotonic)
    return RotatedCamera(camera, config.rotate) if config.rotate and source != DEMO else camera


def check_source(source: str, *, root: Path = Path("/")) -> SourceInfo:
    """Check `source` without opening it, and return what is known of it. Raises `SourceError` if it cannot be used.

    Uses no network, decoder or driver: fast enough for a running daemon. Paths must exist and be readable. Of a URL
    only the form is checked, and `live` is True: only opening shows whether it ends. `root`: /, in tests a folder.
    """
    kind = _kind(source)
    if kind == "device":
        return SourceInfo(f"camera {device_number(source, root)}", live=True)
    if kind == "url":
        return SourceInfo(without_password(source), live=True)
    if kind == "program":
        program = _program(source)
        check_installed(program)
        return SourceInfo(program.name, live=True)
    path = demo.CLIP if kind == "demo" else Path(source)
    if kind == "folder":
        list_images(path)
    else:
        check_clip(path)
    return SourceInfo(path.name or str(path), live=False)


def expected_source(source: str) -> SourceInfo:
    """Return what `check_source` returns. A camera that is absent is no error: it may come, and is live."""
    try:
        return check_source(source)
    except AbsentError:
        return SourceInfo(plain_name(source), live=True)


def named_recording(text: str) -> Path:
    """Return the recording that a user names: `demo` is always the bundled clip. A file of this name is `./demo`.

    If a file of this name lies in the working folder, one line in the log says so. Raises `UsageError` for no name.
    """
    if not text:
        raise UsageError("a clip without a name; give a clip, a folder, a trace or demo")
    if text != DEMO:
        return Path(text)
    if os.path.lexists(DEMO):
        _log.warning("demo: this is the bundled clip; for the file or folder demo in this folder give ./demo")
    return demo.CLIP


def plain_name(source: str) -> str:
    """Return the name of a source that is not checked: `camera N` for a number, of a command only its program.

    Else `source` itself.
    """
    try:
        program = camera_program(source)
    except ValueError:
        return source.partition(":")[0]
    if program is not None:
        return program.name
    return f"camera {source}" if source.isdecimal() else source


def _program(source: str) -> CameraProgram:
    try:
        program = camera_program(source)
    except ValueError as error:
        raise SourceError(str(error)) from None
    assert program is not None
    return program


def _kind(source: str) -> Literal["demo", "device", "program", "url", "folder", "clip"]:
    if source == DEMO:
        return "demo"
    if not source:
        # A path without a name would be the working folder.
        raise SourceError("the source has no name; give a camera number, rpicam, a clip, a folder, a URL or demo")
    if camera_device(source) is not None:
        return "device"
    if source.startswith("pipe:") or source.partition(":")[0] in ("rpicam", "nvargus"):
        return "program"
    scheme, separator, _ = source.partition("://")
    if separator:
        if scheme.lower() not in SCHEMES:
            raise SourceError(f"{scheme}://: not supported as a source; use one of {', '.join(SCHEMES)}, or a path")
        return "url"
    path = Path(source)
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        raise SourceError(f"{source}: cannot be read: {error.strerror}; check the path") from error
    if not exists:
        raise SourceError(
            f"{source}: no such file or folder; give a camera number, rpicam, a clip, a folder, a URL or demo"
        )
    return "folder" if is_folder else "clip"


def _open(config: CameraConfig, source: str, pace: Pacing, every: int, monotonic: Clock) -> Camera:
    kind = _kind(source)
    if kind == "device":
        return V4l2Camera(source, config, monotonic=monotonic)
    if kind == "url":
        return UrlCamera(source, pace=pace, every=every, track=config.track, monotonic=monotonic)
    if kind == "program":
        return PipeCamera(_program(source), config, monotonic=monotonic)
    if kind == "folder":
        return FolderCamera(Path(source), config.fps, pace=pace, every=every, monotonic=monotonic)
    return ClipCamera(named_recording(source), pace=pace, every=every, track=config.track, monotonic=monotonic)


class RotatedCamera(Camera):
    """Wraps a camera and turns its pictures clockwise by `degrees`, for one mounted sideways or upside down."""

    def __init__(self, camera: Camera, degrees: int) -> None:
        self.name, self.live, self.frames = camera.name, camera.live, camera.frames
        self._camera, self._degrees = camera, degrees

    def read(self) -> Frame | None:
        """See `Camera.read`."""
        frame, self.damaged = self._camera.read(), self._camera.damaged
        return frame and frame.rotated(self._degrees)

    def facts(self) -> RecordingFacts | None:
        """See `Camera.facts`."""
        return self._camera.facts()

    def close(self) -> None:
        """See `Camera.close`."""
        self._camera.close()
