"""Makes the command lines of camera programs, and says what to do when one is missing or fails."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from driver_monitor.capture.child.picture_format import PictureFormat, raw_format
from driver_monitor.config.camera_program import CameraProgram, RawPictures
from driver_monitor.config.schema import CameraConfig
from driver_monitor.errors import SourceError

RPICAM = ("rpicam-vid", "libcamera-vid")
"""Names of the same program: since Raspberry Pi OS 12, and before."""
GSTREAMER = "gst-launch-1.0"
WIDTH_STEP = 128
"""Pixels. libcamera pads each row of a picture, and `rpicam-vid` writes the padding too. Widths that are a multiple of
this have none: rows of the colour planes, half as wide, are then multiples of 64 bytes."""
STREAM_SIZE = re.compile(rb"configuring streams: \(0\) (\d+)x(\d+)-")
"""libcamera's line on stderr with the true size of the pictures."""
PICTURES, TIMES = "{pictures}", "{times}"
"""In arguments: the numbers of the descriptors for pictures and for their times."""
_SECRET = re.compile(r"(?i)^-{0,2}[\w-]*(pass|pwd|token|key|secret)\w*$")


@dataclass(frozen=True, slots=True)
class Command:
    """How a camera program is started, and what it gives.

    `arguments`: begin with the program; they may hold `PICTURES` and `TIMES`, except those of a user's own command.
    `expected`: the form of the pictures; of a YUV4MPEG2 stream its size, or None if any size is right. `marked`: the
    pictures are such a stream. `stop`: the signal on which the program frees the camera. `stream_size`: finds its true
    size in what it writes to stderr. `advice`: what to do when it fails. `secrets`: words that no message may show.
    """

    name: str
    arguments: tuple[str, ...]
    expected: PictureFormat | None
    marked: bool
    stop: signal.Signals
    advice: str
    stream_size: re.Pattern[bytes] | None = None
    secrets: tuple[str, ...] = ()

    @property
    def program(self) -> str:
        """The name or path of the program."""
        return self.arguments[0]

    @property
    def times(self) -> bool:
        """Whether the program gives the times of its pictures."""
        return any(TIMES in argument for argument in self.arguments)

    @property
    def own_pipe(self) -> bool:
        """Whether the pictures have a pipe of their own. Otherwise they come from stdout."""
        return any(PICTURES in argument for argument in self.arguments)

    def started(self, pictures: int, times: int) -> list[str]:
        """Return the arguments with the numbers of the descriptors."""
        if not (self.times or self.own_pipe):
            return list(self.arguments)
        return [one.replace(PICTURES, str(pictures)).replace(TIMES, str(times)) for one in self.arguments]


def command_of(source: CameraProgram, config: CameraConfig) -> Command:
    """Return the command for `source`. Raises `SourceError` if its program is not installed."""
    if source.kind == "rpicam":
        return _rpicam(source, config)
    return _nvargus(source, config) if source.kind == "nvargus" else _own(source)


def check_installed(source: CameraProgram) -> None:
    """Raise `SourceError`, with what to install, if the program of `source` is not there."""
    if source.kind == "rpicam":
        _rpicam_program(source)
    elif source.kind == "nvargus":
        packages = "gstreamer1.0-tools gstreamer1.0-plugins-good"
        _installed((GSTREAMER,), f"{source.name}: {GSTREAMER} is not installed; run `sudo apt install {packages}`")
    else:
        program = source.command[0]
        _installed((program,), f"{source.name}: there is no such program; install it, or give its full path")


def _rpicam_program(source: CameraProgram) -> str:
    missing = f"{source.name}: neither {' nor '.join(RPICAM)} is installed; on a Raspberry Pi run "
    return _installed(RPICAM, f"{missing}`sudo apt install rpicam-apps` (before Raspberry Pi OS 12: libcamera-apps)")


def _installed(names: Sequence[str], missing: str) -> str:
    """Return the first of `names` that is a program. Raises `SourceError` with the text `missing` if none is."""
    found = next((name for name in names if shutil.which(name)), None)
    if found is None:
        raise SourceError(missing)
    return found


def _rpicam(source: CameraProgram, config: CameraConfig) -> Command:
    width = max(WIDTH_STEP, round(config.width / WIDTH_STEP) * WIDTH_STEP)
    height = config.height // 2 * 2
    number = () if source.number is None else ("--camera", str(source.number))
    fixed = () if config.exposure_ms is None else ("--shutter", f"{config.exposure_ms * 1000:.0f}")
    gain = () if config.gain is None else ("--gain", f"{config.gain:g}")
    # Without a preview window, without an end, and each picture at once. The Y plane of yuv420 has levels 0 to 255.
    arguments = (
        *(_rpicam_program(source), "-n", "-t", "0", *number, "--width", str(width), "--height", str(height)),
        *("--framerate", f"{config.fps:g}", *fixed, *gain, "--codec", "yuv420", "--flush"),
        *("--save-pts", f"/dev/fd/{TIMES}", "-o", "-"),
    )
    expected = replace(raw_format(RawPictures(width, height, "i420"), source.name), rate=config.fps)
    advice = "check the camera's cable, and what `rpicam-hello --list-cameras` says"
    return Command(source.name, arguments, expected, False, signal.SIGINT, advice, STREAM_SIZE)


def _nvargus(source: CameraProgram, config: CameraConfig) -> Command:
    check_installed(source)
    size = f"width={config.width},height={config.height}"
    exposure_ns = 0 if config.exposure_ms is None else round(config.exposure_ms * 1_000_000)
    fixed = (f"exposuretimerange={exposure_ns} {exposure_ns}",) if exposure_ns else ()
    gain = () if config.gain is None else (f"gainrange={config.gain:g} {config.gain:g}",)
    # The pictures have a pipe of their own, because nvarguscamerasrc writes messages to stdout.
    arguments = (
        *(GSTREAMER, "-q", "nvarguscamerasrc", f"sensor-id={source.number or 0}", *fixed, *gain),
        *("!", f"video/x-raw(memory:NVMM),{size},framerate={round(config.fps)}/1", "!", "nvvidconv"),
        *("!", f"video/x-raw,format=I420,{size}", "!", "y4menc", "!", "fdsink", f"fd={PICTURES}", "sync=false"),
    )
    expected = raw_format(RawPictures(config.width, config.height, "i420"), source.name)
    advice = "check the camera's cable, and `systemctl status nvargus-daemon`"
    return Command(source.name, arguments, expected, True, signal.SIGINT, advice)


def _own(source: CameraProgram) -> Command:
    check_installed(source)
    expected = None if source.raw is None else raw_format(source.raw, source.name)
    advice = "try the command in a terminal"
    secrets = _secrets(source.command)
    return Command(source.name, source.command, expected, expected is None, signal.SIGTERM, advice, None, secrets)


def _secrets(command: Sequence[str]) -> tuple[str, ...]:
    """Return the arguments that follow an option such as `--password`."""
    return tuple(value for option, value in pairwise(command) if _SECRET.match(option) and len(value) > 2)
