"""Write variants of a clip: other start, frame rate, container, codec, size, light, mirrored, and combinations."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

STARTS, COMBINATIONS = 24, 24
"""Number of starts within the first second, and of combinations, for each clip. With the others: some 70 variants."""
QUALITY = {
    "libx264": {"crf": "18", "preset": "veryfast"},
    "libx265": {"crf": "20", "preset": "veryfast", "x265-params": "log-level=error"},
    "mpeg4": {"qscale": "3"},
    "mjpeg": {"qscale": "3"},
}
"""Options of the encoders for pictures that look like those of the clip."""
GAMMAS = (0.9, 1.1)
SMALL_WIDTH = 480

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Variant:
    """One variant. `start`: first frame that is used. `every`: use every Nth frame. `fps`: drop frames down to this.

    `container`, `codec`: how it is encoded. `scale`: of both sides; `width`: a fixed width, in pixels. `brightness`,
    `contrast`: factors. `gamma`: exponent. `mirrored`: left and right are exchanged.
    """

    name: str
    start: int = 0
    every: int = 1
    fps: float | None = None
    container: str = "mp4"
    codec: str = "libx264"
    scale: float = 1.0
    width: int | None = None
    brightness: float = 1.0
    contrast: float = 1.0
    gamma: float = 1.0
    mirrored: bool = False

    @property
    def only_time(self) -> bool:
        """Whether the pictures are those of the clip, so that its trace is enough."""
        return self == Variant(self.name, self.start, self.every, self.fps)

    def frames(self, count: int, fps: float) -> list[int]:
        """Return the numbers of the clip's frames that the variant shows. `count`, `fps`: those of the clip."""
        numbers = list(range(self.start, count, self.every))
        if self.fps is None or self.fps >= fps:
            return numbers
        kept, due = [], 0.0
        for number in numbers:
            if number / fps >= due + self.start / fps - 1e-6:
                kept.append(number)
                due += 1 / self.fps
        return kept

    def paint(self, picture: Picture) -> Picture:
        """Return the changed picture. Its sides are even, as most codecs ask for."""
        scale = self.scale if self.width is None else self.width / picture.shape[1]
        if scale != 1.0:
            size = [2 * round(side * scale / 2) for side in picture.shape[1::-1]]
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        if (self.brightness, self.contrast, self.gamma) != (1.0, 1.0, 1.0):
            levels = np.arange(256) / 255
            levels = ((levels - 0.5) * self.contrast + 0.5) * self.brightness
            table = (np.clip(levels, 0, 1) ** self.gamma * 255).round().astype(np.uint8)
            picture = table[picture]
        return np.ascontiguousarray(picture[:, ::-1] if self.mirrored else picture)


def variants(fps: float, seed: int) -> list[Variant]:
    """Return the variants of a clip. `fps`: its frame rate. `seed`: of the starts and combinations."""
    chance = random.Random(seed)
    second = range(1, round(fps) + 1)
    starts = sorted(chance.sample(second, min(STARTS, len(second))))
    made = [Variant("as it is")] + [Variant(f"start {start}", start=start) for start in starts]
    made += [Variant(f"every {every}", every=every) for every in (2, 3)]
    made += [Variant(f"{rate} fps", fps=rate) for rate in (8.0, 10.0, 12.0, 15.0)]
    made += [Variant(kind, container=kind) for kind in ("mkv", "avi", "ts", "mov")]
    made += [Variant(codec, codec=codec, container="mkv") for codec in ("mpeg4", "libx265", "mjpeg")]
    made += [Variant(f"{SMALL_WIDTH} wide", width=SMALL_WIDTH)]
    made += [Variant(f"size {scale}", scale=scale) for scale in (0.75, 1.25)]
    made += [Variant(f"brightness {factor}", brightness=factor) for factor in (0.97, 1.03)]
    made += [Variant(f"contrast {factor}", contrast=factor) for factor in (0.97, 1.03)]
    made += [Variant(f"gamma {gamma}", gamma=gamma) for gamma in GAMMAS]
    made += [Variant("mirrored", mirrored=True)]
    return made + [_combined(number, chance, len(second)) for number in range(COMBINATIONS)]


def _combined(number: int, chance: random.Random, second: int) -> Variant:
    changes: dict[str, object] = {
        "start": chance.randrange(second),
        "every": chance.choice((1, 2)),
        "container": chance.choice(("mkv", "avi", "ts", "mov")),
        "codec": chance.choice(("libx264", "mpeg4")),
        "scale": chance.choice((0.75, 1.0, 1.25)),
        "brightness": chance.uniform(0.97, 1.03),
        "contrast": chance.uniform(0.97, 1.03),
        "mirrored": chance.random() < 0.5,
    }
    chosen = chance.sample(sorted(changes), 3)
    return replace(Variant(f"combined {number}", container="mkv"), **{name: changes[name] for name in chosen})  # type: ignore[arg-type]


def write(clip: Path, variant: Variant, numbers: list[int], fps: float, path: Path) -> None:
    """Write the frames `numbers` of `clip`, changed by `variant`, to `path`."""
    wanted, first = set(numbers), numbers[0]
    base = Fraction(1, 90000)
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream(variant.codec, rate=Fraction(fps / variant.every).limit_denominator(1001))
        stream.options = QUALITY[variant.codec]
        stream.pix_fmt = "yuvj420p" if variant.codec == "mjpeg" else "yuv420p"
        for number, frame in enumerate(source.decode(video=0)):
            if number not in wanted:
                continue
            painted = av.VideoFrame.from_ndarray(variant.paint(frame.to_ndarray(format="bgr24")), format="bgr24")
            if number == first:
                stream.width, stream.height = painted.width, painted.height
            painted.pts, painted.time_base = round((number - first) / fps / base), base
            target.mux(stream.encode(painted))
        target.mux(stream.encode())
