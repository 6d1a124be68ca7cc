"""What issue 3 asks of the labelled clips, as they are and changed; skipped where they are not, and slow: minutes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SHARED, measured_elsewhere

CLIPS, LABELS = SHARED / "data" / "clips", SHARED / "data" / "labels"
TOP = Path(__file__).parents[1]
CHANGED = ("infrared-like", "half size", "mirrored", "every 2")

pytestmark = pytest.mark.skipif(not CLIPS.exists(), reason=f"needs the clips in {CLIPS}, which are not in the project")


@pytest.fixture(scope="module")
def scores() -> dict[str, Any]:
    tool = [sys.executable, "-m", "tools.measure.robustness"]
    command = [*tool, "--clips", str(CLIPS), "--labels", str(LABELS), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    done = subprocess.run(command, cwd=TOP, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@measured_elsewhere
def test_ok__closed_eyes_are_reported_from_open_ones(scores: dict[str, Any]) -> None:
    plain = scores["as they are"]
    assert plain["clips"] == 15
    assert plain["frame_f1"]["value"] >= 0.97
    assert plain["event_f1"]["value"] >= 0.95
    assert plain["false_long_closures"]["count"] == 0
    assert plain["closed_share_error"]["value"] <= 0.6
    assert plain["unknown_share"]["value"] <= 0.05


@pytest.mark.parametrize("variant", CHANGED)
def test_ok__the_scores_hold_when_the_picture_changes(scores: dict[str, Any], variant: str) -> None:
    # At half the rate a blink of one frame may fall between two frames.
    allowed = {"frame_f1": 0.03, "event_f1": 0.04 if variant == "every 2" else 0.03}
    for figure, loss in allowed.items():
        assert scores[variant][figure]["value"] >= scores["as they are"][figure]["value"] - loss, figure


@pytest.mark.parametrize("variant", ["as they are", *CHANGED])
def test_ok__talking_laughing_and_lowered_lids_are_no_long_closure(scores: dict[str, Any], variant: str) -> None:
    assert scores[variant]["quiet"] == 0


def test_ok__the_face_is_there_in_every_clip_and_soon_found_again(scores: dict[str, Any]) -> None:
    plain = scores["as they are"]
    assert plain["face_present_worst_clip"] >= 0.98
    assert (plain["found_again_s"] or 0.0) <= 0.3
