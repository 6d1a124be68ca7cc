"""The spot check of EU 2023/2590 and a lap of attentive driving, as the bench plays them."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.config.profiles import known

TOOL = Path(__file__).parent.parent / "tools/spot_check.py"


@pytest.fixture(scope="module")
def bench() -> dict[str, Any]:
    return runpy.run_path(str(TOOL))


@pytest.mark.parametrize("fps", [10.0, 30.0])
def test_ok__every_place_is_warned_of_in_time_and_nothing_in_between(bench: dict[str, Any], fps: float) -> None:
    rows = bench["check"](fps)
    assert len(rows) == 2 * 2 * 14
    assert [row for row in rows if not row["good"]] == []


@pytest.mark.parametrize("profile", known())
def test_ok__mirrors_instruments_and_looks_over_the_shoulder_are_no_alert(bench: dict[str, Any], profile: str) -> None:
    assert [event.rule for event in bench["alerts"](bench["lap"](), profile, 20.0)] == []
