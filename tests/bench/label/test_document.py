"""Edits of labels: what they change, what they refuse, and that nothing unknown gets lost."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.bench.label.document import MARK, UNREVIEWED, EditError, edited, gaps, merged, of_json
from driver_monitor.bench.score.closures import NOT_SCORED
from driver_monitor.bench.score.labels import ClipLabels, load_labels
from tests.bench.label.stage import add, empty, labelled, review

FRAMES = 60
spans = st.tuples(st.integers(0, FRAMES - 1), st.integers(0, FRAMES - 1)).map(sorted).map(tuple)


def covered(ranges: list[Any]) -> set[int]:
    return {frame for first, last in ranges for frame in range(first, last + 1)}


@given(st.lists(st.tuples(spans, st.booleans()), max_size=12))
def test_ok__a_frame_is_scored_exactly_if_it_was_last_marked_as_reviewed(marks: list[Any]) -> None:
    document, expected = empty(FRAMES), set()
    for (first, last), reviewed in marks:
        document = edited(document, review(first, last, reviewed=reviewed))
        frames = set(range(first, last + 1))
        expected = expected | frames if reviewed else expected - frames
    labels = document.labels()
    assert set(np.flatnonzero(labels.seen)) == expected
    assert set(np.flatnonzero(~labels.mask(*NOT_SCORED))) == expected, (
        "readers without `reviewed` score the same frames"
    )
    assert covered(list(document.reviewed)) == expected
    assert of_json(json.loads(json.dumps(document.to_json()))).reviewed == document.reviewed


@given(st.lists(spans))
def test_ok__gaps_are_what_is_between(ranges: list[Any]) -> None:
    joined = merged(ranges)
    assert covered(list(joined)) == covered(ranges)
    assert covered(list(joined)) | covered(gaps(joined, FRAMES)) == set(range(FRAMES))
    assert not covered(list(joined)) & covered(gaps(joined, FRAMES))
    assert all(first[1] + 1 < second[0] for first, second in pairwise(joined))


def test_ok__labels_are_added_changed_and_removed_by_number() -> None:
    document = labelled(add("eyes_closed", 10, 14), add("look_away", 20, 30, direction="left"))
    document = edited(document, {"op": "change", "number": 0, "end": 16, "confidence": "low"})
    document = edited(document, {"op": "change", "number": 1, "direction": None})
    document = edited(document, add("yawn", 3, 9))
    document = edited(document, {"op": "remove", "number": 1})
    assert [one for one in document.to_json()["events"] if MARK not in one] == [
        {"type": "yawn", "start": 3, "end": 9},
        {"type": "eyes_closed", "start": 10, "end": 16, "confidence": "low"},
    ]
    assert edited(document, add("yawn", 1, 2)).events[-1].number == 3, "numbers are not used twice"


def test_ok__an_accepted_suggestion_is_a_label_and_a_rejected_one_is_kept_as_such() -> None:
    document = labelled({**add("yawn", 3, 9), "op": "reject"}, {**add("eyes_closed", 20, 22), "op": "accept"})
    values = document.to_json()
    assert values["rejected"] == [{"type": "yawn", "start": 3, "end": 9}]
    assert values["events"][0] == {"type": "eyes_closed", "start": 20, "end": 22}
    assert of_json(values).rejected == {("yawn", 3, 9)}
    assert not edited(document, {**add("yawn", 3, 9), "op": "accept"}).rejected


def test_ok__keys_and_events_that_nobody_here_knows_are_kept(tmp_path: Path) -> None:
    values = {
        **{"clip": "trip.mp4", "person": "p1", "fps": 30, "frames": FRAMES, "note": "rain", "blinks": "none"},
        "events": [
            {"type": "hat", "start": 1, "end": 2, "colour": "red"},
            {"type": "blink", "start": 5, "end": 7, "x": 1},
        ],
    }
    document = edited(of_json(values), {"op": "change", "number": 1, "end": 8})
    written = document.to_json()
    assert written["note"] == "rain"
    assert written["events"] == [values["events"][0], {"type": "blink", "start": 5, "end": 8, "x": 1}]  # type: ignore[index]
    assert written["reviewed"] == [[0, FRAMES - 1]], "a file that was made by hand is complete"
    (tmp_path / "trip.json").write_text(json.dumps(written))
    assert load_labels(tmp_path / "trip.json").seen.all()


def test_ok__events_that_cover_what_nobody_has_seen_are_made_anew() -> None:
    document = labelled(add("uncertain", 5, 6), review(0, 29), frames=FRAMES)
    again = of_json(document.to_json())
    assert [one.values["type"] for one in again.events] == ["uncertain"]
    hidden = [one for one in again.to_json()["events"] if one.get(MARK)]
    assert [(one["type"], one["start"], one["end"]) for one in hidden] == [(kind, 30, 59) for kind in UNREVIEWED]


@pytest.mark.parametrize(
    "edit",
    [
        {},
        {"op": "dance"},
        {"op": "add"},
        {"op": "add", "type": "nap", "start": 1, "end": 2},
        add("yawn", 5, 4),
        add("yawn", -1, 4),
        add("yawn", 0, FRAMES),
        add("yawn", "0", 4),  # type: ignore[arg-type]
        add("yawn", True, 4),
        add("yawn", 0, 10**30),
        add("yawn", [], {}),  # type: ignore[arg-type]
        {"op": "change", "number": 7, "end": 3},
        {"op": "remove"},
        {"op": "reject", "type": "yawn", "start": "a", "end": 3},
        {"op": "reject", "type": [], "start": 0, "end": 3},
        review(0, FRAMES),
        review("a", 3),  # type: ignore[arg-type]
        {"op": "set", "person": "  "},
        {"op": "set", "person": "x" * 300},
        {"op": "set", "person": "a\nb"},
        {"op": "set", "blinks": "perhaps"},
    ],
    ids=str,
)
def test_fail__an_impossible_edit_is_refused_in_words(edit: dict[str, Any]) -> None:
    with pytest.raises(EditError, match=r"\w"):
        edited(empty(FRAMES), edit)


@pytest.mark.parametrize("reviewed", [[[5, 4]], [[0, FRAMES]], [[1]], [["a", 2]], "all", [[-1, 3]]], ids=str)
def test_fail__ranges_that_are_none_are_told(tmp_path: Path, reviewed: Any) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"person": "p", "fps": 20, "frames": FRAMES, "events": [], "reviewed": reviewed}))
    with pytest.raises(Exception, match="reviewed"):
        load_labels(path)


def test_ok__labels_without_ranges_are_reviewed_as_a_whole() -> None:
    assert ClipLabels(person="p", fps=20, frames=5, events=[]).seen.all()
    assert not ClipLabels(person="p", fps=20, frames=5, events=[], reviewed=[]).seen.any()
