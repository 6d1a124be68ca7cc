"""Somebody makes reports on the command line, with labels, with pictures, of many runs; or of what is no run."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from driver_monitor import demo
from driver_monitor.bench.report.run_page import PICTURE_WARNING
from driver_monitor.bench.runs.scored_rules import KEY
from tests.bench.report.night import element, from_json, unpacked, write_night
from tests.conftest import Cli
from tests.test_cli_score import nap_labels

pytest.importorskip("plotly", reason="plotly is not installed (extra report)")


def truth(clip: str | None = None, frames: int = 460) -> str:
    events = [
        {"type": "eyes_closed", "start": 60, "end": 99},
        {"type": "look_away_marginal", "start": 450, "end": 455, "direction": "image_left_down", "confidence": "low"},
    ]
    return json.dumps({"clip": clip, "person": "p", "fps": 10, "frames": frames, "events": events})


def score(page: str) -> dict[str, list[int]]:
    """Rule -> due, in time, raised, false, not judged."""
    table = page[page.index('id="score"') : page.index("</table>", page.index('id="score"'))]
    rows = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in table.split("<tr>")]
    return {row[0]: [int(value) for value in row[1:]] for row in rows if row}


def test_ok__a_replay_makes_its_report_and_shows_a_person_only_if_asked(
    command: Cli, short_clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "nap.json").write_text(json.dumps(nap_labels()))
    outcome = command("replay", short_clip, "--report", "--out", "plain", "--labels", "nap.json")
    assert (outcome.code, outcome.lines) == (0, [])
    assert "report: plain/nap/report.html" in outcome.out
    page = (tmp_path / "plain/nap/report.html").read_text()
    assert "image/jpeg;base64" not in page
    assert PICTURE_WARNING not in page
    assert score(page)["microsleep"] == [1, 1, 1, 0, 0]
    for name in ("eyes.openness", "gaze.yaw", "perclos.high"):
        assert unpacked(page)[name] == from_json(tmp_path / "plain/nap", name)
    outcome = command("replay", short_clip, "--report", "--pictures", "--out", "shown")
    assert "these pages show a person" in outcome.out
    page = (tmp_path / "shown/nap/report.html").read_text()
    assert PICTURE_WARNING in page
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    assert len(pictures) == 2 * 5
    assert len(pictures[0]) < 20_000
    image = cv2.imdecode(np.frombuffer(base64.b64decode(pictures[0]), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape[1] == 240
    assert json.loads((tmp_path / "shown/nap/run.json").read_text())["pictures"] is True


def test_ok__the_same_run_gives_the_same_page_from_replay_and_from_report(
    command: Cli, short_clip: Path, tmp_path: Path
) -> None:
    assert command("replay", short_clip, "--report").code == 0
    path = tmp_path / "replay/nap/report.html"
    from_replay = path.read_bytes()
    path.unlink()
    assert command("report", "replay/nap").out == "report: replay/nap/report.html\n"
    assert path.read_bytes() == from_replay
    assert [one.name for one in sorted((tmp_path / "replay").iterdir())] == ["nap"]


def test_ok__many_runs_get_an_index_with_the_labelled_ones_judged(command: Cli, tmp_path: Path) -> None:
    write_night(tmp_path / "runs/a/night")
    write_night(tmp_path / "runs/b/day", clip="day.mp4", sha256="cd")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/night.json").write_text(truth())
    outcome = command("report", "runs", "--labels", "labels")
    assert (outcome.code, outcome.lines) == (0, ["labels: 1 of 2 runs have none"])
    assert outcome.out.splitlines()[-1].endswith("runs/index.html")
    index = (tmp_path / "runs/index.html").read_text()
    assert 'href="a/night/report.html"' in index
    row = index[index.index("a/night</a>") : index.index("</tr>", index.index("a/night</a>"))]
    # Nobody labelled the look away; and an alert for drowsiness always counts as false.
    cells = re.findall(r"<td>(.*?)</td>", row.replace("<wbr>", ""))
    assert cells[:5] == ["460", "45.9", "0", "2 long_distraction, drowsiness", "0"]
    page = (tmp_path / "runs/a/night/report.html").read_text()
    told = re.findall(r'data-alert="\d+"[^>]*>([^<]*)</button>.*?"By the labels">(.*?)</td>', page)
    assert sorted(rule for rule, said in told if "false" in said) == ["drowsiness", "long_distraction"]
    unscored = sum(said == "not scored" for _, said in told)
    assert f", 0 not judged, {unscored} not scored" in index
    assert sum(said == "right" for _, said in told) == len(told) - 2 - unscored
    assert [one["note"] for one in json.loads(element(page, "facts"))["labels"]] == [
        "",
        "left down in the image, confidence low",
    ]
    assert "By the labels" not in (tmp_path / "runs/b/day/report.html").read_text()
    assert command("report", "runs").code == 0, "an index is replaced by the next one"


def test_ok__the_bundled_clip_brings_its_own_labels(command: Cli, tmp_path: Path) -> None:
    sha256 = "59d570938b3a0fe24d82093f26d70e6521a25ce42ab19e963305f5cb43f1d7ae"
    folder = write_night(tmp_path / "demo", clip=demo.CLIP.name, sha256=sha256)
    (folder / "signals.jsonl").write_text("".join(f'{{"frame": {k}, "t": {k / 20}}}\n' for k in range(880)))
    assert command("report", "demo").code == 0
    facts = json.loads(element((folder / "report.html").read_text(), "facts"))
    assert {"eyes_closed", "yawn", "look_away"} <= {one["type"] for one in facts["labels"]}


def test_fail__labels_that_do_not_fit_cost_a_line_and_not_the_report(command: Cli, tmp_path: Path) -> None:
    folder = write_night(tmp_path / "night")
    (tmp_path / "short.json").write_text(truth(frames=458))
    outcome = command("report", "night", "--labels", "short.json")
    assert outcome.code == 1
    reason = "frames: 458 are labelled, but night.mp4 has 460; use the clip that was labelled, uncut"
    assert outcome.lines == [f"night: Without labels: short.json: {reason}"]
    page = (folder / "report.html").read_text()
    assert "Without labels: short.json: frames" in page
    assert json.loads(element(page, "facts"))["labels"] is None


def test_fail__two_clips_of_one_name_do_not_share_labels(command: Cli, tmp_path: Path) -> None:
    write_night(tmp_path / "runs/a/night", sha256="ab")
    write_night(tmp_path / "runs/b/night", sha256="cd")
    (tmp_path / "night.json").write_text(truth())
    outcome = command("report", "runs", "--labels", "night.json")
    assert outcome.code == 1
    assert outcome.lines == [
        "night.json: different clips have this name; give one of them a new name, in its labels too"
    ]


def test_ok__the_rules_of_a_profile_that_is_not_known_here_are_scored_as_the_run_had_them(
    command: Cli, tmp_path: Path
) -> None:
    folder = write_night(tmp_path / "night")
    info = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**info, "profile": "mine"}))
    (tmp_path / "night.json").write_text(truth())
    outcome = command("report", "night", "--labels", "night.json")
    assert (outcome.code, outcome.err) == (0, "")


def test_fail__a_run_of_an_older_version_is_shown_with_its_labels_and_without_scores(
    command: Cli, tmp_path: Path
) -> None:
    folder = write_night(tmp_path / "night")
    info = json.loads((folder / "run.json").read_text())
    del info[KEY]
    (folder / "run.json").write_text(json.dumps(info))
    (tmp_path / "night.json").write_text(truth())
    outcome = command("report", "night", "--labels", "night.json")
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert "night: Not scored: night/run.json: no " in outcome.err
    assert json.loads(element((folder / "report.html").read_text(), "facts"))["labels"]


def test_fail__a_page_of_somebody_else_is_not_replaced(command: Cli, tmp_path: Path) -> None:
    write_night(tmp_path / "runs/a")
    write_night(tmp_path / "runs/b")
    (tmp_path / "runs/index.html").write_text("<title>my holidays</title>")
    outcome = command("report", "runs")
    assert outcome.code == 1
    assert "is not an index of runs" in outcome.err
    assert (tmp_path / "runs/index.html").read_text() == "<title>my holidays</title>"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["replay", "demo", "--pictures"], "--pictures is for the report; give --report too"),
        (["replay", "demo", "--labels", "."], "--labels is for the report; give --report too"),
        (["report", "night", "--labels", "nowhere"], "nowhere: no such file or folder"),
    ],
)
def test_fail__options_that_cannot_work(command: Cli, tmp_path: Path, arguments: list[str], words: str) -> None:
    outcome = command(*arguments)
    assert (outcome.code, len(outcome.lines)) == (2, 1)
    assert words in outcome.err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("signals.jsonl", b"{}\nnot json\n", "signals.jsonl:2: not a JSON object"),
        ("signals.jsonl", b"\xff\xfe", "signals.jsonl:1: not a JSON object"),
        ("events.jsonl", b'{"rule": 1}\n', "events.jsonl:1: not an alert"),
        ("run.json", b"{", "not the run.json of a replay"),
    ],
)
def test_fail__a_damaged_run_is_one_line_and_the_others_get_their_reports(
    command: Cli, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    write_night(tmp_path / "runs/good")
    (write_night(tmp_path / "runs/bad") / name).write_bytes(content)
    outcome = command("report", "runs")
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert words in outcome.err
    assert (tmp_path / "runs/good/report.html").is_file()
    assert not (tmp_path / "runs/bad/report.html").exists()


def test_fail__without_plotly_the_command_says_what_to_install(
    command: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_night(tmp_path / "night")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    outcome = command("report", "night")
    assert (outcome.code, outcome.lines) == (
        2,
        ["the extra `report` is not installed; pip install 'driver-monitor[report]'"],
    )
