"""Measures the memory of the daemon and of a replay, each in a process of its own.

    python -m tools.house.memory [--seconds 20] [--source demo] [--json] [daemon camera replay]

`daemon`: `driver-monitor run` on --source. `camera`: the same on grey pictures of the bundled clip, as the program of a
camera sends them, so that no FFmpeg is loaded; that program is not counted. `replay`: `driver-monitor replay` of
--source. Each is measured several times a second, for --seconds or until it ends.

`peak_mb`: the most memory at any time (VmHWM). `anon_mb`: its own memory, at the highest. `file_mb`: pages of libraries
and files in its memory; the kernel can drop them, and programs share them. `pss_mb`: the memory, each shared page
divided by the number of its users. 1 MB is 2**20 bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from driver_monitor.bench.speed.computer import rss_mb
from driver_monitor.demo import CLIP
from tools.cost.frames import raw_camera, read_frames

TOP = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "driver_monitor"]
PERIOD_S = 0.2
PICTURES, FPS = 200, 20.0
"""Pictures of the camera program, again and again, at the rate of the clip."""
FIELDS = {"peak_mb": "VmHWM", "anon_mb": "RssAnon", "file_mb": "RssFile"}
KINDS = ("daemon", "camera", "replay")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)}; default: all")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--source", default="demo", help="what is watched; default: the bundled clip")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if unknown := set(given.kinds) - set(KINDS):
        parser.error(f"no such kind: {min(unknown)}; choose from {', '.join(KINDS)}")
    found = {kind: measured(kind, given.source, given.seconds) for kind in given.kinds or KINDS}
    if given.json:
        print(json.dumps(found))
        return
    for kind, values in found.items():
        print(f"{kind:8}", "  ".join(f"{name} {value:6.1f}" for name, value in values.items()))


def measured(kind: str, source: str, seconds: float) -> dict[str, float]:
    """Run one `kind` of process and return its memory, see above."""
    with tempfile.TemporaryDirectory() as name:
        settings = Path(name) / "my.yaml"
        settings.write_text(f"zmq: {{bind: 'ipc://{name}/zmq'}}\ngpio: {{backend: mock}}\n")
        if kind == "replay":
            command = [*PROGRAM, "replay", source, "--out", f"{name}/out"]
        else:
            watched = camera_program(Path(name)) if kind == "camera" else source
            command = [*PROGRAM, "run", "--source", watched, "--config", str(settings)]
        return watch(command, Path(name), seconds)


def camera_program(folder: Path) -> str:
    """Return a source that shows grey pictures of the bundled clip; they are written into `folder`."""
    return raw_camera([frame.grey for frame in read_frames(CLIP, PICTURES)], folder, FPS)


def watch(
    command: Sequence[str],
    folder: Path,
    seconds: float,
    enough: Callable[[dict[str, float]], bool] = lambda _: False,
) -> dict[str, float]:
    """Run `command` in `folder` until it ends, at most `seconds`, or until `enough`. Return the highest values."""
    own = {"PYTHONPATH": str(TOP), "XDG_STATE_HOME": str(folder), "RUNTIME_DIRECTORY": str(folder)}
    # A file, not a pipe: a pipe that nobody reads would hold up a program that warns often.
    told = folder / "stderr.txt"
    with told.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **own}, stdout=subprocess.DEVNULL, stderr=file
        )
    highest: dict[str, float] = {}
    end = time.monotonic() + seconds
    try:
        while process.poll() is None and time.monotonic() < end and not enough(highest):
            for name, value in memory(process.pid).items():
                highest[name] = max(highest.get(name, 0.0), value)
            time.sleep(PERIOD_S)
    finally:
        process.terminate()
        process.wait()
    if process.returncode not in (0, -15, 143):
        last = told.read_text(errors="replace")[-500:]
        sys.exit(f"{shlex.join(command)} ended with code {process.returncode}: {last}")
    return highest


def memory(process: int) -> dict[str, float]:
    """Return the memory of a process, MB; nothing if it ends meanwhile."""
    read = {name: rss_mb(key, process) for name, key in FIELDS.items()}
    read["pss_mb"] = rss_mb("Pss", process, "smaps_rollup")
    return {name: value for name, value in read.items() if value is not None}


if __name__ == "__main__":
    main()
