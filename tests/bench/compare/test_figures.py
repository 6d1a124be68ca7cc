"""Paired figures: "better" is said only if chance would hardly give the difference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.bench.compare.figures import LEAST_PERSONS, PairedFigure, ScorePair, paired_figures, sign_test
from driver_monitor.bench.runs.scored_rules import scored_rules
from driver_monitor.bench.score.clip import ClipScore, score_by_rules
from driver_monitor.bench.score.intervals import Figure, bootstrap_difference
from tests.bench.stories import closed, labels, track
from tests.timeline import shipped

RULES = scored_rules(shipped("default"))


def score(person: str, *, found: bool = True, false: int = 0) -> ClipScore:
    """Five seconds with one closure of a second; the closure is found or missed, and some microsleeps are false."""
    clip = labels(*closed((20, 39)), person=person)
    alerts = [("microsleep", 3.5 + 0.1 * number) for number in range(false)]
    return score_by_rules("trip.mp4", clip, track(*[(20, 39)] if found else [], raised=alerts), RULES)


def figure(pairs: list[ScorePair], name: str) -> PairedFigure:
    return next(one for one in paired_figures(pairs) if one.name == name)


@pytest.mark.parametrize(("persons", "change"), [(1, "too few persons"), (5, "too few persons"), (6, "worse")])
def test_ok__fewer_than_six_persons_show_nothing(persons: int, change: str) -> None:
    pairs = [(score(f"p{n}"), score(f"p{n}", found=False)) for n in range(persons)]
    found = figure(pairs, "frame_f1")
    assert (found.a, found.b, found.difference.value, found.change) == (1.0, 0.0, -1.0, change)
    assert (found.persons, found.up, found.down) == (persons, 0, persons)
    assert figure([(b, a) for a, b in pairs], "frame_f1").change == change.replace("worse", "better")


def test_ok__many_clips_of_one_person_are_one_person() -> None:
    assert figure([(score("p"), score("p", found=False))] * 50, "frame_f1").difference == Figure(-1.0)


def test_ok__no_difference_is_the_same_and_says_what_is_excluded() -> None:
    found = figure([(score(f"p{n}"), score(f"p{n}")) for n in range(8)], "false_alerts")
    assert (found.a, found.b, found.change, found.hours) == (0, 0, "same", pytest.approx(8 * 5 / 3600))
    # Three events are excluded at 95 % where none was seen: -ln(0.05).
    assert found.excluded == pytest.approx(-np.log(0.05) / found.hours)


@pytest.mark.parametrize(("more", "change"), [(5, "no difference shown"), (6, "worse")])
def test_ok__false_alerts_of_five_of_twelve_persons_may_be_chance(more: int, change: str) -> None:
    pairs = [(score(f"p{n}"), score(f"p{n}", false=int(n < more))) for n in range(12)]
    found = figure(pairs, "false_microsleep")
    assert (found.a, found.b, found.up, found.down, found.change) == (0, more, more, 0, change)
    assert found.difference.low is not None
    assert found.difference.low > 0, "the bootstrap alone would call both worse"


def test_ok__a_rule_that_one_profile_lacks_is_not_compared() -> None:
    quiet = scored_rules(shipped("quiet"))
    b = score_by_rules("trip.mp4", labels(*closed((20, 39)), person="p"), track((20, 39)), quiet)
    found = figure([(score("p"), b)], "false_sleep")
    assert (found.a, found.b, found.change) == (0, None, "not in both")


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=LEAST_PERSONS, max_size=12))
def test_ok__better_has_an_interval_without_zero_and_its_mirror_image_is_worse(found: list[tuple[bool, bool]]) -> None:
    scores = {True: score("p"), False: score("p", found=False)}
    pairs = [tuple(replace(scores[one], person=f"p{n}") for one in both) for n, both in enumerate(found)]
    for one, back in zip(paired_figures(pairs), paired_figures([(b, a) for a, b in pairs]), strict=True):
        if one.change in ("better", "worse"):
            low, high = one.difference.low, one.difference.high
            assert low is not None
            assert high is not None
            assert low > 0 or high < 0
        assert back.change == {"better": "worse", "worse": "better"}.get(one.change, one.change)


def test_ok__the_same_persons_are_drawn_for_both() -> None:
    rows = np.arange(1.0, 11.0)
    same = bootstrap_difference((rows, np.full(10, 20.0)), (rows + 1, np.full(10, 20.0)))
    assert same.value == pytest.approx(0.05)
    assert same.low == pytest.approx(0.05), "what is common to both cancels out"
    assert same.high == pytest.approx(0.05)


@pytest.mark.parametrize(("up", "down", "p"), [(0, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (1, 7, 0.0703125)])
def test_ok__the_sign_test_is_exact(up: int, down: int, p: float) -> None:
    assert sign_test(up, down) == sign_test(down, up) == p
