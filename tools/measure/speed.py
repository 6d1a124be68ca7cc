"""Compare the speed of our nets with YuNet and MediaPipe's FaceMesh, in one run on one clip, in blocks that take turns.

    python -m tools.measure.speed [CLIP] [--config F] [--yunet FILE] [--mediapipe /opt/mp/bin/python]

Detector: a search in the whole picture. Ours works on grey, YuNet (cv2.FaceDetectorYN) at 320 px on colour. Resizing
and decoding are included; one thread each. Landmarks and eyes: following the face from frame to frame (crop, points,
both eyes, irises; then also head pose and mouth), against FaceMesh with irises in a process of its own. Each gets
pictures in the colours it needs. Other load on the machine affects both sides of a ratio. On a busy machine CPU time is
more reliable than the clock, and milliseconds alone mean little.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from driver_monitor.app import build
from driver_monitor.app.build import Models, Request
from driver_monitor.bench.score.intervals import bootstrap
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.errors import DriverMonitorError
from driver_monitor.imaging.frame import Image, to_grey
from driver_monitor.imaging.picture import quiet_opencv
from driver_monitor.perception.eyes.reader import EyeReader
from driver_monitor.perception.face.landmarks import Crop, LandmarkNet, Landmarks
from driver_monitor.perception.face.tracker import FaceTracker
from driver_monitor.perception.reader import FacePicture

YUNET_SIDE = 320
BLOCK = 30


class Block(NamedTuple):
    """Milliseconds of each frame by the clock, mean CPU milliseconds of a frame, and the frames with a face."""

    wall: list[float]
    cpu: float
    faces: int


Look = Callable[[int, int], Block]
"""Processes the frames from the first up to the last, which is not included."""


def clocked(pictures: list[Image], look: Callable[[Image], bool]) -> Look:
    def block(first: int, last: int) -> Block:
        wall, faces, cpu = [], 0, time.process_time()
        for picture in pictures[first:last]:
            begin = time.perf_counter()
            faces += look(picture)
            wall.append(1000 * (time.perf_counter() - begin))
        return Block(wall, 1000 * (time.process_time() - cpu) / len(wall), faces)

    return block


def yunet(path: Path, picture: Image) -> Callable[[Image], bool]:
    height, width = picture.shape[:2]
    scale = YUNET_SIDE / max(height, width)
    size = (round(width * scale), round(height * scale))
    with quiet_opencv():
        net = cv2.FaceDetectorYN.create(str(path), "", size, 0.6, 0.3, 50)

    def look(image: Image) -> bool:
        _, faces = net.detect(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        return faces is not None and len(faces) > 0

    return look


class Stopwatch:
    """Milliseconds of each frame in the wrapped calls, by the clock and in CPU time."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def lap(self) -> None:
        """Start the next frame."""
        self.wall.append(0.0)
        self.cpu.append(0.0)

    def timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call` with its time added to the present frame."""

        def wrapped(*arguments: object) -> Any:
            begin, work = time.perf_counter(), time.thread_time()
            found = call(*arguments)
            self.wall[-1] += 1000 * (time.perf_counter() - begin)
            self.cpu[-1] += 1000 * (time.thread_time() - work)
            return found

        return wrapped

    def blocks(self, like: list[Block]) -> list[Block]:
        """Return the times as blocks, without the first block, which only warms up."""
        starts = [BLOCK * (index + 1) for index in range(len(like))]
        parts = [slice(start, start + BLOCK) for start in starts]
        return [
            Block(self.wall[part], float(np.mean(self.cpu[part])), block.faces)
            for part, block in zip(parts, like, strict=True)
        ]


class TimedLandmarks(LandmarkNet):
    """A landmark net whose calls are timed by `watch`."""

    def __init__(self, net: LandmarkNet, watch: Stopwatch) -> None:
        self._timed_read = watch.timed(net.read)

    def read(self, grey: Image, crop: Crop) -> Landmarks:
        """See `LandmarkNet.read`."""
        landmarks: Landmarks = self._timed_read(grey, crop)
        return landmarks


def following(models: Models, fps: float) -> tuple[Callable[[Image], bool], Stopwatch, Stopwatch]:
    """Return a function that follows a face and reads its eyes, and the stopwatches of landmark net and eyes."""
    points, eyes = Stopwatch(), Stopwatch()
    tracker = FaceTracker(models.detector, TimedLandmarks(models.landmarks, points), 1000.0)
    reader = EyeReader(models.eyes)
    now, read = iter(range(10**9)), eyes.timed(reader.read)

    def look(grey: Image) -> bool:
        points.lap()
        eyes.lap()
        face = tracker.update(grey, next(now) / fps)
        if face is not None:
            read(FacePicture(grey, face, "day", 0.0))
        return face is not None

    return look, points, eyes


def together(one: list[Block], other: list[Block]) -> list[Block]:
    return [
        Block([a + b for a, b in zip(x.wall, y.wall, strict=True)], x.cpu + y.cpu, x.faces)
        for x, y in zip(one, other, strict=True)
    ]


@contextmanager
def facemesh(python: Path, frames: list[Image], checkout: Path | None = None) -> Iterator[tuple[Look, str]]:
    """Yield FaceMesh in a process of `python`, and its version. `checkout`: the loop of Driver-State-Detection."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.npy"
        np.save(path, np.stack([cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) for frame in frames]))
        command = [str(python), str(Path(__file__).with_name("facemesh_clock.py")), str(path)]
        command += [str(checkout)] if checkout else []
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            requests, answers = child.stdin, child.stdout

            def answer() -> dict[str, Any]:
                line = answers.readline()
                if not line:
                    sys.exit(f"{python}: FaceMesh has ended; to see why, run: {' '.join(command)}")
                return dict(json.loads(line))

            version = str(answer()["version"])

            def block(first: int, last: int) -> Block:
                requests.write(f"{first} {last}\n")
                requests.flush()
                return Block(**answer())

            yield block, version
            requests.close()


def compare(ours: Look, theirs: Look, frames: int, blocks: int) -> tuple[list[Block], list[Block]]:
    """Return the blocks of both. They take turns in being first. The first pair only warms up."""
    starts = [BLOCK * (index % (frames // BLOCK)) for index in range(blocks + 1)]
    found: tuple[list[Block], list[Block]] = ([], [])
    for index, start in enumerate(starts):
        for side in (0, 1) if index % 2 else (1, 0):
            found[side].append((ours, theirs)[side](start, start + BLOCK))
    return found[0][1:], found[1][1:]


def report(title: str, names: tuple[str, str], found: tuple[list[Block], list[Block]]) -> None:
    clock = tuple(np.array([np.median(block.wall) for block in blocks]) for blocks in found)
    work = tuple(np.array([block.cpu for block in blocks]) for blocks in found)
    print(title)
    for name, blocks, wall, cpu in zip(names, found, clock, work, strict=True):
        faces = sum(block.faces for block in blocks) / sum(len(block.wall) for block in blocks)
        print(f"  {name:<40} {np.median(wall):7.3f} ms, CPU {np.median(cpu):7.3f} ms a frame, face in {faces:.0%}")
    print(f"  ratio by the clock {ratio_of(clock)}; of CPU time {ratio_of(work)}", flush=True)


def ratio_of(sides: tuple[np.ndarray, ...]) -> str:
    """Return the ratio of the median milliseconds, ours over theirs, with the interval over blocks."""

    def measure(times: np.ndarray) -> float:
        one, other = (np.median(np.repeat(side, times)) for side in sides)
        return float(one / other)

    ratio = bootstrap(len(sides[0]), measure)
    return f"{ratio.value:.2f} (95 % over blocks {ratio.low:.2f} to {ratio.high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path, nargs="?", default=Path("../shared/data/clips/incar_4.avi"))
    parser.add_argument("--config", type=Path)
    parser.add_argument("--yunet", type=Path, default=Path("../shared/anchors/yunet_2023mar.onnx"))
    parser.add_argument("--mediapipe", type=Path, default=Path("/opt/mp/bin/python"))
    parser.add_argument("--frames", type=int, default=240, help="frames of the clip, from its beginning")
    parser.add_argument("--blocks", type=int, default=32, help=f"pairs of blocks of {BLOCK} frames")
    arguments = parser.parse_args()
    for path in (arguments.yunet, arguments.mediapipe):
        if not path.exists():
            sys.exit(f"{path}: not found; name another with --{'yunet' if path == arguments.yunet else 'mediapipe'}")
    cv2.setNumThreads(1)
    models = build.load_models(build.load_plan(Request(arguments.config)).config)
    with ClipCamera(arguments.clip) as camera:
        frames = [frame.image for _ in range(arguments.frames) if (frame := camera.read()) is not None]
    greys = [to_grey(frame) for frame in frames]
    print(
        f"{arguments.clip}: {len(frames)} frames of {frames[0].shape[1]} x {frames[0].shape[0]}, "
        f"{arguments.blocks} pairs of blocks of {BLOCK}"
    )
    ours = clocked(greys, lambda grey: bool(models.detector.find(grey)))
    theirs = clocked(frames, yunet(arguments.yunet, frames[0]))
    names = (f"detector ({models.detector.kind})", f"YuNet at {YUNET_SIDE}")
    report("Detector", names, compare(ours, theirs, len(frames), arguments.blocks))
    look, points, eyes = following(models, 30.0)
    with facemesh(arguments.mediapipe, frames) as (theirs, version):
        found = compare(clocked(greys, look), theirs, len(frames), arguments.blocks)
    alone = points.blocks(found[0]), eyes.blocks(found[0])
    mesh = f"MediaPipe {version} FaceMesh with irises"
    report("Landmarks and eyes, crops included", ("landmarks and eyes", mesh), (together(*alone), found[1]))
    report("  of these, the landmarks", ("landmarks", mesh), (alone[0], found[1]))
    report("  of these, the eyes", ("eyes", mesh), (alone[1], found[1]))
    report("All of it, with head pose, mouth and driver's seat", ("face and eyes", mesh), found)


if __name__ == "__main__":
    try:
        main()
    except DriverMonitorError as error:
        sys.exit(str(error))
