"""A 20 s piece of the demo, its run, what is true of it, and a page to label it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from driver_monitor.bench.label.desk import LabelDesk
from driver_monitor.bench.label.document import LabelDocument, edited, new_document
from driver_monitor.bench.label.web_app import web_app
from driver_monitor.demo import TRUTH
from driver_monitor.web.access import Access, hosts_of, page_address
from driver_monitor.web.server import PageServer, bound
from tests.conftest import PROGRAM, demo_frames, write_clip

PIECE = (40, 440)
"""Frames of the demo in the piece: 20 s with blinks, a sleep and a yawn."""
STEP = 2
FPS = 20 // STEP
COUNT = (PIECE[1] - PIECE[0]) // STEP
TOKEN = "abcdefghjkmn"


def make_piece(path: Path) -> Path:
    write_clip(path, demo_frames(*PIECE)[::STEP], FPS)
    return path


def true_events(*types: str) -> list[dict[str, Any]]:
    """What is true of the piece, cut out of the demo's truth."""
    first, end = PIECE
    return [
        {
            "type": event["type"],
            "start": -(-max(event["start"] - first, 0) // STEP),
            "end": (min(event["end"], end - 1) - first) // STEP,
        }
        for event in json.loads(TRUTH.read_text())["events"]
        if event["type"] in types and event["end"] >= first and event["start"] < end
    ]


def empty(frames: int = COUNT) -> LabelDocument:
    return new_document("piece.mp4", "p1", FPS, frames)


def labelled(*edits: dict[str, Any], frames: int = COUNT) -> LabelDocument:
    document = empty(frames)
    for edit in edits:
        document = edited(document, edit)
    return document


def add(kind: str, start: int, end: int, **more: Any) -> dict[str, Any]:
    return {"op": "add", "type": kind, "start": start, "end": end, **more}


def review(start: int, end: int, **more: Any) -> dict[str, Any]:
    return {"op": "review", "start": start, "end": end, **more}


class LabelProcess:
    """A running `driver-monitor label`. `address`: of its page, with the token."""

    def __init__(self, *options: object) -> None:
        command = [*PROGRAM, "label", *map(str, options)]
        self.program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.program.stdout is not None
        self.lines = [self.program.stdout.readline()]
        self.address = self.lines[0].split()[-1] if self.lines[0] else ""

    def kill(self) -> None:
        self.program.kill()
        self.program.communicate()


@contextmanager
def served(desk: LabelDesk) -> Iterator[str]:
    """Serve a desk in this process. Yields the address of the page."""
    with bound("127.0.0.1") as listener:
        address, port = listener.getsockname()
        app = web_app(desk, Access(TOKEN, hosts_of(address, port)))
        with closing(PageServer(app, listener, desk, "label")):
            yield page_address(address, port, TOKEN)


@contextmanager
def labelling(*options: object) -> Iterator[LabelProcess]:
    process = LabelProcess(*options)
    try:
        yield process
    finally:
        process.kill()
