"""The run of faults, smaller than the whole one of docs/fleet.md: no alert is lost, doubled or changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet.services import needs_mosquitto, needs_postgres
from tools.fleet.fault_run import Size, fault_run


@needs_mosquitto
@needs_postgres
def test_ok__no_alert_is_lost_whatever_breaks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = Size(vehicles=50, alerts=500, rate=60, kills=2, store_away_s=2.0, harm=5.0, again_s=2.0)
    # With the real 60 s until a message is sent again, the run would take two minutes.
    answers = fault_run(tmp_path, size)
    told = capsys.readouterr().out
    assert [answer.text for answer in answers if not answer.holds] == [], told
    faults = told.partition("\n")[0]
    assert faults.count("broker killed") == faults.count("collector killed") == 2
    assert "database away" in faults
    assert "'flips'" in faults
