"""The form of the pictures in a pipe: raw ones of a known size, and the header of a YUV4MPEG2 stream (y4m). Pure.

All have 8 bits, and the grey picture (the Y plane) comes first. Only that one is used. A YUV4MPEG2 stream is a line of
text, `YUV4MPEG2 W640 H480 F30:1 C420`, and then for each picture the line `FRAME` and its planes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from driver_monitor.config.camera_program import RawPictures
from driver_monitor.errors import SourceError
from driver_monitor.imaging.picture import check_size

MAGIC = b"YUV4MPEG2"
FRAME_LINE = b"FRAME\n"
LONGEST_HEADER = 512
"""Bytes (ours). Programs write some 60, and FFmpeg with its comments 100."""
_CHROMA = {"mono": (0, 0), "444": (1, 1), "422": (2, 1), "411": (4, 1)}
"""Colour space of the header: by how much the colour planes are narrower and lower than the grey one. 0: there are
none. The kinds of 420 (`420jpeg`, `420mpeg2`, `420paldv`) differ in the place of the colours only."""

_SHAPES = ((4, 3), (16, 9), (16, 10), (5, 4))
"""Width and height of usual pictures."""


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """The form of each picture.

    `colour_bytes`: bytes of the colour planes after the grey one. `mark`: what stands before each picture. `limited`:
    16 is black and 235 is white. `rate`: pictures per second, None: not known. `aspect`: width of a pixel divided by
    its height.
    """

    width: int
    height: int
    colour_bytes: int
    mark: bytes = b""
    limited: bool = False
    rate: float | None = None
    aspect: float = 1.0

    @property
    def size(self) -> str:
        """Width and height as text."""
        return f"{self.width}x{self.height}"

    def likely_size(self, given: int) -> str:
        """Return ", as of 320x240" if pictures of `given` bytes and a usual shape have this size; else nothing."""
        pixels = given * self.grey_bytes / self.bytes
        for across, down in _SHAPES:
            side = math.sqrt(pixels / (across * down))
            if side == round(side):
                return f", as of {across * round(side)}x{down * round(side)}"
        return ""

    @property
    def grey_bytes(self) -> int:
        """Bytes of the grey plane."""
        return self.width * self.height

    @property
    def bytes(self) -> int:
        """Bytes of a picture with its mark."""
        return len(self.mark) + self.grey_bytes + self.colour_bytes


def raw_format(raw: RawPictures, where: str) -> PictureFormat:
    """Return the form of raw pictures. Raises `SourceError`, which begins with `where`, if they are too small."""
    check_size(raw.width, raw.height, where)
    colours = 0 if raw.pixels == "gray8" else 2 * _half(raw.width) * _half(raw.height)
    return PictureFormat(raw.width, raw.height, colours)


def parse_header(line: bytes, where: str) -> PictureFormat:
    """Return the form that the first line of a YUV4MPEG2 stream gives.

    Raises `SourceError`, which begins with `where`, for another line, or more than 8 bits.
    """
    words = line.decode("ascii", "replace").split()
    if not words or words[0] != MAGIC.decode():
        raise SourceError(f"{where}: {_not_a_header(line)}")
    values = {word[0]: word[1:] for word in words[1:] if word[0] != "X"}
    extras = {word for word in words if word[0] == "X"}
    try:
        width, height = int(values["W"]), int(values["H"])
    except (KeyError, ValueError):
        raise SourceError(f"{where}: its YUV4MPEG2 header has no size; check the command") from None
    check_size(width, height, where)
    space = values.get("C", "420")
    if space.startswith("420") and "p1" not in space:
        colours = 2 * _half(width) * _half(height)
    elif space in _CHROMA:
        across, down = _CHROMA[space]
        colours = 2 * -(-width // across) * -(-height // down) if across else 0
    else:
        raise SourceError(f"{where}: gives pictures of the kind {space:.20}; make it give 420 or mono, with 8 bits")
    full = space == "mono" and "XCOLORRANGE=LIMITED" not in extras
    limited = not full and "XCOLORRANGE=FULL" not in extras
    rate, aspect = _ratio(values.get("F")), _ratio(values.get("A"))
    return PictureFormat(width, height, colours, FRAME_LINE, limited, rate or None, aspect or 1.0)


def square(aspect: float) -> tuple[float, float]:
    """Return the factors of width and height that make pixels of this `aspect` square. One is 1: no pixel is lost."""
    return (aspect, 1.0) if aspect >= 1.0 else (1.0, 1.0 / aspect)


def _half(side: int) -> int:
    return -(-side // 2)


def _ratio(text: str | None) -> float:
    """Return the value of `30:1`; 0.0 if it is missing, unknown (`0:0`) or not credible."""
    try:
        value = float(Fraction((text or "0").replace(":", "/")))
    except (ValueError, ZeroDivisionError, OverflowError):
        return 0.0
    return value if 1e-3 < value < 1e3 else 0.0


def _not_a_header(line: bytes) -> str:
    """Return what is wrong with a stream that begins with `line`."""
    text = line.decode("ascii", "replace")
    begin = "".join(char for char in text if " " <= char <= "~")[:30].strip()
    shown = f" it begins with '{begin}';" if begin and begin == text[: len(begin)] else ""
    return (
        f"does not write a YUV4MPEG2 stream;{shown} let the command write y4m and nothing else (GStreamer: -q and "
        "`! y4menc ! fdsink`), or say size and format: pipe:raw:640x480:gray8:COMMAND"
    )
