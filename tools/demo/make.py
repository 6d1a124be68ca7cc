"""Make the bundled demo clip and its exact labels: a portrait that blinks, closes its eyes, yawns and looks away.

    python -m tools.demo.make [--shared ../shared] [--out driver_monitor/demo]

Portrait: NASA, public domain; NASA endorses nothing here. It shows astronaut Eileen Collins and comes with
scikit-image (`skimage.data.astronaut`). A face mesh from `shared/anchors` places lids, lips and depth. Only this tool
needs the mesh; playing the clip does not. All random numbers are seeded: the same library versions draw the same
frames. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from tools import ROOT, SHARED
from tools.demo.face import LEFT_EYE, RIGHT_EYE, Eyelid, Jaw, Turn
from tools.demo.portrait import SIZE, Image, Mesh, Portrait, load
from tools.demo.scene import bright_pupils, cabin, daylight, infrared

CREDIT = "Portrait: NASA, public domain; NASA endorses nothing here"
FPS, FRAMES, INFRARED_FROM, SEED = 20, 880, 450, 20260101
RELAX = 0.85
"""Share by which the lips relax from the portrait's smile while she drives."""
YAWN = 0.21
"""Jaw drop of the yawn, in face heights."""
NARROWED = 0.3
"""Eyelid closure at the widest point of the yawn: the eyes are narrow but open."""
AWAY, GLANCE = 49.0, -26.0
"""Turns that are drawn, degrees; + is to the right of the picture, the driver's left."""
READS = 0.75
"""The share of a drawn turn that the mesh measures."""
LOOKS_AWAY, MARGINAL = 30.0, 15.0
"""Measured turns, degrees, above which a frame is labelled `look_away` or `look_away_marginal`, as in all labels."""
CLOSING, OPENING = (0.5,), (0.6, 0.2)
"""Eyelid closure, frame by frame, before and after the eyes are shut. A frame is labelled closed from 0.8."""
MOUTH_OPEN = 0.06
"""Jaw drop, face heights, from which a frame is labelled as part of the yawn."""


@dataclass
class Story:
    """What happens in each frame, and its labels."""

    closure: Image = field(default_factory=lambda: np.zeros(FRAMES, np.float32))
    jaw: Image = field(default_factory=lambda: np.zeros(FRAMES, np.float32))
    yaw: Image = field(default_factory=lambda: np.zeros(FRAMES, np.float32))
    events: list[dict[str, Any]] = field(default_factory=list)

    def close(self, start: int, frames: int, blink: bool) -> None:
        """Close the eyes for `frames`; `start` is the first frame in which the lids move."""
        shape = [*CLOSING, *[1.0] * frames, *OPENING]
        self.closure[start : start + len(shape)] = shape
        first = start + len(CLOSING)
        if blink:
            reopened = start + len(shape)
            self._add("blink", start, first + frames - 1, open_again=reopened)
        self._add("eyes_closed", first, first + frames - 1)

    def yawn(self, start: int, opening: int, held: int, shutting: int) -> None:
        """Drop the jaw over `opening` frames, hold it, and shut the mouth again."""
        up, down = (_ease(np.linspace(0, 1, n + 2)[1:-1]) for n in (opening, shutting))
        shape = np.concatenate([up, np.ones(held), down[::-1]]) * YAWN
        self.jaw[start : start + len(shape)] = shape
        wide = np.flatnonzero(self.jaw[start : start + len(shape)] >= MOUTH_OPEN) + start
        self._add("yawn", int(wide[0]), int(wide[-1]))
        self.closure[start : start + len(shape)] = NARROWED * shape / YAWN
        self._add("eyes_lowered", int(wide[0]), int(wide[-1]))

    def turn(self, start: int, degrees: float, moving: int, held: int) -> None:
        """Turn the head by `degrees` within `moving` frames, hold it and come back."""
        move = _ease(np.linspace(0, 1, moving + 2)[1:-1])
        shape = np.concatenate([move, np.ones(held), move[::-1]]) * degrees
        self.yaw[start : start + len(shape)] = shape
        far = abs(degrees) * READS > LOOKS_AWAY
        kind, limit = ("look_away", LOOKS_AWAY) if far else ("look_away_marginal", MARGINAL)
        beyond = np.flatnonzero(abs(shape) * READS > limit) + start
        self._add(kind, int(beyond[0]), int(beyond[-1]), direction="right" if degrees > 0 else "left")

    def light(self, light: str, start: int, end: int) -> None:
        """Label the light of the frames."""
        self._add("light", start, end, light=light)

    def _add(self, kind: str, start: int, end: int, **more: Any) -> None:
        self.events.append({"type": kind, "start": start, "end": end, **more})


