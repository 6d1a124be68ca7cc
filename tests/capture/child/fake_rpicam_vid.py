"""A stand-in for Raspberry Pi's `rpicam-vid`, made of frames of the bundled clip, with faults on command.

It takes the options of the real program that we use, and refuses others. Like the real one it writes yuv420 to stdout,
times to the file of `--save-pts` (just after each picture), and messages to stderr. It uses the standard library only,
so that it starts in a few hundredths of a second. Variables of the environment:

FAKE_FRAMES: file of raw 640x480 yuv420 pictures. FAKE_LOG: file to which each start adds its process number and its
arguments as a line of JSON. FAKE_FAULTS: JSON, see `Faults`; they apply to the first `starts` starts.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

FRAME = 640 * 480 * 3 // 2
OPTIONS: dict[str, dict[str, Any]] = {
    "-n": {"action": "store_true"},
    "-t": {"required": True},
    "--camera": {"type": int, "default": 0},
    "--width": {"type": int, "default": 1920},
    "--height": {"type": int, "default": 1080},
    "--framerate": {"type": float, "default": 30.0},
    "--shutter": {},
    "--gain": {},
    "--codec": {"default": "h264"},
    "--flush": {"action": "store_true"},
    "--save-pts": {},
    "-o": {"required": True},
}


class Faults:
    """What goes wrong. Numbers of pictures count from 0.

    `starts`: so many starts have the faults. `slow_s`: time until the first picture. `stall_at`, `die_at`, `half_at`:
    before or in the middle of this picture the program hangs or ends. `deaf`: it ignores signals. `code`: exit code.
    `say`: last words on stderr. `size`: another size of pictures. `silent`: libcamera's line with the size is missing.
    `noise`: bytes on stderr before each picture. `times`: "none", "late" (kept back until the end) or "wrong".
    """

    def __init__(self, text: str, start: int) -> None:
        values: dict[str, Any] = json.loads(text or "{}")
        values = values if start < values.get("starts", 10**9) else {}
        self.slow_s: float = values.get("slow_s", 0.0)
        self.stall_at: int = values.get("stall_at", -1)
        self.die_at: int = values.get("die_at", -1)
        self.half_at: int = values.get("half_at", -1)
        self.deaf: bool = values.get("deaf", False)
        self.code: int = values.get("code", 0)
        self.say: str = values.get("say", "")
        self.size: tuple[int, int] | None = values.get("size") and tuple(values["size"])
        self.silent: bool = values.get("silent", False)
        self.noise: int = values.get("noise", 0)
        self.times: str = values.get("times", "")


def main() -> None:
    parser = argparse.ArgumentParser(prog="rpicam-vid", allow_abbrev=False, add_help=False)
    for name, how in OPTIONS.items():
        parser.add_argument(name, **how)
    options = parser.parse_args()
    log = Path(os.environ["FAKE_LOG"])
    start = len(log.read_text().splitlines()) if log.exists() else 0
    with log.open("a") as file:
        file.write(json.dumps([os.getpid(), *sys.argv[1:]]) + "\n")
    faults = Faults(os.environ.get("FAKE_FAULTS", ""), start)
    if faults.deaf:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    if options.codec != "yuv420" or options.t != "0" or options.o != "-":
        end("this stand-in needs --codec yuv420 -t 0 -o -", 255)
    stream(options, faults)


def stream(options: argparse.Namespace, faults: Faults) -> NoReturn:
    width, height = faults.size or (options.width, options.height)
    if not faults.silent:
        stamp = f"[0:00:{time.monotonic() % 60:09.6f}] [{os.getpid()}]"
        say(f"{stamp}  INFO Camera camera.cpp:1183 configuring streams: (0) {width}x{height}-YUV420 (1) 1280x800-R10")
    times = Path(options.save_pts).open("w") if options.save_pts else None  # noqa: SIM115
    if times:
        print("# timecode format v2", file=times, flush=True)
    pictures = Path(os.environ["FAKE_FRAMES"]).read_bytes()
    if (width, height) != (640, 480):
        pictures = bytes(range(256)) * (width * height * 3 // 2 // 256 + 1)
    length = width * height * 3 // 2
    time.sleep(faults.slow_s)
    begin = time.monotonic()
    for number in range(10**9):
        time.sleep(max(0.0, begin + number / options.framerate - time.monotonic()))
        if faults.noise:
            sys.stderr.write("n" * (faults.noise - 1) + "\n")
        if number == faults.stall_at:
            say(faults.say)
            time.sleep(3600)
        if number == faults.die_at:
            end(faults.say, faults.code)
        at = number * length % (len(pictures) // length * length)
        if number == faults.half_at:
            sys.stdout.buffer.write(pictures[at : at + length // 2])
            sys.stdout.flush()
            end(faults.say, faults.code)
        sys.stdout.buffer.write(pictures[at : at + length])
        sys.stdout.flush()
        if times and faults.times != "none":
            us = round((0 if faults.times == "wrong" else number) / options.framerate * 1e6)
            print(f"{us // 1000}.{us % 1000:03}", file=times, flush=faults.times != "late")
    raise AssertionError


def say(text: str) -> None:
    if text:
        print(text, file=sys.stderr, flush=True)


def end(text: str, code: int) -> NoReturn:
    say(text)
    sys.stdout.flush()
    os._exit(code) if code >= 0 else os.kill(os.getpid(), -code)
    raise AssertionError


if __name__ == "__main__":
    main()
