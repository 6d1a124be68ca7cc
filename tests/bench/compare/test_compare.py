"""`driver-monitor compare` on real runs. Every difference is found again by hand in the two files of each run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.bench.score.labels import ClipLabels
from driver_monitor.messages.trace import NAME
from tests.conftest import Cli
from tests.test_cli_score import nap_labels


def events(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]


def lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "signals.jsonl").read_text().splitlines()]


def said(run: Path) -> list[tuple[str, str, str, float]]:
    return [(one["rule"], one["phase"], one["level"], one["t"]) for one in events(run)]


def compared(command: Cli, *arguments: object) -> dict[str, Any]:
    outcome = command("compare", *arguments, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    found: dict[str, Any] = json.loads(outcome.out)
    return found


def different(a: Path, b: Path, *path: str) -> tuple[int, int]:
    """Common frames, and those with another value, by hand."""

    def value(line: dict[str, Any]) -> Any:
        for key in path:
            line = line[key] if line else {}
        return line or "unknown"

    mine = {line["frame"]: value(line) for line in lines(a)}
    theirs = {line["frame"]: value(line) for line in lines(b)}
    common = mine.keys() & theirs.keys()
    return len(common), sum(mine[frame] != theirs[frame] for frame in common)


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    folder = tmp_path / "labels"
    folder.mkdir()
    (folder / "nap.json").write_text(json.dumps(nap_labels()))
    return folder


def test_ok__a_run_and_itself_do_not_differ(command: Cli, results: Path) -> None:
    outcome = command("compare", results / "default", results / "default")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "nothing differs: 1 clip, the same settings, alerts, eyes, attention, gaze and face\n"
    found = compared(command, results / "default/nap", results / "default/nap/events.jsonl")
    assert (found["same"], found["clips"], found["only_in_a"], found["only_in_b"]) == (True, [], [], [])
    assert not any(one["differs"] for one in found["settings"])


def test_ok__every_second_frame_is_compared_by_common_frames(command: Cli, results: Path) -> None:
    a, b = results / "default/nap", results / "every/nap"
    found = compared(command, a, b)
    assert [(one["key"], one["a"], one["b"]) for one in found["settings"] if one["differs"]] == [("every", "1", "2")]
    assert {(rule, phase, level) for rule, phase, level, _ in said(a)} == {one[:3] for one in said(b)}
    moved = [abs(one[3] - other[3]) for one, other in zip(said(a), said(b), strict=True)]
    assert max(moved) <= 0.1, "two frames at 20 a second"
    assert [(one["only_in_a"], one["only_in_b"], one["moved"]) for one in found["alerts"]] == [(0, 0, 0), (0, 0, 0)]
    for name, path in {"eyes.state": ("eyes", "state"), "attention": ("attention",)}.items():
        common, other = different(a, b, *path)
        assert (common, found["frames"][name]["common"]) == (60, 60)
        assert found["frames"][name]["different"] == other
    (clip,) = found["clips"]
    assert clip["signals"]["eyes.state"]["left_out"] == 60


def test_ok__another_profile_changes_alerts_and_attention_only(command: Cli, results: Path) -> None:
    a, b = results / "default/nap", results / "quiet/nap"
    # By hand: quiet warns of a microsleep half a second later, and escalates it where the default says sleep.
    assert said(a) == [("microsleep", "raised", "warning", 3.5), ("sleep", "raised", "critical", 5.5)]
    assert said(b) == [("microsleep", "raised", "warning", 4.0), ("microsleep", "escalated", "critical", 5.5)]
    found = compared(command, a, b, "--moved", "0.4")
    assert [one["key"] for one in found["settings"] if one["differs"]] == ["config", "profile"]
    (clip,) = found["clips"]
    assert [(one["kind"], one["moved_s"]) for one in clip["alerts"]] == [("other level", 0.5), ("only in A", None)]
    level, gone = clip["alerts"]
    assert (level["a"]["levels"], level["b"]["levels"]) == (["warning"], ["warning", "critical"])
    assert (gone["a"]["rule"], gone["a"]["t"], gone["b"]) == ("sleep", 5.5, None)
    assert "microsleep is due after 1 s (eyes.closed_s) in A, 1.5 s (eyes.closed_s) in B" in level["reason"]
    assert "B has no rule sleep" in gone["reason"]
    common, other = different(a, b, "attention")
    assert found["frames"]["attention"] == {"common": common, "different": other, "seconds": round(other * 0.05, 3)}
    assert other > 0
    assert all(found["frames"][name]["different"] == 0 for name in ("eyes.state", "gaze.zone", "face.present"))


def test_ok__another_eye_net_is_named_and_so_is_what_it_misses(command: Cli, results: Path, labels: Path) -> None:
    a, b = results / "default/nap", results / "other/nap"
    assert said(b) == [], "by hand: the other net raises nothing"
    found = compared(command, a, b, "--labels", labels)
    differ = {one["key"]: (one["a"], one["b"]) for one in found["settings"] if one["differs"]}
    model = json.loads((b / "run.json").read_text())["model"]
    assert differ["model"][1] == model != differ["model"][0]
    (clip,) = found["clips"]
    assert [(one["kind"], one["a"]["rule"], one["meaning"]) for one in clip["alerts"]] == [
        ("only in A", "microsleep", "missed"),
        ("only in A", "sleep", "missed"),
    ]
    assert "eyes differ in" in clip["alerts"][0]["reason"]
    assert "(closed in A, open in B)" in clip["alerts"][0]["reason"]
    common, other = different(a, b, "eyes", "state")
    eyes = clip["signals"]["eyes.state"]
    assert (eyes["frames"], eyes["different"]) == (common, other)
    closed = [line["t"] for line in lines(a) if line["eyes"]["state"] == "closed" and line["t"] > 2.0]
    assert (eyes["longest"]["start"], eyes["longest"]["end"]) == (closed[0], closed[-1])
    scores = {one["name"]: one for one in found["scores"]}
    assert scores["long_closures_found"]["a"] == 1.0
    assert scores["long_closures_found"]["b"] == 0.0
    assert {one["change"] for one in found["scores"]} <= {"same", "too few persons", "not in both"}


def test_ok__runs_of_a_trace_are_labelled_by_the_name_of_their_folder(
    command: Cli, short_clip: Path, labels: Path
) -> None:
    assert command("replay", short_clip, "--trace", "--out", "clips").code == 0
    for profile in ("default", "quiet"):
        assert command("replay", f"clips/nap/{NAME}", "--profile", profile, "--out", profile).code == 0
    (labels / "nap.json").write_text(json.dumps(nap_labels(clip="nap.mp4")))
    assert compared(command, "default", "quiet", "--labels", labels)["labelled"] == 1


def test_ok__the_rules_of_each_run_are_scored_at_its_own_limits(command: Cli, results: Path, labels: Path) -> None:
    found = compared(command, results / "default", results / "quiet", "--labels", labels)
    (clip,) = found["clips"]
    assert clip["scores"]["a"]["false"] == clip["scores"]["b"]["false"] == 0
    # By hand: microsleep and sleep are due once each in the default profile; quiet has its microsleep only.
    closed = [one for one in ClipLabels.model_validate(nap_labels()).events if one.end - one.start >= 60]
    assert len(closed) == 1
    assert (clip["scores"]["a"]["due"], clip["scores"]["b"]["due"]) == (3, 1)
    # Alerts in time are pooled over the rules that both have.
    in_time = next(one for one in found["scores"] if one["name"] == "alerts_in_time")
    assert in_time["counts"][0][1] < 3
    assert in_time["counts"][0][1] >= in_time["counts"][1][1] == 1
    shown = command("compare", results / "default", results / "quiet", "--labels", labels).out
    assert "Only A scores drowsiness, eyes_closed_or_lowered, sleep" in shown


@pytest.mark.parametrize("events", [None, []])
def test_ok__an_alert_that_another_rule_of_b_tells_is_neither_missed_nor_gone(
    command: Cli, results: Path, labels: Path, events: list[Any] | None
) -> None:
    (labels / "nap.json").write_text(json.dumps(nap_labels() if events is None else nap_labels(events=events)))
    arguments = ("compare", results / "default", results / "quiet", "--labels", labels)
    outcome = command(*arguments, "--check")
    assert outcome.code == 0
    assert "told by" in outcome.out
    assert "missed" not in outcome.out
    gone = json.loads(command(*arguments, "--json").out)["clips"][0]["alerts"][-1]
    assert (gone["a"]["rule"], gone["meaning"], gone["told_by"]) == ("sleep", None, "microsleep (critical)")


def test_ok__control_characters_of_a_run_do_not_reach_the_terminal(command: Cli, results: Path, tmp_path: Path) -> None:
    shutil.copytree(results / "quiet/nap", tmp_path / "b")
    info = json.loads((tmp_path / "b/run.json").read_text())
    (tmp_path / "b/run.json").write_text(json.dumps({**info, "profile": "\x1b]0;owned\x07\x9b2J"}))
    outcome = command("compare", results / "default/nap", tmp_path / "b")
    assert outcome.code == 0
    assert "\\x1b]0;owned" in outcome.out
    assert all(char.isprintable() or char == "\n" for char in outcome.out)


@pytest.mark.parametrize(("b", "code"), [("other", 1), ("default", 0), ("every", 0)])
def test_ok__check_fails_when_b_misses_an_alert(command: Cli, results: Path, labels: Path, b: str, code: int) -> None:
    assert command("compare", results / "default", results / b, "--labels", labels, "--check").code == code


def test_ok__a_false_alert_that_only_b_raises_is_new(command: Cli, results: Path, labels: Path) -> None:
    (labels / "nap.json").write_text(json.dumps(nap_labels(events=[])))
    arguments = ("compare", results / "other", results / "default", "--labels", labels)
    assert command(*arguments, "--check").code == 1
    (clip,) = json.loads(command(*arguments, "--json").out)["clips"]
    assert {one["meaning"] for one in clip["alerts"]} == {"new false alert"}


def test_ok__clips_are_paired_by_content_then_by_name_and_the_rest_is_listed(
    command: Cli, results: Path, tmp_path: Path
) -> None:
    for side, names in {"a": ("first", "same", "gone"), "b": ("renamed", "same", "new")}.items():
        for name in names:
            folder = tmp_path / side / name
            shutil.copytree(results / "default/nap", folder)
            run = json.loads((folder / "run.json").read_text())
            sha = {"first": "1", "renamed": "1", "gone": "2", "new": "3"}.get(name, side)
            (folder / "run.json").write_text(json.dumps({**run, "sha256": sha}))
    found = compared(command, tmp_path / "a", tmp_path / "b")
    assert (found["pairs"], found["only_in_a"], found["only_in_b"]) == (2, ["gone"], ["new"])
    (clip,) = found["clips"]
    assert clip["name"] == "same"
    assert "not the same recording" in clip["notes"][0]


def test_ok__tables_show_what_differs_and_what_to_do_next(command: Cli, results: Path, labels: Path) -> None:
    outcome = command("compare", results / "default", results / "other", "--labels", labels)
    assert (outcome.code, outcome.err) == (0, "")
    for text in (
        "model ",
        "only in A: missed",
        "closed in A, open in B",
        "report ",
        "explain ",
    ):
        assert text in outcome.out
    assert "better" not in outcome.out, "one person shows nothing"


def test_fail__a_damaged_run_is_named_and_the_others_are_compared(command: Cli, results: Path, tmp_path: Path) -> None:
    for name in ("good", "bad", "cut"):
        shutil.copytree(results / "quiet/nap", tmp_path / "b" / name)
        shutil.copytree(results / "default/nap", tmp_path / "a" / name)
        for side in "ab":
            path = tmp_path / side / name / "run.json"
            path.write_text(json.dumps({**json.loads(path.read_text()), "sha256": name}))
    (tmp_path / "b/bad/events.jsonl").write_text('{"rule": 3}\n')
    with (tmp_path / "b/cut/signals.jsonl").open("a") as file:
        file.write('{"frame":')
    outcome = command("compare", tmp_path / "a", tmp_path / "b", "--json")
    assert outcome.code == 1
    assert [line.partition(": ")[0] for line in outcome.lines] == [
        f"{tmp_path}/b/bad/events.jsonl:1",
        f"{tmp_path}/b/cut/signals.jsonl:121",
    ]
    assert [one["name"] for one in json.loads(outcome.out)["clips"]] == ["good"]


def test_fail__runs_that_cannot_be_scored_are_compared_without_scores(
    command: Cli, results: Path, labels: Path, tmp_path: Path
) -> None:
    for side, of in {"a": "default", "b": "other"}.items():
        shutil.copytree(results / of / "nap", tmp_path / side)
        info = json.loads((tmp_path / side / "run.json").read_text())
        (tmp_path / side / "run.json").write_text(json.dumps({k: v for k, v in info.items() if k != "scored_rules"}))
    outcome = command("compare", tmp_path / "a", tmp_path / "b", "--labels", labels, "--json")
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    found = json.loads(outcome.out)
    assert (found["same"], found["pairs"], found["labelled"], found["scores"]) == (False, 1, 0, [])
    assert [one["kind"] for one in found["clips"][0]["alerts"]] == ["only in A", "only in A"]
    equal = command("compare", tmp_path / "a", tmp_path / "a", "--labels", labels, "--json")
    assert (equal.code, json.loads(equal.out)["same"]) == (1, None)


def test_fail__nothing_compared_is_not_the_same(command: Cli, results: Path, tmp_path: Path) -> None:
    shutil.copytree(results / "default/nap", tmp_path / "b")
    (tmp_path / "b/events.jsonl").write_text('{"rule": 3}\n')
    outcome = command("compare", results / "default/nap", tmp_path / "b")
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert outcome.out.startswith("nothing could be compared")
    found = command("compare", results / "default/nap", tmp_path / "b", "--json")
    assert json.loads(found.out)["same"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("{runs}/default", "nowhere"), 1, "nowhere: "),
        (("{runs}/default", "{runs}/models"), 1, "holds no run"),
        (("{runs}/default", "{runs}/other.yaml"), 1, "other.yaml: not a run"),
        (("{runs}/default", "{runs}/default", "--moved", "-1"), 2, "expected a number from 0 to 3600"),
        (("{runs}/default", "{runs}/default", "--check"), 2, "--check: needs labels"),
        (("{runs}/default", "{runs}/default", "--labels", "{runs}/models"), 1, "no labels"),
        (("{runs}/default", "{runs}/other", "--html", "{runs}"), 1, "cannot write"),
    ],
)
def test_fail__wrong_use_is_one_line(
    command: Cli, results: Path, arguments: tuple[str, ...], code: int, text: str
) -> None:
    outcome = command("compare", *(one.format(runs=results) for one in arguments))
    assert outcome.code == code
    assert len(outcome.lines) == 1
    assert text in outcome.err