def _ease(x: NDArray[np.floating]) -> Image:
    return np.asarray(x * x * (3 - 2 * x), np.float32)


def make_story() -> Story:
    """Return the story of the 44 seconds: 22.5 by day, the rest by infrared."""
    story = Story()
    for start, frames in ((50, 3), (104, 4), (146, 3)):
        story.close(start, frames, blink=True)
    story.close(174, 75, blink=False)
    for start, frames in ((290, 4), (336, 3)):
        story.close(start, frames, blink=True)
    story.yawn(362, opening=14, held=54, shutting=12)
    for start, frames in ((474, 3), (556, 4), (704, 4), (757, 3), (815, 4)):
        story.close(start, frames, blink=True)
    story.turn(508, GLANCE, moving=5, held=10)
    story.turn(590, AWAY, moving=6, held=88)
    story.light("day", 0, INFRARED_FROM - 1)
    story.light("infrared", INFRARED_FROM, FRAMES - 1)
    story.events.sort(key=lambda event: (event["start"], event["type"]))
    return story


def labels(story: Story) -> dict[str, Any]:
    """Return the clip's labels. `after_s` in `expected_alerts` counts from the frame `from`.

    long_distraction may come 0.2 s early: the turn takes 0.3 s, and a rule may count less than 30 degrees as away.
    A drowsiness alert is correct but not required: PERCLOS over less than a minute contains the long closure.
    """
    shut = next(e for e in story.events if e["type"] == "eyes_closed" and e["end"] - e["start"] > FPS)["start"]
    away = next(e for e in story.events if e["type"] == "look_away")["start"]
    return {
        "clip": "demo.mp4",
        "person": "portrait",
        "fps": FPS,
        "frames": FRAMES,
        "credit": CREDIT,
        "labelled_by": "generated with the clip by tools.demo.make",
        "subject": "woman, no glasses",
        "lighting": "day, then infrared",
        "look_away_reference": "the camera",
        "directions": "as seen in the image",
        "events": story.events,
        "expected_alerts": [
            {"rule": "microsleep", "from": shut, "after_s": [1.0, 1.4], "required": True},
            {"rule": "sleep", "from": shut, "after_s": [3.0, 3.4], "required": True},
            {"rule": "long_distraction", "from": away, "after_s": [2.8, 3.5], "required": True},
            {"rule": "drowsiness", "from": shut, "after_s": [1.0, (FRAMES - shut) / FPS], "required": False},
        ],
    }


