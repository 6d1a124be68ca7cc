"""Reads any frame of a clip by its number, and is sure that it is this frame.

The clip is decoded once from its first to its last frame, as a replay does. That gives each frame its number, and a
checksum of its picture is kept. Later, FFmpeg goes to a key frame and decodes from there. Containers name wrong key
frames, and damaged packets decode differently after a jump; so a picture is returned only if its checksum is that of
its number. If it is not, an earlier key frame is tried, and at last the clip is decoded from its start again, where
counting gives the number. FFmpeg fills what is missing of a damaged picture differently each time: then only the number
is sure.
"""

from __future__ import annotations

import bisect
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from driver_monitor.capture.recordings.clip import open_clip
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Image, YuvPicture

if TYPE_CHECKING:  # FFmpeg's libraries are large
    from driver_monitor.capture.recordings.decoder import Decoded

Picture = Image | YuvPicture
OnFrames = Callable[[int, int | None], None]
"""Is called with the number of frames done and the number of all frames (None: not known)."""
KEEP_BYTES = 96_000_000
"""Bytes of decoded pictures that are kept, so that steps back need no decoding: about 100 of 640x480 (ours)."""
KEY_TRIES = 3
"""So many key frames are tried before the clip is decoded from its start (ours)."""
GO_ON = 30
"""A frame at most this far ahead is decoded on to, even if there is a key frame between (ours)."""


@dataclass(frozen=True, slots=True)
class IndexedFrame:
    """What the index holds of a frame. `t`: seconds. `stamp`, `key`: as in `Decoded`. `check`: CRC-32 of its planes."""

    t: float
    stamp: int | None
    key: bool
    check: int


class IndexedClip:
    """A clip whose frames are read by number, from 0 in decoding order: the numbers of a replay.

    `track`: as in `Decoder`. `progress`: hears of the first decoding. `frames`: the index. `fps`: frames per second
    over the whole clip. `reads_from_start`: how often the clip had to be decoded from its start. One thread at a time.
    The constructor raises `SourceError` if no frame can be decoded.
    """

    def __init__(self, path: Path, track: int | None = None, progress: OnFrames | None = None) -> None:
        self._path, self._track = path, track
        self._kept: OrderedDict[int, tuple[Picture, int]] = OrderedDict()
        self._kept_bytes = 0
        self._decoder = open_clip(path, track=track)
        self.frames = self._index(progress)
        if not self.frames:
            self.close()
            raise SourceError(f"{path}: no frame can be decoded: damaged or cut off; copy it again")
        stamps = {one.stamp: number for number, one in enumerate(self.frames) if one.stamp is not None}
        # A clip that repeats a stamp, or lacks one, is read from its start: slow, and right.
        self._by_stamp = stamps if len(stamps) == len(self.frames) else {}
        self._keys = [number for number, one in enumerate(self.frames) if one.key] if self._by_stamp else []
        self._position: int | None = None
        self._unstable: set[int] = set()
        """Frames that are another picture each time they are decoded: damaged ones."""
        self._identity = _identity(path)
        self.reads_from_start = 0
        last = self.frames[-1].t
        self.fps = (len(self.frames) - 1) / last if last > 0 else self._decoder.rate or 1.0

    def _index(self, progress: OnFrames | None) -> list[IndexedFrame]:
        frames: list[IndexedFrame] = []
        while (decoded := self._decoder.next_or_fault()[0]) is not None:
            frames.append(IndexedFrame(decoded.t, decoded.stamp, decoded.key, checksum(decoded.picture)))
            if progress is not None:
                progress(len(frames), self._decoder.total)
        return frames

    def read(self, number: int) -> Picture:
        """Return the picture of a frame. Raises `IndexError`: no such frame; `SourceError`: the file has changed."""
        if not 0 <= number < len(self.frames):
            raise IndexError(number)
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number][0]
        before = self._keys[: bisect.bisect_right(self._keys, number)]
        picture = self._decode_on(number) if self._is_near(number, before[-1] if before else 0) else None
        if picture is not None:
            return picture
        for key in before[: -KEY_TRIES - 1 : -1]:
            picture = self._from_key(key, number)
            if picture is not None:
                return picture
        picture = self._from_start(number)
        if picture is None or _identity(self._path) != self._identity:
            raise SourceError(f"{self._path}: the file has changed since it was opened; start again")
        return picture

    def _is_near(self, number: int, key: int) -> bool:
        """Return whether decoding on reaches frame `number` as fast as a jump to `key`, the key frame before it."""
        at = self._position
        return at is not None and at <= number and (key <= at or number <= at + GO_ON)

    def close(self) -> None:
        """Release the decoder."""
        self._decoder.close()

    def _from_key(self, key: int, number: int) -> Picture | None:
        from driver_monitor.capture.recordings.decoder import FAULTS

        stamp = self.frames[key].stamp
        try:
            self._decoder.seek(stamp if stamp is not None else 0)
        except FAULTS:
            self._position = None
            return None
        self._position = key
        return self._decode_on(number)

    def _from_start(self, number: int) -> Picture | None:
        self.reads_from_start += 1
        self._decoder.close()
        self._decoder = open_clip(self._path, track=self._track)
        self._position = None
        for current in range(number + 1):
            decoded = self._decoder.next_or_fault()[0]
            if decoded is None:
                return None
            if checksum(decoded.picture) != self.frames[current].check:
                self._unstable.add(current)
            self._keep(current, decoded.picture)
        self._position = number + 1
        return self._kept[number][0]

    def _decode_on(self, number: int) -> Picture | None:
        """Decode until frame `number`. None: it does not come, or is another picture than in the index."""
        while (decoded := self._decoder.next_or_fault()[0]) is not None:
            current = self._number_of(decoded)
            if current is None or current > number:
                break
            self._position = current + 1
            right = current in self._unstable or checksum(decoded.picture) == self.frames[current].check
            if right:
                self._keep(current, decoded.picture)
            if current == number:
                if right:
                    return decoded.picture
                break
        self._position = None
        return None

    def _number_of(self, decoded: Decoded) -> int | None:
        if self._by_stamp:
            return self._by_stamp.get(decoded.stamp) if decoded.stamp is not None else None
        return self._position

    def _keep(self, number: int, picture: Picture) -> None:
        size = _bytes(picture)
        self._kept_bytes += size - self._kept.pop(number, (picture, 0))[1]
        self._kept[number] = picture, size
        while self._kept_bytes > KEEP_BYTES and len(self._kept) > 1:
            self._kept_bytes -= self._kept.popitem(last=False)[1][1]


def _identity(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def checksum(picture: Picture) -> int:
    """Return the CRC-32 of all planes of a picture."""
    planes = (picture.grey, picture.u, picture.v) if isinstance(picture, YuvPicture) else (picture,)
    total = 0
    for plane in planes:
        total = zlib.crc32(plane.tobytes() if not plane.flags.c_contiguous else plane.data, total)
    return total


def _bytes(picture: Picture) -> int:
    if isinstance(picture, YuvPicture):  # the decoder's own planes are held too, for the colours
        return 2 * (picture.grey.nbytes + picture.u.nbytes + picture.v.nbytes)
    return picture.nbytes
