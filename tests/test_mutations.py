"""Damaged clips, configurations, profiles and models: accepted or refused in one line. `tools` has many more."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from tools.attack.mutations import COUNTS, GOOD, REFUSED, Attack, _follow, damaged, run

SMALL = {"clips": range(1, 7), "configurations": range(25), "profiles": range(15), "models": range(4)}


@pytest.mark.parametrize("kind", COUNTS)
def test_ok__damaged_input_is_accepted_or_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    attack = Attack(tmp_path)
    outcomes = {number: attack.attempt(kind, number) for number in SMALL[kind]}
    assert {number: outcome for number, outcome in outcomes.items() if outcome not in (GOOD, REFUSED)} == {}


def test_ok__an_item_follows_from_its_number_alone() -> None:
    data = bytes(range(256)) * 20
    assert damaged(data, random.Random("clips:7")) == damaged(data, random.Random("clips:7")) != data


def test_ok__items_run_in_a_process_of_their_own() -> None:
    outcomes = run("configurations", 3, 2)
    assert sum(outcomes.values()) == 2
    assert set(outcomes) <= {GOOD, REFUSED}


@pytest.mark.parametrize(("closed", "hung"), [(True, False), (False, True)])
def test_fail__a_process_that_ends_or_hangs_in_an_item_is_noticed(closed: bool, hung: bool) -> None:
    reading, writing = os.pipe()
    os.write(writing, f"5\n5 {GOOD}\n6\n6 an odd error\n7\n".encode())
    if closed:
        os.close(writing)
    outcomes: Counter[str] = Counter()
    assert _follow(reading, 5, outcomes, 0.01) == (7, hung)
    assert outcomes == {GOOD: 1, "6: an odd error": 1}
    os.close(reading)
