"""Which camera a source on the command line or in the config means."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

from driver_monitor.capture.camera import Camera, Clock, Expected
from driver_monitor.capture.recordings.clip import ClipCamera, check_clip
from driver_monitor.capture.recordings.images import FolderCamera, folder_name, list_images
from driver_monitor.capture.recordings.pacing import Pace
from driver_monitor.capture.url import SCHEMES, UrlCamera, without_password
from driver_monitor.capture.v4l2 import V4l2Camera, device_name
from driver_monitor.config.schema import CameraConfig
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Frame

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


def check_source(source: str, *, root: Path = Path("/")) -> Expected:
    """Check what can be told of `source` without opening it, and return what it is expected to be.

    It takes no time that would hold up a running daemon: no network, no decoder, no driver. A URL counts as live until
    it is open and turns out to be a file with an end. `root`: as in `V4l2Camera`. Raises `SourceError`.
    """
    kind = _kind(source)
    if kind == "demo":
        return Expected(_demo_clip().name, live=False)
    if kind == "device":
        return Expected(device_name(source, root), live=True)
    if kind == "url":
        return Expected(without_password(source), live=True)
    path = Path(source)
    if kind == "folder":
        list_images(path)
        return Expected(folder_name(path), live=False)
    check_clip(path)
    return Expected(path.name, live=False)


def _kind(source: str) -> Literal["demo", "device", "url", "folder", "clip"]:
    if source == DEMO:
        return "demo"
    if source.isdecimal() or source.startswith("/dev/"):
        return "device"
    scheme, separator, _ = source.partition("://")
    if separator:
        if scheme.lower() not in SCHEMES:
            raise SourceError(f"{scheme}://: cannot be used as a source; use one of {', '.join(SCHEMES)}, or a path")
        return "url"
    path = Path(source)
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except OSError as error:
        raise SourceError(f"{source}: cannot be read: {error.strerror}; check the path") from error
    if not is_there:
        raise SourceError(
            f"{source}: no such file or folder; a source is a camera number or /dev/video*, a clip, a folder of "
            "images, a URL, or demo"
        )
    return "folder" if is_folder else "clip"


def _open(config: CameraConfig, source: str, pace: Pace, every: int, monotonic: Clock) -> Camera:
    kind = _kind(source)
    if kind == "device":
        return V4l2Camera(source, config, monotonic=monotonic)
    if kind == "url":
        return UrlCamera(source, pace=pace, every=every, monotonic=monotonic)
    if kind == "folder":
        return FolderCamera(Path(source), config.fps, pace=pace, every=every, monotonic=monotonic)
    return ClipCamera(Path(source), pace=pace, every=every, monotonic=monotonic)


def _demo_clip() -> Path:
    from driver_monitor.demo import CLIP

    return CLIP


def _open_demo(real_time: bool, every: int, monotonic: Clock) -> Camera:
    return ClipCamera(_demo_clip(), pace="real_time" if real_time else "fast", every=every, monotonic=monotonic)


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
        return frame and frame.rotated(self._degrees)

    def close(self) -> None:
        """See `Camera.close`."""
        self._camera.close()
