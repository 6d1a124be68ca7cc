"""docs/bench.md can be followed: its commands work in their order, and print what it shows."""

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
STEP = 5
"""Each fifth frame of the demo, 4 a second: all of its 44 s, and the same alerts, in a fifth of the time."""
NEEDS_A_PERSON = "label"
"""The verb that shows a page until it is interrupted; tests/bench/label runs it."""


@pytest.fixture(scope="module")
def thin_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with each fifth frame of the demo and its labels."""
    folder = tmp_path_factory.mktemp("thin")
    with ClipCamera(demo.CLIP, every=STEP) as camera:
        images = [frame.image for frame in iter(camera.read, None)]
    write_clip(folder / "demo.mp4", images, fps=4)
    truth = json.loads(demo.TRUTH.read_text())
    spans = [(event, -(-event["start"] // STEP), event["end"] // STEP) for event in truth["events"]]
    events = [{**event, "start": start, "end": end} for event, start, end in spans if start <= end]
    values = {**truth, "fps": 4, "frames": len(images), "events": events}
    (folder / "demo.json").write_text(json.dumps(values))
    return folder


@pytest.fixture
def desk(thin_demo: Path, short_clip: Path, command: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """`command` in a folder with clips of the reader's own, and with this demo instead of the bundled one."""
    for name in ("trips", "labels"):
        Path(name).mkdir()
    with ClipCamera(short_clip, every=4) as camera:
        images = [frame.image for frame in iter(camera.read, None)][:10]
    nap = {"person": "p1", "fps": 5, "frames": len(images), "events": []}
    for name in ("one", "two"):
        write_clip(Path(f"trips/{name}.mp4"), images, fps=5)
        Path(f"labels/{name}.json").write_text(json.dumps(nap))
    monkeypatch.setattr(demo, "CLIP", thin_demo / "demo.mp4")
    monkeypatch.setattr(demo, "TRUTH", thin_demo / "demo.json")
    return command


def without_numbers(line: str) -> str:
    """A line of output without what depends on the clip. tests/bench/test_labelled_demo.py compares the scores."""
    return " ".join(re.sub(r"[\d.]+", "0", line).split())


def test_ok__the_tour_can_be_followed_command_by_command(desk: Cli) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed (extra report)")
    printed = set()
    for code in (line for block in blocks(PAGE, "sh") for line in block.splitlines()):
        _, *words = shlex.split(code)
        if words[0] == NEEDS_A_PERSON:
            shown = desk("label", "--help")
            assert (shown.code, "--labels" in shown.out) == (0, True)
            continue
        outcome = desk(*words)
        progress = [line for line in outcome.lines if not line.startswith("progress: ")]
        assert (outcome.code, progress) == (0, [NOTICE] if "--video" in words else []), (code, outcome.err)
        assert outcome.out, code
        printed |= set(map(without_numbers, outcome.out.splitlines()))
    for line in (line for block in blocks(PAGE, "text") for line in block.splitlines()):
        assert without_numbers(line) in printed, line
    for path in re.findall(r"`(results/\S+\.html)`", PAGE.read_text()):
        assert Path(path).is_file(), path
    assert Path("results/video/demo/video.mp4").stat().st_size > 10_000
    assert Path("bug-report.zip").is_file()


def test_ok__all_commands_of_the_tour_are_tried() -> None:
    in_blocks = {shlex.join(shlex.split(line)) for block in blocks(PAGE, "sh") for line in block.splitlines()}
    inline = set(commands(PAGE)) - in_blocks
    assert {shlex.split(code)[0] for code in inline} <= {"pip"}
