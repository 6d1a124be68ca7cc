"""Feed damaged clips, configurations, profiles and models to the program: no traceback, no hang, no crash.

Each item follows from its kind and number only, so `--only clips:17` repeats one. A process of its own does the items,
so a crash or a hang ends the process, not the run.
"""

from __future__ import annotations

import argparse
import os
import random
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import av
from av.video.stream import VideoStream
from rich.console import Console

from driver_monitor.app import build
from driver_monitor.app.build import Plan, Request, load_plan
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.replay import replay
from driver_monitor.bench.spot_check import Segment, raised
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.config import resources, schema
from driver_monitor.config.profiles import FOLDER, load_profile
from driver_monitor.demo import CLIP
from driver_monitor.errors import DriverMonitorError
from driver_monitor.imaging.frame import Frame
from driver_monitor.imaging.library_messages import hide_library_messages
from tools import ROOT

COUNTS = {"clips": 1000, "configurations": 2000, "profiles": 2000, "models": 300}
LIMIT_S = 30.0
"""Longest time for one item on a busy machine. Most take milliseconds."""
CODECS = {
    "libx264": "mp4", "libx265": "mkv", "mpeg4": "avi", "mjpeg": "mov", "mpeg2video": "ts", "libvpx": "webm",
}  # fmt: skip
FRAMES, START = 24, 150
"""Length of a clip, and its first frame in the demo: eyes that close."""
REPLAYED = 8
"""Every so many clips go through the whole pipeline; the others are only decoded."""
WORDS = (
    "null", "true", "-1", "0", "1e400", ".nan", "[]", "{}", "[[[[]]]]", "''", "\u00e9" * 300, "&a [*a]", "!!str",
    "9" * 400, "2026-01-01", "tcp://0.0.0.0:1", "\t", "? ", "- -", "<<: *x", '"\\ud800"',
)  # fmt: skip
"""What replaces a value of a YAML file."""

