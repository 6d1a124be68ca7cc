"""Finds the CSI cameras of a Raspberry Pi: asks `rpicam-hello --list-cameras`, or `libcamera-hello` before it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence

from driver_monitor.capture.listing.found_camera import FoundCamera
from driver_monitor.capture.listing.v4l2_query import FrameSize, PixelFormat

PROGRAMS = ("rpicam-hello", "libcamera-hello")
LIMIT_S = 10.0
"""Longest wait for the program (ours). It takes one or two seconds on a Raspberry Pi 4."""
SOURCE = "rpicam"
_CAMERA = re.compile(r"^\s*(\d+) : (.+?) \[[^\]]*\] \((.*)\)\s*$")
_MODE = re.compile(r"(?:'(\w+)' : )?(\d+)x(\d+) \[([\d.]+) fps")

RunProgram = Callable[[Sequence[str]], "str | None"]
"""Runs a program and returns what it prints; None: it is not there, failed or took too long."""


def run_program(command: Sequence[str]) -> str | None:
    """Run `command` for at most `LIMIT_S` and return its output; None: not there, failed or too slow."""
    try:
        done = subprocess.run(
            list(command), stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (done.stdout + done.stderr).decode("utf-8", "replace") if done.returncode == 0 else None


def csi_cameras(run: RunProgram = run_program) -> list[FoundCamera]:
    """Return the CSI cameras that the program lists; none without the program. USB cameras of its list are left out."""
    for program in PROGRAMS:
        if (text := run((program, "--list-cameras"))) is not None:
            return _read(text)
    return []


def _read(text: str) -> list[FoundCamera]:
    """Read the program's list. A camera is a line with its number, name, size and path; its modes follow."""
    found = []
    for block in re.split(r"(?m)^(?=\s*\d+ : )", text):
        first, *modes = block.splitlines() or [""]
        match = _CAMERA.match(first)
        if match is not None and "usb" not in match[3].casefold():
            # The program counts all cameras: this is the number that `rpicam-vid --camera` takes.
            number = int(match[1])
            found.append(FoundCamera(SOURCE, match[2], match[3], _formats(modes), number=number, csi=SOURCE))
    return found


def _formats(lines: Sequence[str]) -> tuple[PixelFormat, ...]:
    """Return the formats of the lines about modes. The first line of a format names it."""
    sizes: dict[str, list[FrameSize]] = {}
    name = ""
    for line in lines:
        if match := _MODE.search(line):
            name = match[1] or name
            sizes.setdefault(name, []).append(FrameSize(int(match[2]), int(match[3]), (round(float(match[4]), 2),)))
    return tuple(PixelFormat(name, tuple(found)) for name, found in sizes.items())
