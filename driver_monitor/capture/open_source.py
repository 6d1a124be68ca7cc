"""Which camera a source on the command line or in the config means."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from driver_monitor.capture import picture
from driver_monitor.capture.camera import Camera, Clock
from driver_monitor.capture.clip import ClipCamera
from driver_monitor.capture.frame import Frame
from driver_monitor.capture.images import FolderCamera
from driver_monitor.capture.pacing import Pace
from driver_monitor.capture.url import SCHEMES, UrlCamera
from driver_monitor.capture.v4l2 import V4l2Camera
from driver_monitor.config import CameraConfig
from driver_monitor.errors import SourceError

DEMO = "demo"


def open_camera(
    config: CameraConfig, source: str, real_time: bool, *, every: int = 1, monotonic: Clock = time.monotonic
) -> Camera:
    """Open `source`: a camera number or /dev path, a clip, a folder of images, a URL, or `demo`.

    `real_time`: recordings give their frames at their own times, as a camera would; otherwise as fast as they decode.
    `every`: each Nth frame of a recording. `config.rotate` turns the picture of every source but the demo. Raises
    `SourceError`.
    """
    if source == DEMO:
        return _open_demo(real_time, every, monotonic)
    camera = _open(config, source, "real_time" if real_time else "fast", every, monotonic)
    return RotatedCamera(camera, config.rotate) if config.rotate else camera


def _open(config: CameraConfig, source: str, pace: Pace, every: int, monotonic: Clock) -> Camera:
    if source.isdecimal() or source.startswith("/dev/"):
        return V4l2Camera(source, config, monotonic=monotonic)
    scheme, separator, _ = source.partition("://")
    if separator:
        if scheme.lower() not in SCHEMES:
            raise SourceError(f"{scheme}://: cannot be used as a source; use one of {', '.join(SCHEMES)}, or a path")
        return UrlCamera(source, pace=pace, every=every, monotonic=monotonic)
    path = Path(source)
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except OSError as error:
        raise SourceError(f"{source}: cannot be read: {error.strerror}; check the path") from error
    if is_folder:
        return FolderCamera(path, config.fps, pace=pace, every=every, monotonic=monotonic)
    if not is_there:
        raise SourceError(
            f"{source}: no such file or folder; a source is a camera number or /dev/video*, a clip, a folder of "
            "images, a URL, or demo"
        )
    return ClipCamera(path, pace=pace, every=every, monotonic=monotonic)


def _open_demo(real_time: bool, every: int, monotonic: Clock) -> Camera:
    from driver_monitor.demo import CLIP

    return ClipCamera(CLIP, pace="real_time" if real_time else "fast", every=every, monotonic=monotonic)


class RotatedCamera(Camera):
    """Another camera, mounted on its side or upside down: its picture is turned clockwise by `degrees`."""

    def __init__(self, camera: Camera, degrees: int) -> None:
        self.name = camera.name
        self.live = camera.live
        self.frames = camera.frames
        self._camera = camera
        self._degrees = degrees

    def read(self) -> Frame | None:
        """See `Camera.read`."""
        frame = self._camera.read()
        return frame and dataclasses.replace(frame, image=picture.rotate(frame.image, self._degrees))

    def close(self) -> None:
        """See `Camera.close`."""
        self._camera.close()
