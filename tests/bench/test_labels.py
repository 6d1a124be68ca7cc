"""Label files as people write, cut and confuse them: read, or refused in one line that names file and key."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.bench.score.labels import load_labels, runs
from driver_monitor.demo import TRUTH
from driver_monitor.errors import LabelError

GOOD: dict[str, Any] = {"person": "p1", "fps": 30, "frames": 90, "events": []}


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "trip.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_ok__the_truth_of_the_demo_is_a_label_file() -> None:
    assert load_labels(TRUTH).frames == 880


def test_ok__notes_beside_the_labels_do_not_matter(tmp_path: Path) -> None:
    event = {"type": "eyes_closed", "start": 3, "end": 5, "note": "blurred"}
    labels = load_labels(written(tmp_path, json.dumps({**GOOD, "subject": "man", "events": [event]})))
    assert runs(labels.mask("eyes_closed")) == [(3, 5)]


def test_ok__an_unknown_type_is_reported_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    event = {"type": "eye_closed", "start": 3, "end": 5}
    load_labels(written(tmp_path, json.dumps({**GOOD, "events": [event]})))
    assert "'eye_closed'" in caplog.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"person": ...}, "person: missing"),
        ({"fps": 0}, "fps: must be at least 0.1, found 0"),
        ({"fps": 1e-320}, "fps: must be at least 0.1"),
        ({"fps": "30"}, "fps: expected a number, without quotes, found '30'"),
        ({"fps": None}, "fps: expected a number, without quotes, found nothing"),
        ({"frames": -1}, "frames: "),
        ({"frames": 1e300}, "frames: "),
        ({"clip": "a\nb.mp4"}, "clip: control characters are not allowed"),
        ({"clip": "a" * 5000}, "clip: must have at most 255 characters"),
        ({"person": "p\x1b[2J"}, "person: control characters are not allowed"),
        ({"events": {}}, "events: expected a list, found an object in braces"),
        ({"events": [{"type": "blink", "start": 1}]}, "events[0].end: missing"),
        ({"events": [{"type": "blink", "start": 9, "end": 1}]}, "events[0]: ends at 1, before its start at 9"),
        ({"events": [{"type": "blink", "start": 9, "end": 90}]}, "events[0]: ends at 90; the last frame is 89"),
        ({"events": [{"type": "blink"}], "fps": None}, "(and 2 more faults)"),
    ],
)
def test_fail__a_wrong_value_is_named_with_its_key(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    values = {key: value for key, value in {**GOOD, **change}.items() if value is not ...}
    with pytest.raises(LabelError) as error:
        load_labels(written(tmp_path, json.dumps(values)))
    assert str(error.value).startswith(str(tmp_path / "trip.json"))
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not valid JSON"),
        ('{\n"person": "p1",\n', "trip.json:3: not valid JSON; correct it"),
        ("[]", "expected an object"),
        (b"\xff\xfe{", "not UTF-8"),
        ("[" * 100_000, "nested too deeply"),
        ('{"fps": ' + "9" * 10_000 + "}", "a number too long"),
        ('{"person": "p", "fps": NaN, "frames": 3, "events": []}', "fps: "),
    ],
)
def test_fail__a_damaged_file_is_one_line(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(LabelError) as error:
        load_labels(written(tmp_path, text))
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_fail__what_is_no_file_does_not_keep_anyone_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", tmp_path, tmp_path / "none.json"):
        with pytest.raises(LabelError, match=str(path)):
            load_labels(path)


@given(st.lists(st.booleans(), max_size=40))
def test_ok__runs_cover_what_is_true_and_nothing_else(truth: list[bool]) -> None:
    spans = runs(np.array(truth, bool))
    assert [i for first, last in spans for i in range(first, last + 1)] == [i for i, one in enumerate(truth) if one]
    assert all(later[0] > earlier[1] + 1 for earlier, later in itertools.pairwise(spans))
