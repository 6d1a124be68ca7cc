"""Pictures to measure with: of a clip, in the size of a camera, with nobody in them, or sent as a camera does."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.errors import DriverMonitorError
from driver_monitor.imaging.frame import Frame, Image
from tools.cost.figures import count

CLIP = Path("../shared/data/clips/incar_1.avi")
"""A driver in a car, 640 x 480, 30 frames a second."""
WRITER = (
    "import sys,time; path,size,rate=sys.argv[1],int(sys.argv[2]),float(sys.argv[3]); out=sys.stdout.buffer; "
    "data=memoryview(open(path,'rb').read()); count=len(data)//size; begin=time.monotonic(); "
    "[(time.sleep(max(0.0,begin+n/rate-time.monotonic())),out.write(data[n%count*size:n%count*size+size]),out.flush()) "
    "for n in range(10**9)]"
)
"""A program that sends raw pictures at the rate of a camera, again and again."""


def add_clip(parser: argparse.ArgumentParser, frames: int) -> None:
    """Add the clip and `--frames`."""
    parser.add_argument("clip", type=Path, nargs="?", default=CLIP, help=f"a recording (default: {CLIP})")
    parser.add_argument("--frames", type=count, default=frames, help=f"from its beginning (default: {frames})")


def read_frames(clip: Path, most: int) -> list[Frame]:
    """Return the first frames of `clip`, at most so many, as a replay gets them. Ends the program if it has none."""
    try:
        with ClipCamera(clip) as camera:
            frames = [frame for _ in range(most) if (frame := camera.read()) is not None]
    except DriverMonitorError as error:
        sys.exit(str(error))
    if not frames:
        sys.exit(f"{clip}: it has no frames; give another clip")
    return frames


def of_width(image: Image, width: int) -> Image:
    """Return `image`, (H, W) or (H, W, 3), as a camera of this width shows it: 4:3 up to 640 pixels, 16:9 above.

    The whole height is kept. The sides repeat the columns at the edge.
    """
    height = round(width * (3 / 4 if width <= 640 else 9 / 16) / 2) * 2
    scale = height / image.shape[0]
    inner = min(width, round(image.shape[1] * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(image, (inner, height), interpolation=method)
    left = (width - inner) // 2
    wide = cv2.copyMakeBorder(scaled, 0, 0, left, width - inner - left, cv2.BORDER_REPLICATE)
    return np.asarray(wide, np.uint8)


def nobody(image: Image, number: int) -> Image:
    """Return `image` as a mosaic, too coarse for a face, with the noise of a sensor: no picture repeats the last.

    A blurred picture would be a covered lens, behind which nobody is searched. `number`: of the frame; it chooses
    the noise.
    """
    height, width = image.shape[:2]
    few = cv2.resize(image, (16, max(1, 16 * height // width)), interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(few, (width, height), interpolation=cv2.INTER_NEAREST)
    noise = np.random.default_rng(number).normal(0.0, 3.0, image.shape)
    return np.clip(coarse + noise, 0, 255).astype(np.uint8)


def raw_camera(images: Sequence[Image], folder: Path, rate: float) -> str:
    """Write grey `images` of one size into `folder`. Return a source that sends them as a camera program does."""
    height, width = images[0].shape
    path = folder / "pictures.raw"
    path.write_bytes(b"".join(np.ascontiguousarray(image).tobytes() for image in images))
    return f'pipe:raw:{width}x{height}:gray8:{sys.executable} -S -c "{WRITER}" {path} {width * height} {rate:g}'
