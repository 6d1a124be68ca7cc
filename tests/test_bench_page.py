"""docs/bench.md can be followed: its commands work in their order.

tests/bench/test_labelled_demo.py compares the scores that it shows.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from driver_monitor import demo
from driver_monitor.bench.video.writer import NOTICE
from driver_monitor.capture.recordings.clip import ClipCamera
from tests.conftest import Cli, write_clip
from tests.test_readme import ROOT, blocks, commands

PAGE = ROOT / "docs" / "bench.md"
SHORTER = {"28": "2", "32": "5"}
"""Times in a demo of 6 s instead of 44 s."""
NEEDS_A_PERSON = "label"
"""The verb that shows a page until it is interrupted; tests/bench/label runs it."""


@pytest.fixture
def desk(short_clip: Path, command: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """`command` in a folder with clips of the reader's own, and with each fourth frame of a nap as the demo."""
    with ClipCamera(short_clip, every=4) as camera:
        images = [frame.image for frame in iter(camera.read, None)]
    nap = {"person": "p1", "fps": 5, "frames": 30, "events": [{"type": "eyes_closed", "start": 13, "end": 29}]}
    for folder, labels, name, frames in (
        ("bundled", "bundled", "demo", 30),
        ("trips", "labels", "one", 5),
        ("trips", "labels", "two", 5),
    ):
        for made in (folder, labels):
            Path(made).mkdir(exist_ok=True)
        write_clip(Path(folder, f"{name}.mp4"), images[:frames], fps=5)
        events = nap["events"] if frames == len(images) else []
        Path(labels, f"{name}.json").write_text(json.dumps({**nap, "frames": frames, "events": events}))
    monkeypatch.setattr(demo, "CLIP", tmp_path / "bundled" / "demo.mp4")
    monkeypatch.setattr(demo, "TRUTH", tmp_path / "bundled" / "demo.json")
    return command


def test_ok__the_tour_can_be_followed_command_by_command(desk: Cli) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed (extra report)")
    for code in (line for block in blocks(PAGE, "sh") for line in block.splitlines()):
        words = [SHORTER.get(word, word) for word in shlex.split(code)[1:]]
        if words[0] == NEEDS_A_PERSON:
            shown = desk("label", "--help")
            assert (shown.code, "--labels" in shown.out) == (0, True)
            continue
        outcome = desk(*words)
        progress = [line for line in outcome.lines if not line.startswith("progress: ")]
        assert (outcome.code, progress) == (0, [NOTICE] if "--video" in words else []), (code, outcome.err)
        assert outcome.out, code
    for path in re.findall(r"`(results/\S+\.html)`", PAGE.read_text()):
        assert Path(path).is_file(), path
    assert Path("results/video/demo/video.mp4").stat().st_size > 10_000
    assert Path("bug-report.zip").is_file()


def test_ok__all_commands_of_the_tour_are_tried() -> None:
    in_blocks = {shlex.join(shlex.split(line)) for block in blocks(PAGE, "sh") for line in block.splitlines()}
    inline = set(commands(PAGE)) - in_blocks
    assert {shlex.split(code)[0] for code in inline} <= {"pip"}
