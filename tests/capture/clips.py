"""Small clips, encoded on the fly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from driver_monitor.imaging.frame import Image

MILLISECOND = Fraction(1, 1000)


def picture_of(number: int, *, grey: bool = False, width: int = 96, height: int = 64) -> Image:
    """A picture that shows its number: its left half has the grey level 20 + 7 x number, its right half is white."""
    image = np.full((height, width) if grey else (height, width, 3), 20 + 7 * number, np.uint8)
    image[:, width // 2 :] = 235
    return image


def number_in(image: Image) -> int:
    height, width = image.shape[:2]
    return round((float(image[height // 4 : -height // 4, width // 8 : width // 4].mean()) - 20) / 7)


def write_clip(
    path: Path,
    images: Sequence[Image],
    *,
    fps: int = 20,
    stamps_ms: Sequence[int] | None = None,
    codec: str = "mpeg4",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    coding: dict[str, str] | None = None,
    aspect: str | None = None,
) -> Path:
    """Encode `images`; `stamps_ms`: one presentation time each, in milliseconds, instead of an even rate.

    `options`: of the container; `coding`: of the encoder; `aspect`: shape of the pixels, such as 2:1.
    """
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=fps, options=coding or {})
        assert isinstance(stream, VideoStream)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = Fraction(aspect.replace(":", "/"))
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.bit_rate = 4_000_000
        if stamps_ms is not None:
            stream.codec_context.time_base = stream.time_base = MILLISECOND
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="gray" if image.ndim == 2 else "bgr24")
            if stamps_ms is not None:
                frame.pts, frame.time_base = stamps_ms[number], MILLISECOND
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def with_late_stamp(source: Path, target: Path, place: int, ahead_ms: int) -> Path:
    """Copy a clip; the frame at `place` gets a stamp that is `ahead_ms` milliseconds too high."""
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = read.streams.video[0]
        copy = written.add_stream_from_template(stream)
        for number, packet in enumerate(read.demux(stream)):
            if packet.pts is None:
                continue
            if number == place:
                assert packet.time_base is not None
                packet.pts += round(ahead_ms / 1000 / packet.time_base)
            packet.stream = copy
            written.mux(packet)
    return target


def write_tracks(path: Path, tracks: Sequence[Sequence[Image]]) -> Path:
    """Encode several video tracks of equal length into one file."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("mpeg4", rate=20) for _ in tracks]
        for stream, images in zip(streams, tracks, strict=True):
            assert isinstance(stream, VideoStream)
            stream.height, stream.width = images[0].shape[:2]
            stream.pix_fmt = "yuv420p"
            stream.bit_rate = 4_000_000
        for number in range(len(tracks[0])):
            for stream, images in zip(streams, tracks, strict=True):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(images[number], format="bgr24")))
        for stream in streams:
            container.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """Encode half a second of silence without any picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn(path: Path) -> Path:
    """Mark an MP4 as recorded sideways, as phones do: players turn it clockwise by 90 degrees (track header matrix)."""
    one, none = (1 << 16).to_bytes(4, "big"), bytes(4)
    upright = b"".join([one, none, none, none, one, none, none, none, (1 << 30).to_bytes(4, "big")])
    minus = (-(1 << 16)).to_bytes(4, "big", signed=True)
    on_its_side = b"".join([none, one, none, minus, none, none, none, none, (1 << 30).to_bytes(4, "big")])
    data = path.read_bytes()
    header = data.index(b"tkhd")
    matrix = data.index(upright, header)
    path.write_bytes(data[:matrix] + on_its_side + data[matrix + len(upright) :])
    return path
