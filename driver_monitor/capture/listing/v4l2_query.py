"""Asks a V4L2 device what it is and what it can do, with the ioctls of `linux/videodev2.h` (64-bit layout)."""

from __future__ import annotations

import errno
import fcntl
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

QUERYCAP, ENUM_FMT, G_FMT = 0x80685600, 0xC0405602, 0xC0D05604
ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS = 0xC02C564A, 0xC034564B
"""Request numbers and, by their middle digits, sizes of the structures (a C program printed them)."""
VIDEO_CAPTURE = 0x00000001
"""V4L2_CAP_VIDEO_CAPTURE, and V4L2_BUF_TYPE_VIDEO_CAPTURE."""
MEM2MEM = 0x00004000 | 0x00008000
"""V4L2_CAP_VIDEO_M2M_MPLANE and V4L2_CAP_VIDEO_M2M: codecs and scalers, which are no cameras."""
DEVICE_CAPS = 0x80000000
"""V4L2_CAP_DEVICE_CAPS: `device_caps` is that of this node, `capabilities` that of all nodes of the camera."""
DISCRETE = 1
"""V4L2_FRMSIZE_TYPE_DISCRETE and V4L2_FRMIVAL_TYPE_DISCRETE. Other types give a range: smallest first."""
MOST = 64
"""Most formats, sizes and rates that are asked for (ours). Some drivers never say that there are no more."""

Ioctl = Callable[[int, int, bytearray], object]
"""Does one ioctl on an open device (`fcntl.ioctl`). Raises `OSError`."""


@dataclass(frozen=True, slots=True)
class FrameSize:
    """One size of pictures, and the frame rates at that size, highest first; empty: the device names none."""

    width: int
    height: int
    rates: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """One format that a camera gives. `name`: four letters, such as `MJPG`. `sizes`: in the camera's order."""

    name: str
    sizes: tuple[FrameSize, ...] = ()


@dataclass(frozen=True, slots=True)
class Capability:
    """What a V4L2 node is. `card`: the name for people. `bus`: where it is connected. `captures`: gives pictures."""

    driver: str
    card: str
    bus: str
    captures: bool


def capability(device: int, ioctl: Ioctl = fcntl.ioctl) -> Capability:
    """Return what the open `device` is. Raises `OSError`, also for a device that is not V4L2."""
    data = bytearray(104)
    ioctl(device, QUERYCAP, data)
    driver, card, bus, _, all_nodes, this_node = struct.unpack_from("<16s32s32sIII", data)
    flags = this_node if all_nodes & DEVICE_CAPS else all_nodes
    return Capability(_text(driver), _text(card), _text(bus), bool(flags & VIDEO_CAPTURE and not flags & MEM2MEM))


def formats(device: int, ioctl: Ioctl = fcntl.ioctl) -> tuple[PixelFormat, ...]:
    """Return the formats of the open `device` with their sizes and rates; what it does not tell is left out."""
    found = []
    for data in _enumerated(device, ENUM_FMT, 64, struct.pack("<I", VIDEO_CAPTURE), ioctl):
        code = int(struct.unpack_from("<I", data, 44)[0])
        found.append(PixelFormat(fourcc_name(code), tuple(_sizes(device, code, ioctl))))
    return tuple(found)


def current_format(device: int, ioctl: Ioctl = fcntl.ioctl) -> tuple[str, int, int] | None:
    """Return format, width and height that the open `device` gives at present; None: it does not tell."""
    data = bytearray(208)
    struct.pack_into("<I", data, 0, VIDEO_CAPTURE)
    try:
        ioctl(device, G_FMT, data)
    except OSError:
        return None
    width, height, code = struct.unpack_from("<III", data, 8)
    return fourcc_name(code), int(width), int(height)


def fourcc_name(code: int) -> str:
    """Return the four letters of a pixel format. Other bytes than letters are left out."""
    letters = (code & 0x7FFFFFFF).to_bytes(4, "little").decode("ascii", "replace")
    return "".join(char for char in letters if char.isprintable() and char.isascii()).strip()


def _sizes(device: int, code: int, ioctl: Ioctl) -> Iterator[FrameSize]:
    for data in _enumerated(device, ENUM_FRAMESIZES, 44, struct.pack("<I", code), ioctl):
        # Of a range: smallest and largest width, step, smallest and largest height. The largest size is told.
        kind, first, second, _, _, highest = struct.unpack_from("<IIIIII", data, 8)
        size = (first, second) if kind == DISCRETE else (second, highest)
        yield FrameSize(*size, tuple(_rates(device, code, size, ioctl)))
        if kind != DISCRETE:
            return


def _rates(device: int, code: int, size: tuple[int, int], ioctl: Ioctl) -> list[float]:
    rates = set()
    for data in _enumerated(device, ENUM_FRAMEINTERVALS, 52, struct.pack("<III", code, *size), ioctl):
        kind, numerator, denominator = struct.unpack_from("<III", data, 16)
        if numerator:
            rates.add(round(denominator / numerator, 2))
        if kind != DISCRETE:
            break
    return sorted(rates, reverse=True)


def _enumerated(device: int, request: int, size: int, wanted: bytes, ioctl: Ioctl) -> Iterator[bytearray]:
    """Yield the answers to `request` for the indices from 0 on. `wanted`: the bytes after the index."""
    for index in range(MOST):
        data = bytearray(size)
        struct.pack_into("<I", data, 0, index)
        data[4 : 4 + len(wanted)] = wanted
        try:
            ioctl(device, request, data)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOTTY, errno.ENODATA, errno.EIO, errno.ENODEV):
                return
            raise
        yield data


def _text(data: bytes) -> str:
    return "".join(char for char in data.split(b"\0")[0].decode("utf-8", "replace") if char.isprintable()).strip()
