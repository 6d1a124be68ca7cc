"""The spot check of EU 2023/2590 and a lap of attentive driving, as `spot-check` plays them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from driver_monitor.bench import spot_check
from driver_monitor.bench.spot_check import check, lap, raised
from driver_monitor.config.profiles import known
from tests.conftest import Cli
from tests.timeline import shipped


@pytest.mark.parametrize("fps", [10.0, 30.0])
def test_ok__every_place_is_warned_of_in_time_and_nothing_in_between(fps: float) -> None:
    looks = check(shipped("eu_addw"), fps)
    assert len(looks) == 2 * 2 * 14
    assert [look for look in looks if not look.good] == []
    assert [look for look in looks if len(look.alerts) != 1] == []


@pytest.mark.parametrize("profile", known())
def test_ok__mirrors_instruments_and_looks_over_the_shoulder_are_no_alert(profile: str) -> None:
    assert [event.rule for event in raised(lap(), shipped(profile))] == []


@pytest.fixture
def two_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spot_check, "PLACES", {"lap": (0.0, -48.0), "left knee": (25.0, -50.0)})


@pytest.mark.usefixtures("two_places")
def test_ok__the_verb_prints_a_row_for_each_place_and_a_summary(command: Cli) -> None:
    outcome = command("spot-check", "--profile", "default")
    assert (outcome.code, outcome.lines) == (0, [])
    lines = outcome.out.splitlines()
    assert sum(line.split()[-4:] == ["3.00"] * 4 for line in lines) == 2
    assert "attentive driving, profile default: no alert" in lines
    assert lines[-1] == "8 of 8 looks: warning in time and no other alert"


@pytest.mark.usefixtures("two_places")
def test_fail__a_profile_that_warns_too_late_fails_the_check(command: Cli) -> None:
    Path("late.yaml").write_text("""
name: late
rules:
  - id: away
    when: {signal: gaze.away_s, at_least: 1.5}
    for_s: 2.5
    clear: {signal: gaze.away_s, at_most: 0.0}
    level: warning
    message: away
    clause: ours
""")
    outcome = command("spot-check", "--profile", "late.yaml", "--json")
    assert (outcome.code, outcome.lines) == (1, [])
    found = json.loads(outcome.out)
    assert (found["good"], found["laps"]) == (False, {"late.yaml": []})
    assert [look["good"] for look in found["looks"]] == [False] * 4 + [True] * 4
    assert {look["warned_s"] for look in found["looks"]} == {4.0}


def test_fail__an_unknown_profile_is_wrong_use(command: Cli) -> None:
    assert command("spot-check", "--profile", "nowhere").code == 2
