"""Closed eyes against labels whose scores can be counted by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.bench.score.closures import ClosureScore, eye_truth, score_closures
from driver_monitor.bench.score.intervals import ratio
from tests.bench.stories import Span, closed, event, labels, track


def frame_f1(score: ClosureScore) -> float | None:
    return ratio(2 * score.hit, 2 * score.hit + score.wrong + score.missed)


def event_f1(score: ClosureScore) -> float | None:
    return ratio(2 * score.found, score.labelled + score.found + score.false)


def test_ok__a_closure_called_too_long_costs_frames_but_no_event() -> None:
    # Labelled 20 to 29: scored closed are 21 to 28 (8 frames). Called 20 to 33: beside them 31, 32, 33 are wrong.
    score = score_closures(labels(*closed((20, 29))), track((20, 33)))
    assert (score.hit, score.wrong, score.missed) == (8, 3, 0)
    assert frame_f1(score) == pytest.approx(16 / 19)
    assert (score.labelled, score.found, score.false) == (1, 1, 0)
    assert score.share_error == pytest.approx(4.0)


def test_ok__the_frame_on_each_side_of_an_edge_is_not_scored() -> None:
    truth = eye_truth(labels(*closed((20, 29))))
    assert [frame for frame in range(100) if not truth.scored[frame]] == [19, 20, 29, 30]


def test_ok__a_missed_and_an_invented_closure_are_reported_apart() -> None:
    score = score_closures(labels(*closed((10, 14), (50, 54))), track((11, 15), (80, 82)))
    assert (score.labelled, score.found, score.false) == (2, 1, 1)
    assert event_f1(score) == pytest.approx(2 / 4)


def test_ok__two_frames_apart_are_the_same_closure_and_three_are_not() -> None:
    near, far = (score_closures(labels(*closed((10, 14))), track((start, 20))) for start in (16, 17))
    assert (near.found, near.false) == (1, 0)
    assert (far.found, far.false) == (0, 1)


@pytest.mark.parametrize(
    "kind", ["uncertain", "face_not_visible", "occluded", "one_eye_closed", "one_eye_squint", "partial_blink"]
)
def test_ok__what_the_labeller_could_not_tell_is_not_held_against_anyone(kind: str) -> None:
    score = score_closures(labels(event(kind, 40, 59)), track((42, 55)))
    assert (score.scored, score.wrong, score.false, score.long, score.share_error) == (80, 0, 0, (), 0.0)


def test_ok__an_event_counts_with_half_of_it_scored_and_not_with_less() -> None:
    for doubtful, counted in (((40, 44), 1), ((40, 45), 0)):
        score = score_closures(labels(*closed((40, 49)), event("uncertain", *doubtful)), track())
        assert score.labelled == counted


def test_ok__a_closure_found_with_edges_nobody_is_sure_of_is_neither_missed_nor_false() -> None:
    unsure = (event("uncertain", 20, 20), event("uncertain", 23, 24))
    score = score_closures(labels(*closed((21, 22)), *unsure), track((20, 24)))
    assert (score.labelled, score.found, score.false) == (1, 1, 0)


def test_ok__lowered_lids_are_open() -> None:
    score = score_closures(labels(event("eyes_lowered", 0, 99)), track((40, 49)))
    assert (score.wrong, score.false) == (10, 1)
    assert score.long == ((40, 49),)
    assert score.long_while == {"talking_or_laughing": 0, "eyes_lowered": 1}


def test_ok__a_false_closure_is_a_long_one_from_half_a_second_on() -> None:
    assert score_closures(labels(), track((40, 48))).long == ()
    assert score_closures(labels(), track((40, 49))).long == ((40, 49),)


def test_ok__a_fifth_of_it_labelled_closed_makes_it_a_true_one() -> None:
    assert score_closures(labels(*closed((48, 49))), track((40, 49))).long == ()
    assert score_closures(labels(*closed((49, 49))), track((40, 49))).long == ((40, 49),)


def test_ok__unknown_is_neither_open_nor_closed_and_is_counted() -> None:
    score = score_closures(labels(*closed((20, 29))), track(unknown=[(0, 24)]))
    assert (score.unknown, score.missed) == (23, 8)


def test_ok__closures_between_the_frames_used_are_not_scored() -> None:
    # With each fourth frame nothing of the blink at 21 to 23 is left.
    score = score_closures(labels(*closed((21, 23), (40, 59))), track((40, 56), every=4))
    assert (score.labelled, score.found, score.false) == (1, 1, 0)
    assert frame_f1(score) == 1.0


def test_ok__a_long_closure_is_as_long_with_half_the_frames() -> None:
    assert score_closures(labels(), track((40, 48), every=2)).long == ((40, 48),)
    assert score_closures(labels(), track((40, 46), every=2)).long == ()


@st.composite
def closures(draw: st.DrawFn, gap: int = 8) -> list[Span]:
    """Closures of the first 180 of 200 frames, well apart."""
    spans: list[Span] = []
    at = draw(st.integers(4, 20))
    while at < 160 and len(spans) < 8:
        end = at + draw(st.integers(0, 19))
        spans.append((at, end))
        at = end + gap + draw(st.integers(0, 40))
    return spans


any_spans = st.lists(st.tuples(st.integers(0, 199), st.integers(0, 30)).map(lambda s: (s[0], min(s[0] + s[1], 199))))


@given(any_spans, any_spans, st.sampled_from([1, 2, 3, 7]))
def test_ok__any_prediction_gives_scores_between_nought_and_one(
    truth: list[Span], said: list[Span], every: int
) -> None:
    score = score_closures(labels(*closed(*truth), frames=200), track(*said, frames=200, every=every))
    for value in (frame_f1(score), event_f1(score)):
        assert value is None or 0 <= value <= 1
    assert score.found <= score.labelled
    assert score.share_error is not None
    assert 0 <= score.share_error <= 100
    assert score.hit + score.wrong + score.missed <= score.scored <= 200


@given(closures(), st.sampled_from([1, 2, 5]))
def test_ok__a_perfect_prediction_is_worth_one(spans: list[Span], every: int) -> None:
    score = score_closures(labels(*closed(*spans), frames=200), track(*spans, frames=200, every=every))
    assert event_f1(score) in (1.0, None)
    assert frame_f1(score) in (1.0, None)
    assert (score.share_error, score.long) == (0.0, ())
    if every == 1:
        assert event_f1(score) == 1.0


@given(closures(), st.sampled_from([-2, -1, 1, 2]))
def test_ok__two_frames_sooner_or_later_are_the_same_closures(spans: list[Span], by: int) -> None:
    moved = [(first + by, last + by) for first, last in spans]
    assert event_f1(score_closures(labels(*closed(*spans), frames=200), track(*moved, frames=200))) == 1.0
