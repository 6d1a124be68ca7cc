"""Measures the memory of the daemon and of a replay, each in a process of its own.

    python -m tools.house.memory [--seconds 20] [--source demo] [--json] [daemon camera replay]

`daemon`: `driver-monitor run` on --source. `camera`: the same on the pictures of the bundled clip as a camera's program
gives them, uncompressed, so that no FFmpeg is loaded; that program is not counted. `replay`: `driver-monitor replay` of
--source. Each is measured several times a second, for --seconds or until it ends.

`peak_mb`: the most memory at any time (VmHWM). `anon_mb`: its own memory, at the highest. `file_mb`: pages of libraries
and files in its memory; the kernel can drop them, and programs share them. `pss_mb`: the memory, each shared page
divided by the number of its users. 1 MB is 2**20 bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import av

from driver_monitor.demo import CLIP

TOP = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "driver_monitor"]
PERIOD_S = 0.2
FIELDS = {"peak_mb": "VmHWM", "anon_mb": "RssAnon", "file_mb": "RssFile"}
KINDS = ("daemon", "camera", "replay")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)}; default: all")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--source", default="demo", help="what is watched; default: the bundled clip")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--play", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.play:
        play()
        return
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
            player = shlex.join([sys.executable, "-m", "tools.house.memory", "--play"])
            watched = f"pipe:{player}" if kind == "camera" else source
            command = [*PROGRAM, "run", "--source", watched, "--config", str(settings)]
        return watch(command, Path(name), seconds)


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
    try:
        status = Path(f"/proc/{process}/status").read_text()
        shared = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return {}
    read = {name: _kb(key, status) for name, key in FIELDS.items()} | {"pss_mb": _kb("Pss", shared)}
    return {name: round(kilobytes / 1024, 1) for name, kilobytes in read.items() if kilobytes is not None}


def _kb(key: str, text: str) -> int | None:
    found = re.search(rf"(?m)^{key}:\s+(\d+) kB$", text)
    return int(found[1]) if found else None


def play() -> None:
    """Write the bundled clip to stdout as YUV4MPEG2 in real time, again and again, until nobody reads it."""
    due = time.monotonic()
    first = True
    while True:
        with av.open(str(CLIP)) as clip:
            stream = clip.streams.video[0]
            rate = float(stream.average_rate or 20)
            for frame in clip.decode(stream):
                if first:
                    header = f"YUV4MPEG2 W{frame.width} H{frame.height} F{rate:.0f}:1 Ip A1:1 C420jpeg\n"
                    sys.stdout.buffer.write(header.encode())
                    first = False
                sys.stdout.buffer.write(b"FRAME\n" + frame.reformat(format="yuv420p").to_ndarray().tobytes())
                sys.stdout.buffer.flush()
                due = max(due + 1 / rate, time.monotonic() - 1)
                time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main()
