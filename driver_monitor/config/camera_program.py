"""Reads values of `camera.source` that name a camera program: `rpicam`, `nvargus` and `pipe:`. Starts nothing."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

KINDS = ("rpicam", "nvargus", "pipe")
SYNTAX = "pipe:COMMAND, or pipe:raw:640x480:gray8:COMMAND with gray8, i420 or nv12"
PIXEL_FORMATS = ("gray8", "i420", "nv12")
"""Formats of raw pictures, all with 8 bits and the grey picture first."""
_RAW = re.compile(r"raw:(?P<width>\d{1,5})x(?P<height>\d{1,5}):(?P<format>\w+):(?P<command>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RawPictures:
    """What the user says of raw pictures: width and height in pixels, one of `PIXEL_FORMATS`."""

    width: int
    height: int
    pixels: str


@dataclass(frozen=True, slots=True)
class CameraProgram:
    """A camera that a program of its own reads.

    `number`: of several cameras on the board; None: the program chooses. `command`: the user's own program with its
    arguments, for `pipe` only. `raw`: the form of its pictures; None: YUV4MPEG2, which says it itself.
    """

    kind: Literal["rpicam", "nvargus", "pipe"]
    number: int | None = None
    command: tuple[str, ...] = ()
    raw: RawPictures | None = None

    @property
    def name(self) -> str:
        """The name for people. Of a command only the name of its program: the arguments may hold a password."""
        if self.kind == "pipe":
            return f"pipe:{Path(self.command[0]).name}"
        return self.kind if self.number is None else f"{self.kind}:{self.number}"


def camera_program(source: str) -> CameraProgram | None:
    """Return the camera program that `source` names; None: another kind of source. Raises `ValueError` if malformed."""
    kind, colon, rest = source.partition(":")
    if kind == "pipe" and colon:
        return _own_command(rest)
    if kind not in ("rpicam", "nvargus"):
        return None
    if colon and not re.fullmatch(r"\d{1,2}", rest):
        raise ValueError(f"expected {kind} or {kind}:NUMBER, such as {kind}:1, found '{source:.60}'")
    number = int(rest) if colon else None
    return CameraProgram("rpicam", number) if kind == "rpicam" else CameraProgram("nvargus", number)


def camera_source(source: str) -> str:
    """Return `source`. Raises `ValueError` if it names a camera program in a wrong way. Other kinds are not checked."""
    camera_program(source)
    return source


def _own_command(text: str) -> CameraProgram:
    """Return the camera program of the text behind `pipe:`. No error shows the command, which may hold a password."""
    raw = None
    if text.startswith("raw:"):
        found = _RAW.fullmatch(text)
        if found is None or found["format"] not in PIXEL_FORMATS or "0" in (found["width"], found["height"]):
            raise ValueError(f"pipe:raw: size or format of the pictures is missing or wrong; write {SYNTAX}")
        raw, text = RawPictures(int(found["width"]), int(found["height"]), found["format"]), found["command"]
    try:
        command = tuple(shlex.split(text))
    except ValueError as error:
        raise ValueError(f"pipe: the command is not complete ({str(error).lower()}); check its quotes") from None
    if not command or not command[0]:
        raise ValueError(f"pipe: the command is missing; write {SYNTAX}")
    return CameraProgram("pipe", None, command, raw)
