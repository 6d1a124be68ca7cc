"""The bundled clip is a labelled clip, and docs/scores.md shows what scoring it prints."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from driver_monitor.demo import CLIP, TRUTH
from tests.conftest import Cli, measured_elsewhere

PAGE = Path(__file__).parents[2] / "docs" / "scores.md"


@measured_elsewhere
def test_ok__scoring_the_demo_prints_what_the_document_shows(command: Cli) -> None:
    (shown,) = re.findall(r"(?ms)^driver-monitor score clips demo\n```\n\n```text\n(.*?)```$", PAGE.read_text())
    outcome = command("score", "clips", "demo")
    assert (outcome.code, outcome.lines) == (0, [])
    printed = [line.rstrip() for line in outcome.out.splitlines()]
    assert printed == shown.splitlines()
    tour = re.findall(r"(?m)^(?:clip  .*|demo\.mp4  .*)$", (PAGE.parent / "bench.md").read_text())
    assert len(tour) == 2
    assert set(tour) <= set(printed)


def test_ok__the_demo_and_its_labels_are_files_like_others(command: Cli) -> None:
    Path("mine").mkdir()
    shutil.copy(CLIP, "mine/demo.mp4")
    shutil.copy(TRUTH, "truth.json")
    scores = [
        command("score", "clips", *words, "--every", "40", "--json").out
        for words in (("demo",), ("demo", "--labels", "demo"), ("mine", "--labels", "truth.json"))
    ]
    assert scores[0] == scores[1] == scores[2]
    assert json.loads(scores[0])["clips"][0]["clip"] == "demo.mp4"


@pytest.mark.parametrize("clips", ["trips", "trip.mp4"])
def test_fail__other_clips_need_labels(clips: str, command: Cli) -> None:
    outcome = command("score", "clips", clips)
    assert outcome.code == 2
    assert outcome.lines == [f"{clips}: name its labels with --labels; only demo has labels of its own"]
