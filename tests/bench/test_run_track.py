"""A run on the disk is scored without its clip, as `score clips` scores the clip."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.app.build import Request, load_plan
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.replay import replay
from driver_monitor.bench.runs.frame_columns import read_columns
from driver_monitor.bench.runs.read_run import Run, read_run
from driver_monitor.bench.runs.scored_rules import KEY, ScoredRule, recorded, rules_of, scored_rules
from driver_monitor.bench.score.clip import ScoreJob, score_clip, to_json
from driver_monitor.bench.score.labels import ClipLabels
from driver_monitor.bench.score.run_track import score_run, track_of_run
from driver_monitor.errors import LabelError, RunError
from tests.test_cli_score import nap_labels
from tests.timeline import shipped

LINE: dict[str, Any] = {
    "frame": 0,
    "t": 0.0,
    "face": {"present": True},
    "eyes": {"state": "open"},
    "attention": "attentive",
}
"""The least that a line must hold."""


def nap() -> ClipLabels:
    return ClipLabels.model_validate(nap_labels())


def written(folder: Path, *lines: Any, **info: Any) -> Run:
    """A run of these lines, without alerts."""
    folder.mkdir(exist_ok=True)
    run = {"state": "complete", "clip": "trip.mp4", "every": 1, **recorded(shipped("default")), **info}
    (folder / "run.json").write_text(json.dumps(run))
    (folder / "signals.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "events.jsonl").write_text("")
    return read_run(folder)


@pytest.mark.parametrize(("every", "profile"), [(1, "default"), (2, "quiet")])
def test_ok__a_run_gets_the_scores_of_its_clip(short_clip: Path, tmp_path: Path, every: int, profile: str) -> None:
    plan = load_plan(Request(profile=profile))
    replay(ReplayJob(short_clip, tmp_path / "nap", every), plan)
    run = read_run(tmp_path / "nap")
    from_run = score_run(run, Path("nap.json"), nap(), track_of_run(run))
    from_clip = score_clip(ScoreJob(short_clip, Path("nap.json"), nap(), every), plan)
    assert to_json(from_run) == to_json(from_clip)
    assert from_run.alerts["microsleep"].raised == 1


@pytest.mark.parametrize("profile", ["default", "quiet", "euro_ncap", "fleet", "eu_addw"])
def test_ok__run_json_gives_the_rules_back(tmp_path: Path, profile: str) -> None:
    run = written(tmp_path, LINE, **recorded(shipped(profile)))
    assert rules_of(run) == scored_rules(shipped(profile))


def test_ok__the_rules_of_the_quiet_profile_are_due_at_its_own_limits() -> None:
    due = {rule.id: [(one.signal, one.due_s) for one in rule.causes] for rule in scored_rules(shipped("quiet"))}
    assert due == {
        "microsleep": [("eyes.closed_s", 1.5)],
        "long_distraction": [("gaze.away_s", 4.0)],
        "unresponsive": [("eyes.closed_s", 6.0), ("gaze.away_s", 6.0)],
    }


def test_ok__what_is_not_known_stays_unknown(tmp_path: Path) -> None:
    gaze = {"yaw": 3.0, "pitch": None, "zone": "left"}
    columns = read_columns(written(tmp_path, LINE, {**LINE, "frame": 5, "gaze": gaze, "mouth": {"yawning": None}}))
    assert columns.frame.tolist() == [0, 5]
    assert columns.zone.tolist() == ["unknown", "left"]
    assert np.isnan(columns.gaze).all()
    assert np.isnan(columns.head).all()
    assert not columns.yawning.any()


def test_ok__a_run_without_frames_is_empty(tmp_path: Path) -> None:
    track = track_of_run(written(tmp_path))
    assert len(track) == 0
    assert track.gaze.shape == (0, 2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"t": None}, "t: expected a number"),
        ({"eyes": {"state": "shut"}}, "eyes.state: "),
        ({"face": None}, "face: "),
        ({"frame": 0}, "frame 0 after frame 0"),
        ({"frame": -1}, "frame: "),
        ({"head": {"yaw": "3"}}, "head.yaw: "),
    ],
)
def test_fail__a_wrong_value_is_named_with_its_line(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(RunError, match=rf"signals.jsonl:2: {reason}.*; replay the clip again"):
        read_columns(written(tmp_path, LINE, {**LINE, "frame": 1, **change}))


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda data: data.decode("latin-1")))
def test_fail__rubbish_is_one_clear_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    run = written(tmp_path_factory.mktemp("run"))
    (run.folder / "signals.jsonl").write_text(text + "\n", encoding="utf-8", errors="replace")
    with pytest.raises(RunError, match=r"signals.jsonl:\d+: "):
        read_columns(run)


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        ({KEY: 3}, f"{KEY}: "),
        ({KEY: [{"id": "x"}]}, "causes: "),
        ({KEY: [{**ScoredRule(id="x", causes=(), past_yawn=False, held_back_by=(), distracted=True).model_dump(),
                 "causes": [{"signal": "speed", "due_s": 1.0}]}]}, "signal: "),
        ({"every": 0}, "every: expected a whole number from 1, found 0"),
        ({"every": None}, "every: expected a whole number from 1, found None"),
    ],
)  # fmt: skip
def test_fail__a_wrong_run_json_is_named(tmp_path: Path, info: dict[str, Any], reason: str) -> None:
    labels = ClipLabels.model_validate(nap_labels(frames=1, events=[]))
    run = written(tmp_path, LINE, **info)
    with pytest.raises(RunError, match=f"run.json: .*{reason}"):
        score_run(run, Path("nap.json"), labels, track_of_run(run))


def test_fail__a_run_of_an_older_version_has_no_rules(tmp_path: Path) -> None:
    run = written(tmp_path, LINE)
    old = {key: value for key, value in run.info.items() if key != KEY}
    with pytest.raises(RunError, match="an older version wrote this run; replay the clip again"):
        rules_of(Run(run.folder, old, "old"))


def test_fail__labels_of_another_clip(tmp_path: Path) -> None:
    run = written(tmp_path, LINE)
    with pytest.raises(LabelError, match=r"nap.json: frames: 120 are labelled"):
        score_run(run, Path("nap.json"), nap(), track_of_run(run))
