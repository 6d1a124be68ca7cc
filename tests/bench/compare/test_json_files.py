"""Two results of `score clips --json` or of `bench --json` are compared; anything else is one clear error."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.bench.compare.bench_files import leaves
from driver_monitor.bench.runs.scored_rules import scored_rules
from driver_monitor.bench.score.clip import from_json, score_by_rules
from driver_monitor.bench.score.clips import report
from driver_monitor.messages.envelope import Provenance
from tests.bench.stories import closed, labels, track
from tests.conftest import Cli
from tests.timeline import shipped

BENCH: dict[str, Any] = {
    "kind": "driver-monitor bench",
    "schema": 1,
    "version": "0.1.0",
    "stages": [
        {"name": "decode", "ms": {"p50": 2.0, "p90": 3.0, "p99": 4.0, "mean": 2.2}, "cpu_ms": 2.0, "share": 0.5},
        {"name": "eyes", "ms": {"p50": 1.0, "p90": 1.0, "p99": 2.0, "mean": 1.0}, "cpu_ms": 1.0, "share": 0.5},
    ],
    "memory": {"rss_mb": {"peak": 100.0}},
    "fps": {"possible": 100.0, "wanted": None},
}


def written(path: Path, values: Any) -> Path:
    path.write_text(json.dumps(values))
    return path


def scores(*found: tuple[str, bool], profile: str = "default") -> dict[str, Any]:
    """The object of `score clips`: clips of these persons, with their closure found or missed."""
    rules = scored_rules(shipped(profile))
    clips = [
        score_by_rules(
            f"{person}.mp4", labels(*closed((20, 59)), person=person), track((20, 59), raised=[("microsleep", 2.0)])
            if seen else track(), rules
        )
        for person, seen in found
    ]  # fmt: skip
    return report(clips, [], Provenance("v", "m", "c", profile), 1)


def test_ok__stages_have_the_ratio_of_b_to_a(command: Cli, tmp_path: Path) -> None:
    other = deepcopy(BENCH)
    other["version"] = "0.2.0"
    other["stages"][0]["ms"]["p50"] = 1.0
    other["stages"] = [*other["stages"][:1], {"name": "new", "ms": {"p50": 7.0}}]
    a, b = written(tmp_path / "a.json", BENCH), written(tmp_path / "b.json", other)
    outcome = command("compare", a, b, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    found = json.loads(outcome.out)
    assert found["texts"] == [{"path": "version", "a": "0.1.0", "b": "0.2.0"}]
    by_path = {one["path"]: one for one in found["numbers"]}
    assert by_path["stages.decode.ms.p50"] == {"path": "stages.decode.ms.p50", "a": 2.0, "b": 1.0, "ratio": 0.5}
    assert by_path["stages.eyes.ms.p50"]["b"] is by_path["stages.eyes.ms.p50"]["ratio"] is None
    assert by_path["stages.new.ms.p50"]["a"] is None
    assert by_path["memory.rss_mb.peak"]["ratio"] == 1.0
    shown = command("compare", a, b)
    assert shown.code == 0
    assert "0.500" in shown.out
    assert command("compare", a, a).out == "nothing differs: both files have the same numbers\n"


def test_ok__scorings_are_paired_by_clip_and_person(command: Cli, tmp_path: Path) -> None:
    persons = [f"p{n}" for n in range(7)]
    a = written(tmp_path / "a.json", scores(*((one, True) for one in (*persons, "gone"))))
    b = written(tmp_path / "b.json", scores(*((one, one == "p6") for one in persons)))
    outcome = command("compare", a, b, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    found = json.loads(outcome.out)
    assert (found["pairs"], found["only_in_a"], found["only_in_b"]) == (7, ["gone.mp4"], [])
    figures = {one["name"]: one for one in found["scores"]}
    assert (figures["frame_f1"]["a"], figures["frame_f1"]["b"]) == (1.0, pytest.approx(2 / 8))
    assert figures["frame_f1"]["change"] == figures["microsleep_in_time"]["change"] == "worse"
    assert [one["clip"] for one in found["clips"]] == [f"p{n}.mp4" for n in range(6)]
    assert command("compare", a, b, "--check").code == 1
    assert command("compare", b, b, "--check").out == "nothing differs: 7 clips with the same scores\n"
    assert "worse" in command("compare", a, b).out


def test_ok__the_scores_of_a_clip_survive_their_json() -> None:
    clip = score_by_rules("a", labels(*closed((20, 59))), track((20, 39)), scored_rules(shipped("default")))
    values = report([clip], [], Provenance("v", "m", "c", "default"), 1)["clips"][0]
    assert from_json(json.loads(json.dumps(values))) == clip


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"kind": 1}', '{"clips": 3, "pooled": null}', "[" * 100_000, "\x00"]
)
def test_fail__another_file_is_one_line(command: Cli, tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    outcome = command("compare", tmp_path / "a.json", tmp_path / "a.json")
    assert outcome.code == 1
    (line,) = outcome.lines
    assert "a.json: not a run, a folder of runs, or the JSON of score clips or bench" in line


@pytest.mark.parametrize("clip", [{}, 3, {"look_away": {}}, {**scores(("p", True))["clips"][0], "frames": "many"}])
def test_fail__a_clip_without_scores_is_named(command: Cli, tmp_path: Path, clip: Any) -> None:
    path = written(tmp_path / "a.json", {"clips": [clip], "pooled": None})
    outcome = command("compare", path, path)
    assert outcome.code == 1
    (line,) = outcome.lines
    assert "a.json: clips[0]: " in line


@pytest.mark.parametrize(
    ("options", "text"),
    [(("--labels", "."), "only for runs"), (("--html", "a.html"), "only for runs"), (("--check",), "needs labels")],
)
def test_fail__options_that_do_not_fit(command: Cli, tmp_path: Path, options: tuple[str, ...], text: str) -> None:
    path = written(tmp_path / "a.json", BENCH)
    outcome = command("compare", path, path, *options)
    assert (outcome.code, len(outcome.lines)) == (2, 1)
    assert text in outcome.err


def test_fail__two_kinds(command: Cli, tmp_path: Path) -> None:
    a, b = written(tmp_path / "a.json", BENCH), written(tmp_path / "b.json", scores(("p", True)))
    outcome = command("compare", a, b)
    assert outcome.code == 2
    assert "is a result of bench --json" in outcome.err
    assert "is a result of score clips --json" in outcome.err


PLAIN = st.none() | st.booleans() | st.floats() | st.text(max_size=5)


@given(
    st.recursive(PLAIN, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=5), one, max_size=3))
)
def test_ok__any_json_has_numbers_and_texts_only(value: Any) -> None:
    for path, leaf in leaves({"top": value}):
        assert path
        assert isinstance(leaf, str | float)