GOOD, REFUSED = "accepted", "refused in one line"


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return `data` with one to twelve damages: wrong bytes, and parts that are cut, doubled, moved or zero."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(max(1, len(changed)))
        # A header is damaged as often as the rest.
        at = at if chance.random() < 0.5 else at % min(2000, max(1, len(changed)))
        size = chance.choice((1, 2, 4, 16, 200, 4000))
        kind = chance.randrange(6)
        if kind == 0:
            changed[at : at + size] = chance.randbytes(min(size, len(changed) - at))
        elif kind == 1:
            del changed[at : at + size]
        elif kind == 2:
            changed[at:at] = changed[at : at + size]
        elif kind == 3:
            changed[at : at + size] = bytes(min(size, len(changed) - at))
        elif kind == 4 and chance.random() < 0.2:
            del changed[at:]
        elif changed:
            changed[at % len(changed)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def rewritten(text: str, chance: random.Random) -> bytes:
    """Return a YAML text with wrong values, keys or lines, or with damaged bytes."""
    if chance.random() < 0.3:
        return damaged(text.encode(), chance)
    lines = text.splitlines()
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        key, colon, _value = lines[at].partition(":")
        kind = chance.randrange(5)
        if kind < 2:
            lines[at] = f"{key}{colon} {chance.choice(WORDS)}"
        elif kind == 2:
            lines[at] = f"{chance.choice(WORDS)}: {lines[at]}"
        elif kind == 3:
            lines[at] = " " * chance.randint(1, 5) + lines[at]
        else:
            lines[at:at] = lines[max(0, at - chance.randint(0, 9)) : at + 1]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


class Attack:
    """Does items of each kind in `folder`. `attempt` returns how one ended; an exception is a fault of the program."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._plan: Plan = load_plan(Request())
        self._clips: dict[str, bytes] = {}
        self.kinds: dict[str, Callable[[random.Random, int], None]] = {
            "clips": self._clip,
            "configurations": self._configuration,
            "profiles": self._profile,
            "models": self._model,
        }

    def attempt(self, kind: str, number: int) -> str:
        """Do one item. Return `GOOD`, `REFUSED`, or what is wrong with the error's text."""
        try:
            self.kinds[kind](random.Random(f"{kind}:{number}"), number)
        except DriverMonitorError as error:
            lines = str(error).splitlines()
            good = lines and all(lines) and all(":" in line and "Error(" not in line for line in lines)
            return REFUSED if good else f"an error without what and where: {error!r:.100}"
        return GOOD

    def _clip(self, chance: random.Random, number: int) -> None:
        codec = list(CODECS)[number % len(CODECS)]
        if codec not in self._clips:
            self._clips[codec] = encoded(self._folder / f"whole.{CODECS[codec]}", codec)
        path = self._folder / f"trip.{CODECS[codec]}"
        path.write_bytes(damaged(self._clips[codec], chance))
        if number % REPLAYED == 0:
            replay(ReplayJob(path, self._folder / "out"), self._plan)
            return
        with ClipCamera(path) as camera:
            for frame in iter(camera.read, None):
                assert frame.image.size

    def _configuration(self, chance: random.Random, _number: int) -> None:
        path = self._folder / "my.yaml"
        path.write_bytes(rewritten(resources.path("config.yaml").read_text(encoding="utf-8"), chance))
        schema.load(path)

    def _profile(self, chance: random.Random, number: int) -> None:
        shipped = sorted(FOLDER.glob("*.yaml"))
        path = self._folder / "mine.yaml"
        path.write_bytes(rewritten(shipped[number % len(shipped)].read_text(encoding="utf-8"), chance))
        profile, _ = load_profile(str(path))
        raised([Segment(2.0), Segment(3.0, lids=0.0), Segment(2.0, yaw=40.0)], profile, fps=10.0)

    def _model(self, chance: random.Random, number: int) -> None:
        folder = self._folder / "models"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(resources.path("models"), folder, ignore=shutil.ignore_patterns("manifest.yaml", "*.md"))
        path = sorted(folder.glob("*.onnx"))[number % 4]
        path.write_bytes(damaged(path.read_bytes(), chance))
        models = self._plan.config.models.model_copy(update={"folder": folder})
        plan = Plan(self._plan.config.model_copy(update={"models": models}), self._plan.profile, "")
        pipeline = build.build_pipeline(plan, build.load_models(plan.config))
        for frame in demo_frames(3):
            pipeline.step(frame)


def demo_frames(count: int) -> Iterator[Frame]:
    """Yield the first frames of the demo."""
    with ClipCamera(CLIP) as camera:
        for _ in range(count):
            frame = camera.read()
            assert frame is not None
            yield frame


def encoded(path: Path, codec: str) -> bytes:
    """Return a short clip in `codec`, made at `path`: a part of the demo, 240 pixels wide."""
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    with av.open(str(CLIP)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream(codec, rate=20)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 240, 180, pixels
        for number, frame in enumerate(source.decode(video=0)):
            if START <= number < START + FRAMES:
                small = frame.reformat(240, 180, pixels).to_ndarray()
                target.mux(stream.encode(av.VideoFrame.from_ndarray(small, format=pixels)))
            elif number >= START + FRAMES:
                break
        target.mux(stream.encode(None))
    return path.read_bytes()


def child(kind: str, first: int, count: int) -> None:
    """Do items in this process. Print a line before and after each."""
    with tempfile.TemporaryDirectory() as folder, hide_library_messages():
        attack = Attack(Path(folder))
        for number in range(first, first + count):
            print(f"{number}", flush=True)
            print(f"{number} {attack.attempt(kind, number)}", flush=True)


def run(kind: str, first: int, count: int, limit_s: float = LIMIT_S) -> Counter[str]:
    """Do the items `first` to `first + count - 1` of a kind. Return outcome -> how often; faults are numbered."""
    outcomes: Counter[str] = Counter()
    number, end = first, first + count
    while number < end:
        command = [sys.executable, "-m", "tools.attack.mutations", "--child", f"{kind}:{number}:{end - number}"]
        with (
            tempfile.TemporaryFile("w+") as errors,
            subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
            ) as process,
        ):
            assert process.stdout is not None
            number, hung = _follow(process.stdout.fileno(), number, outcomes, limit_s)
            if number < end:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
            errors.seek(0)
            said = errors.read().strip().splitlines()
            if number < end:
                last = (said or [f"ended with {code}"])[-1]
                outcomes[f"{kind}:{number}: {'hangs' if hung else last[:150]}"] += 1
                number += 1
            elif any("Traceback" in line or "Exception ignored" in line for line in said):
                outcomes[f"{kind}: a traceback that ended nothing: {said[-1][:150]}"] += 1
    return outcomes


def _follow(pipe: int, number: int, outcomes: Counter[str], limit_s: float) -> tuple[int, bool]:
    """Count outcomes until the process ends or takes too long. Return the number of the next item, and if it hung."""
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while selector.select(limit_s):
            data = os.read(pipe, 1 << 16)
            if not data:
                return number, False
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                _, blank, outcome = line.decode().partition(" ")
                if blank:
                    outcomes[outcome if outcome in (GOOD, REFUSED) else f"{number}: {outcome}"] += 1
                    number += 1
    return number, True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="part of the items to do, such as 0.1")
    parser.add_argument("--only", help="one item, such as clips:17, or a kind")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        kind, first, count = arguments.child.split(":")
        child(kind, int(first), int(count))
        return
    console, faults = Console(highlight=False, soft_wrap=True), 0
    console.print(f"{'kind':<16}{'items':>7}{GOOD:>11}{REFUSED:>22}{'faults':>8}")
    kind, _, only = (arguments.only or "").partition(":")
    for name, count in COUNTS.items():
        if kind and name != kind:
            continue
        outcomes = run(name, int(only), 1) if only else run(name, 0, max(1, round(count * arguments.share)))
        wrong = [outcome for outcome in outcomes if outcome not in (GOOD, REFUSED)]
        faults += len(wrong)
        done = sum(outcomes.values())
        console.print(f"{name:<16}{done:>7}{outcomes[GOOD]:>11}{outcomes[REFUSED]:>22}{len(wrong):>8}")
        for outcome in wrong:
            console.print(f"  {outcome}", markup=False)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