class Painter:
    """Draws one frame of the story."""

    def __init__(self, portrait: Portrait) -> None:
        self._portrait = portrait
        self._lids = (Eyelid(portrait, RIGHT_EYE, outer_left=True), Eyelid(portrait, LEFT_EYE, outer_left=False))
        self._jaw, self._turn = Jaw(portrait), Turn(portrait)
        self._cabins = (cabin(infrared=False), cabin(infrared=True))
        points = portrait.points[:, :2]
        self._irises = [
            (float(points[c, 0]), float(points[c, 1]), float(np.ptp(points[c + 1 : c + 5, 0])) / 2) for c in (468, 473)
        ]
        self._rng = np.random.default_rng(SEED)
        self._phase = self._rng.uniform(0, 2 * np.pi, 16)

    def _sway(self, t: float, channel: int) -> float:
        """Return a slow motion within about +-1 that does not repeat."""
        a, b = self._phase[2 * channel : 2 * channel + 2]
        return float(0.6 * np.sin(2 * np.pi * 0.23 * t + a) + 0.4 * np.sin(2 * np.pi * 0.61 * t + b))

    def frame(self, story: Story, index: int) -> Image:
        """Return frame `index`, (480, 640, 3) BGR 0..255."""
        night = float(np.clip((index - INFRARED_FROM + 3) / 6, 0, 1))
        body, head = self._layers(story, index, night)
        shown = []
        for dark, light in ((False, 1 - night), (True, night)):
            if light > 0:
                image = self._cabins[dark] * (1 - body[..., 3:]) + body[..., :3]
                image = image * (1 - head[..., 3:]) + head[..., :3]
                gain = 1 + 0.03 * self._sway(index / FPS, 6)
                lit = infrared(image, gain, self._rng) if dark else daylight(image, gain, self._rng)
                shown.append(lit * light)
        return np.asarray(sum(shown), np.float32)

    def _layers(self, story: Story, index: int, night: float) -> tuple[Image, Image]:
        t = index / FPS
        face = self._portrait.image.copy()
        if night > 0.5:
            bright_pupils(face, self._irises)
        for lid in self._lids:
            lid.draw(face, float(story.closure[index]))
        matte = self._portrait.head[..., None]
        head = np.dstack([face * matte, matte])
        head = self._jaw.draw(head, float(story.jaw[index]), RELAX + 0.05 * self._sway(t, 0))
        head = self._turn.draw(head, float(story.yaw[index]) + 1.2 * self._sway(t, 1))
        nod = 2.5 * float(story.closure[max(index - 10, 0) : index + 1].mean())
        nod -= 5.0 * float(story.jaw[index]) / YAWN
        head = _moved(head, 1.6 * self._sway(t, 2), 1.2 * self._sway(t, 3) + nod, 0.7 * self._sway(t, 4))
        below = self._portrait.body_matte[..., None]
        body = np.dstack([self._portrait.body * below, below])
        return _moved(body, 0.5 * self._sway(t, 2), 0.8 * self._sway(t, 5), 0.0), head


def _moved(layer: Image, dx: float, dy: float, roll: float) -> Image:
    """Shift by pixels and roll by degrees about the base of the neck."""
    matrix = cv2.getRotationMatrix2D((315.0, 340.0), roll, 1.0) + np.array([[0, 0, dx], [0, 0, dy]])
    moved = cv2.warpAffine(layer, matrix, SIZE, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def write(story: Story, painter: Painter, path: Path) -> None:
    """Encode the clip."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, FPS)
        stream.options = {"crf": "23", "preset": "slow", "threads": "1", "g": str(5 * FPS)}
        for index in range(FRAMES):
            image = np.clip(np.round(painter.frame(story, index)), 0, 255).astype(np.uint8)
            # OpenCV converts, because swscale's conversion leaves a green tint on grey, and infrared must be grey
            planes = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
            if index % 100 == 0:
                print(f"frame {index} of {FRAMES}", file=sys.stderr)
        container.mux(stream.encode())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder that holds anchors/")
    parser.add_argument("--out", type=Path, default=ROOT / "driver_monitor" / "demo")
    arguments = parser.parse_args()
    model = arguments.shared / "anchors" / "face_mesh_478_256.onnx"
    if not model.is_file():
        print(f"tools.demo.make: {model} not found; name the folder that holds anchors/ with --shared", file=sys.stderr)
        return 2
    story = make_story()
    arguments.out.mkdir(parents=True, exist_ok=True)
    unfinished = arguments.out / "unfinished.mp4"
    write(story, Painter(load(Mesh(model))), unfinished)
    unfinished.replace(arguments.out / "demo.mp4")
    (arguments.out / "demo.json").write_text(json.dumps(labels(story), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
