"""Every number of a page is that of the JSON: nothing is rounded, cut or filled in."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.bench.report.columns import NUMBERS, WORDS, Columns, WordColumn, read_columns
from driver_monitor.bench.report.packing import pack
from driver_monitor.bench.report.run_page import run_page
from driver_monitor.bench.report.summary import duration, percent
from driver_monitor.bench.report.write import read_content
from driver_monitor.bench.runs.read_run import read_run
from driver_monitor.errors import RunError
from tests.bench.report.night import element, from_json, lines_of, unpacked, write_night

pytest.importorskip("plotly", reason="plotly is not installed (extra report)")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_night(tmp_path_factory.mktemp("runs") / "night")


@pytest.fixture(scope="module")
def page(night: Path) -> str:
    return run_page(read_content(read_run(night), None))


@pytest.mark.parametrize("name", [*NUMBERS, *WORDS])
def test_ok__every_series_of_the_page_equals_the_json(night: Path, page: str, name: str) -> None:
    values = unpacked(page)[name]
    assert values == from_json(night, name)
    assert len(values) == 460


def test_ok__the_drive_has_values_and_gaps_in_each_series(night: Path) -> None:
    """Else the test above would compare nothing with nothing."""
    for name in NUMBERS:
        assert {value is None for value in from_json(night, name)} >= {False}, name
    gaps = ("eyes.openness", "gaze.yaw", "head.yaw", "mouth.opening", "car.speed_kmh", "perclos.value")
    assert all(None in from_json(night, name) for name in gaps)


def test_ok__what_was_unknown_is_told_with_its_reason(night: Path, page: str) -> None:
    unknown = {name: values for name, values in unpacked(page).items() if name.startswith("unknown.")}
    for i, line in enumerate(lines_of(night)):
        assert (unknown["unknown.eyes"][i] is None) == (line["eyes"]["state"] != "unknown")
        assert unknown["unknown.eyes"][i] == line["eyes"]["reason"]
        assert unknown["unknown.face"][i] == line["face"].get("reason")
        assert (unknown["unknown.gaze"][i] is None) == (line["gaze"] is not None and line["gaze"]["zone"] != "unknown")
        assert line["gaze_reason"] in (None, unknown["unknown.gaze"][i])
        assert (unknown["unknown.mouth"][i] is None) == (line["mouth"] is not None)
        assert (unknown["unknown.speed"][i] is None) == (line["car"]["speed_kmh"] is not None)
        phone = line["phone"]
        assert (unknown["unknown.phone"][i] is None) == (phone is not None and phone["at_ear_s"] is not None)
    assert {"nobody has looked", "not_found"} <= set(unknown["unknown.phone"])
    assert {"sunglasses", "no_face"} <= set(unknown["unknown.eyes"])
    assert {"no_frame", "turned away or hidden"} <= set(unknown["unknown.mouth"])


def test_ok__the_summary_equals_the_json(night: Path, page: str) -> None:
    facts, lines = json.loads(element(page, "facts")), lines_of(night)
    raised = [json.loads(one) for one in (night / "events.jsonl").read_text().splitlines()]
    assert facts["summary"]["frames"] == len(lines)
    assert facts["summary"]["seconds"] == lines[-1]["t"]
    assert facts["summary"]["alerts"] == dict(
        sorted(Counter(a["rule"] for a in raised if a["phase"] == "raised").items())
    )
    reasons = Counter(line["eyes"]["reason"] for line in lines if line["eyes"]["state"] == "unknown")
    assert facts["summary"]["visible"]["eyes"] == {"frames": len(lines) - reasons.total(), "unknown": dict(reasons)}
    text = re.sub(r"<[^>]+>", " ", page[page.index("What was known") : page.index('id="packed"')])
    words = f"Eyes {percent(1 - reasons.total() / len(lines))}"
    assert words in " ".join(text.split())
    for reason, count in reasons.items():
        assert f"{reason} {100 * count / len(lines):.1f} %" in text


numbers = st.one_of(
    st.none(),
    st.integers(-1000, 1000).map(float),
    st.integers(-(10**6), 10**6).map(lambda k: k / 1000),
    st.floats(-1e9, 1e9, allow_nan=False),
)


@given(st.lists(st.tuples(numbers, st.sampled_from([None, True, False, "True", "day", "<b>"])), max_size=60))
def test_ok__any_numbers_and_words_come_back_as_they_were(rows: list[tuple[float | None, str | bool | None]]) -> None:
    values = [value for value, _ in rows]
    table = tuple(dict.fromkeys((type(word), word) for _, word in rows if word is not None))
    codes = [0 if word is None else table.index((type(word), word)) + 1 for _, word in rows]
    words = WordColumn(np.array(codes, np.uint32), tuple(word for _, word in table))
    floats = np.array([math.nan if value is None else value for value in values])
    text, series = pack(Columns({"t": floats}, {"word": words}, {}))
    page = f'<p id="packed">{text}</p><p id="facts">{json.dumps({"frames": len(rows), "series": series})}</p>'.replace(
        "<b>", "\\u003cb>"
    )
    assert unpacked(page) == {"t": values, "word": [word for _, word in rows]}


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "-"), (0.0, "0.0 %"), (0.0001, "< 0.1 %"), (0.5, "50.0 %"), (0.9999, "> 99.9 %"), (1.0, "100.0 %")],
)
def test_ok__a_few_frames_never_read_as_none_or_as_all(share: float | None, text: str) -> None:
    assert percent(share) == text


def test_ok__lengths_are_shown_as_people_say_them() -> None:
    assert [duration(one) for one in (3.44, 63.4, 3723.4)] == ["3.4 s", "1 min 03.4 s", "1 h 02 min 03 s"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"frame": 0, "t": 0, "eyes": {"openness": "<b>"}}, "line 1: '<b>' is not a number"),
        ({"frame": 0, "t": 0, "eyes": {"openness": True}}, "not a number"),
        ({"frame": 0, "t": 0, "light": [1]}, "not a word"),
        ({"frame": 0}, "t is missing"),
        ({"frame": 0, "t": float("inf")}, "not a number"),
    ],
)
def test_fail__a_line_that_is_none_of_ours(night: Path, tmp_path: Path, line: object, reason: str) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "run.json").write_text((night / "run.json").read_text())
    (folder / "signals.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(RunError, match=re.escape(reason)):
        read_columns(read_run(folder))
