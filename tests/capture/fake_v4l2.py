"""The kernel's end of V4L2's questions, for devices that are empty files in a folder."""

from __future__ import annotations

import errno
import struct
from dataclasses import dataclass, field
from pathlib import Path

from driver_monitor.capture.listing import v4l2_query as query

META_CAPTURE = 0x00800000
OUTPUT = 0x00000002
Sizes = dict[tuple[int, int], tuple[int, ...]]


@dataclass
class Node:
    """One /dev/videoN. `formats`: name to sizes, and each size to its frame rates."""

    card: str
    driver: str = "uvcvideo"
    bus: str = "usb-0000:01:00.0-1.2"
    flags: int = query.VIDEO_CAPTURE
    formats: dict[str, Sizes] = field(default_factory=dict)
    stepwise: bool = False
    now: tuple[str, int, int] | None = None


WEBCAM = Node(
    "HD Webcam",
    formats={"MJPG": {(640, 480): (30, 15), (1280, 720): (30,)}, "YUYV": {(640, 480): (30,), (1280, 720): (10,)}},
    now=("MJPG", 640, 480),
)
INFRARED = Node("IR Camera", formats={"GREY": {(640, 400): (60,)}}, now=("GREY", 640, 400))
METADATA = Node("HD Webcam", flags=META_CAPTURE)
CODEC = Node("bcm2835-codec-decode", "bcm2835-codec", "platform:bcm2835-codec", query.MEM2MEM)
ISP = Node("bcm2835-isp", "bcm2835-isp", "platform:bcm2835-isp")
UNICAM = Node("unicam", "unicam", "platform:fe801000.csi", formats={"pRAA": {(3280, 2464): ()}}, stepwise=True)
JETSON = Node("vi-output, imx219 9-0010", "tegra-video", "platform:tegra-capture-vi:1", formats={"RG10": {}})


class FakeV4l2:
    """Devices in `root`/dev by their numbers. It is the `ioctl` of the listing; files that are no device say so."""

    def __init__(self, root: Path, **nodes: Node) -> None:
        self.root, self.nodes = root, nodes
        (root / "dev").mkdir(parents=True, exist_ok=True)
        for name, node in nodes.items():
            (root / "dev" / name).touch()
            names = root / "sys/class/video4linux" / name
            names.mkdir(parents=True, exist_ok=True)
            (names / "name").write_text(f"{node.card}\n")

    def __call__(self, device: int, request: int, data: bytearray) -> int:
        node = self.nodes.get(Path(f"/proc/self/fd/{device}").readlink().name)
        if node is None:
            raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")
        assert len(data) == request >> 16 & 0x3FFF, "the size of the structure is part of the request"
        answers = {
            query.QUERYCAP: self._capability,
            query.ENUM_FMT: self._format,
            query.ENUM_FRAMESIZES: self._size,
            query.ENUM_FRAMEINTERVALS: self._rate,
            query.G_FMT: self._now,
        }
        try:
            answers[request](node, data)
        except (IndexError, KeyError):
            raise OSError(errno.EINVAL, "Invalid argument") from None
        return 0

    def _capability(self, node: Node, data: bytearray) -> None:
        everything = query.VIDEO_CAPTURE | META_CAPTURE | query.DEVICE_CAPS
        names = (node.driver.encode(), node.card.encode(), node.bus.encode())
        struct.pack_into("<16s32s32sIII", data, 0, *names, 0x060100, everything, node.flags)

    def _format(self, node: Node, data: bytearray) -> None:
        index, kind = struct.unpack_from("<II", data)
        assert kind == query.VIDEO_CAPTURE
        struct.pack_into("<I", data, 44, code(list(node.formats)[index]))

    def _size(self, node: Node, data: bytearray) -> None:
        index, wanted = struct.unpack_from("<II", data)
        width, height = list(node.formats[name(wanted)])[index]
        if node.stepwise:
            struct.pack_into("<IIIIIII", data, 8, 3, 16, width, 4, 16, height, 4)
        else:
            struct.pack_into("<III", data, 8, query.DISCRETE, width, height)

    def _rate(self, node: Node, data: bytearray) -> None:
        index, wanted, width, height = struct.unpack_from("<IIII", data)
        rate = node.formats[name(wanted)][width, height][index]
        struct.pack_into("<III", data, 16, query.DISCRETE, 1, rate)

    def _now(self, node: Node, data: bytearray) -> None:
        if node.now is None:
            raise KeyError
        form, width, height = node.now
        struct.pack_into("<III", data, 8, width, height, code(form))


def code(form: str) -> int:
    return int.from_bytes(form.ljust(4).encode(), "little")


def name(wanted: int) -> str:
    return wanted.to_bytes(4, "little").decode().strip()
