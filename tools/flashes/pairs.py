"""Find pairs of pictures of one person: a neutral one, and one with an expression that the net sees clearly."""

from __future__ import annotations

import csv
import itertools
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.bench.replays.recording import frames_of, open_recording
from driver_monitor.capture.recordings.images import read_image
from driver_monitor.data.observation import Expression, Observation
from driver_monitor.imaging.frame import Frame, Image, to_grey
from driver_monitor.perception.expression.net import expression_crop
from driver_monitor.perception.expression.reader import WIDEST_YAW
from driver_monitor.perception.face.tracker import FaceTracker
from driver_monitor.perception.perception import Perception
from driver_monitor.perception.reader import FacePicture
from tools.expression.stills import EDGE
from tools.flashes.morph import Photograph

CLEAR = 0.85
"""Least probability of the expression of a pair, and of its neutral picture. At run time 0.75 is clear."""
TURNED = 12.0
"""Largest difference of yaw and pitch between the pictures of a pair, degrees. More would be a movement of the head."""
WIDEST = 256
"""Width and height of a film at most, pixels."""


@dataclass(frozen=True, eq=False)
class Pair:
    """A neutral picture of a person, and one with `shown`. `source`: "portraits" or "clips"."""

    source: str
    neutral: Photograph
    other: Photograph
    shown: str


class EveryFrame:
    """Reads the expression at every frame, so that any schedule can be tried afterwards."""

    field = "expression"

    def __init__(self, models: build.Models) -> None:
        assert models.expression is not None
        self._net = models.expression
        self.taken_s: list[float] = []

    def read(self, picture: FacePicture) -> Expression | None:
        """Return the expression, None if the daemon would not read it."""
        head = picture.face.head
        if head is None or abs(head.yaw) > WIDEST_YAW:
            return None
        began = time.perf_counter()
        expression = self._net.probabilities(expression_crop(picture.grey, picture.face.points))
        self.taken_s.append(time.perf_counter() - began)
        return expression


class Eyes:
    """Sees pictures and films as the daemon does, without reading the eyes."""

    def __init__(self) -> None:
        self._plan = build.load_plan(Request())
        self._models = build.load_models(self._plan.config)
        self._reader = EveryFrame(self._models)

    @property
    def look_s(self) -> float:
        """How long a look takes, seconds: the median of all looks."""
        return float(np.median(self._reader.taken_s))

    def film(self, frames: Iterable[Frame]) -> list[Observation]:
        """Return what is seen in each frame."""
        search_hz = self._plan.config.face.search_hz
        face = FaceTracker(self._models.detector, self._models.landmarks, search_hz)
        perception = Perception(face, [self._reader])
        return [perception.observe(frame) for frame in frames]

    def still(self, grey: Image) -> Observation:
        """Return what is seen in a picture."""
        return self.film([Frame(grey, 0.0, 0, "still")])[0]

    def clip(self, path: Path) -> Iterator[Frame]:
        """Yield the frames of a clip."""
        return frames_of(open_recording(path, self._plan.config.camera))


def portrait_pairs(eyes: Eyes, data: Path) -> Iterator[Pair]:
    """Yield pairs of portraits of one person. The name of the file before its number stands for the person."""
    with (data / "portraits.csv").open() as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["file"])
    for _, group in itertools.groupby(rows, key=lambda row: re.sub(r"_\d+\.jpg$", "", row["file"])):
        mine = list(group)
        if {row["expression"] for row in mine} <= {"neutral"} or "neutral" not in {row["expression"] for row in mine}:
            continue
        greys = [to_grey(read_image(data / "portraits" / row["file"])) for row in mine[:6]]
        yield from _first_pair("portraits", [_pictured(eyes, _with_border(grey)) for grey in greys])


def clip_pairs(eyes: Eyes, clip: Path, seen: Sequence[Observation]) -> Iterator[Pair]:
    """Yield a pair for each expression of a clip: the frames in which it and the neutral face are clearest."""
    clear: dict[str, int] = {}
    for i, observation in enumerate(seen):
        if observation.expression is None:
            continue
        name, p = best(observation.expression)
        if p >= CLEAR and (name not in clear or p > probability(seen[clear[name]], name)):
            clear[name] = i
    if len(clear) < 2 or "neutral" not in clear:
        return
    kept = {i: frame.grey.copy() for i, frame in enumerate(eyes.clip(clip)) if i in clear.values()}
    pictured = {name: _pictured(eyes, _around(kept[i], seen[i])) for name, i in clear.items()}
    for name in set(pictured) - {"neutral"}:
        yield from _first_pair("clips", [pictured["neutral"], pictured[name]])


Pictured = tuple[Photograph, Observation] | None


def _first_pair(source: str, pictures: Sequence[Pictured]) -> Iterator[Pair]:
    """Yield the first clear expression beside the first neutral picture, if the head has about the same direction."""
    known = [picture for picture in pictures if picture is not None]
    clear = [(one, best(seen.expression), seen) for one, seen in known if seen.expression is not None]
    for neutral, (name, p), at in clear:
        if name != "neutral" or p < CLEAR:
            continue
        for other, (shown, much), there in clear:
            if shown != "neutral" and much >= CLEAR and _turned(at, there) <= TURNED:
                yield Pair(source, neutral, other, shown)
                return


def best(expression: Expression | None) -> tuple[str, float]:
    assert expression is not None
    return max(expression.p.items(), key=lambda item: item[1])


def probability(seen: Observation, name: str) -> float:
    return seen.expression.p[name] if seen.expression is not None else 0.0


def _turned(one: Observation, other: Observation) -> float:
    a, b = (seen.face.head if seen.face else None for seen in (one, other))
    return 90.0 if a is None or b is None else max(abs(a.yaw - b.yaw), abs(a.pitch - b.pitch))


def _pictured(eyes: Eyes, grey: Image) -> Pictured:
    scale = min(1.0, WIDEST / max(grey.shape))
    small = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    seen = eyes.still(small)
    return None if seen.face is None else (Photograph(small, seen.face.points[:68].astype(np.float64)), seen)


def _with_border(grey: Image) -> Image:
    rim = round(EDGE * len(grey))
    return np.asarray(cv2.copyMakeBorder(grey, rim, rim, rim, rim, cv2.BORDER_REPLICATE), np.uint8)


def _around(grey: Image, seen: Observation) -> Image:
    assert seen.face is not None
    box, rim = seen.face.box, 0.8 * seen.face.box.w
    top, left = max(0, round(box.y - rim)), max(0, round(box.x - rim))
    return np.ascontiguousarray(grey[top : round(box.y + box.h + rim), left : round(box.x + box.w + rim)])
