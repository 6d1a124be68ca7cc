"""A clip that is being labelled: saved at once, undone, scored as by `score clips`, safe from an old tab."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from driver_monitor.app.build import Request, load_models, load_plan
from driver_monitor.bench.label.desk import DeskSetting, LabelDesk
from driver_monitor.bench.label.label_file import LabelFile
from driver_monitor.bench.label.session import LabelSession
from driver_monitor.bench.label.signals import ClipSignals, of_replay, of_run
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.replay import replay
from driver_monitor.bench.runs.read_run import read_run
from driver_monitor.bench.score.clip import ScoreJob, score_clip, to_json
from driver_monitor.bench.score.labels import load_labels
from driver_monitor.capture.recordings.indexed_clip import IndexedClip
from driver_monitor.errors import DriverMonitorError, LabelError, RunError, UsageError
from tests.bench.label.stage import add, review
from tests.conftest import SHORT, Cli
from tests.test_cli_score import nap_labels

COUNT = SHORT[1] - SHORT[0]
PLAN = load_plan(Request(None))


@pytest.fixture(scope="module")
def seen(short_clip: Path) -> ClipSignals:
    return of_replay(short_clip, PLAN, load_models(PLAN.config))


@pytest.fixture(scope="module")
def source(short_clip: Path) -> Iterator[IndexedClip]:
    clip = IndexedClip(short_clip)
    yield clip
    clip.close()


@pytest.fixture(scope="module")
def finished(short_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "nap"
    replay(ReplayJob(short_clip, folder), PLAN)
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "labels" / "nap.json"


@pytest.fixture
def session(source: IndexedClip, seen: ClipSignals, file: Path) -> LabelSession:
    return LabelSession("nap.mp4", source, seen, LabelFile(file), PLAN.profile, "p1")


def do(session: LabelSession, *edits: dict[str, Any]) -> None:
    for edit in edits:
        assert session.apply({**edit, "revision": session.state()["revision"]}) is None


def refused(session: LabelSession, edit: dict[str, Any]) -> str:
    return str(session.apply({**edit, "revision": session.state()["revision"]}))


def test_ok__each_edit_is_in_the_file_at_once_and_can_be_undone(session: LabelSession, file: Path) -> None:
    seen = []
    for edit in (add("eyes_closed", 3, 9), review(0, 50), {"op": "change", "number": 0, "end": 12}):
        do(session, edit)
        seen.append(json.loads(file.read_text()))
    do(session, {"op": "undo"}, {"op": "undo"})
    assert json.loads(file.read_text()) == seen[0]
    do(session, {"op": "redo"})
    assert json.loads(file.read_text()) == seen[1]
    do(session, {"op": "remove", "number": 0})
    assert session.state()["redo"] == 0
    assert refused(session, {"op": "redo"}) == "there is nothing to redo"


def test_ok__a_program_that_was_killed_goes_on_where_it_was(
    session: LabelSession, source: IndexedClip, seen: ClipSignals, file: Path
) -> None:
    do(session, add("eyes_closed", 3, 9), {**add("yawn", 20, 30), "op": "reject"}, review(0, 50))
    again = LabelSession("nap.mp4", source, seen, LabelFile(file), PLAN.profile).state()
    before = session.state()
    for key in ("values", "events", "reviewed", "suggestions", "score"):
        assert again[key] == before[key]


def test_fail__an_edit_of_a_tab_that_has_seen_an_older_state_is_refused(session: LabelSession, file: Path) -> None:
    old = session.state()["revision"]
    do(session, add("eyes_closed", 3, 9))
    before = file.read_bytes()
    for edit in ({**add("yawn", 1, 2), "revision": old}, {"op": "undo", "revision": old}, {"op": "undo"}, {}):
        assert "changed in another tab" in str(session.apply(edit))
    assert file.read_bytes() == before


def test_fail__nothing_is_labelled_before_the_driver_is_named(
    source: IndexedClip, seen: ClipSignals, file: Path
) -> None:
    session = LabelSession("nap.mp4", source, seen, LabelFile(file), PLAN.profile)
    assert session.state()["score"] is None
    assert refused(session, add("yawn", 1, 2)) == "First say who the driver is."
    assert not file.exists()
    do(session, {"op": "set", "person": "p7", "look_away_reference": "the usual direction"})
    assert json.loads(file.read_text())["look_away_reference"] == "the usual direction"


def test_fail__labels_that_cannot_be_saved_are_kept_told_and_saved_later(
    session: LabelSession, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(session, add("eyes_closed", 3, 9))
    file.parent.rename(file.parent.with_name("away"))
    file.parent.write_text("a file in the place of the folder")
    do(session, add("eyes_closed", 20, 29))
    assert "nap.json" in str(session.state()["fault"])
    assert len(session.state()["events"]) == 2
    file.parent.unlink()
    file.parent.with_name("away").rename(file.parent)
    session.retry()
    assert session.state()["fault"] is None
    assert len(load_labels(file).mask("eyes_closed").nonzero()[0]) == 17


def test_fail__a_file_that_another_program_has_changed_is_read_again_on_demand(
    session: LabelSession, file: Path
) -> None:
    do(session, add("eyes_closed", 3, 9))
    file.write_text(json.dumps(nap_labels(person="other")))
    do(session, add("eyes_closed", 20, 29))
    assert "another program has changed" in str(session.state()["fault"])
    assert json.loads(file.read_text())["person"] == "other"
    do(session, {"op": "reload"})
    assert (session.state()["fault"], session.state()["values"]["person"]) == (None, "other")
    do(session, {"op": "undo"})
    assert len(session.state()["events"]) == 2, "nothing of one's own is lost"


def test_fail__labels_of_another_clip_are_refused(source: IndexedClip, seen: ClipSignals, file: Path) -> None:
    file.parent.mkdir()
    file.write_text(json.dumps(nap_labels(frames=500)))
    with pytest.raises(LabelError, match=r"500 are labelled, but nap\.mp4 has 120"):
        LabelSession("nap.mp4", source, seen, LabelFile(file), PLAN.profile)


def test_ok__the_scores_are_those_of_score_clips(session: LabelSession, file: Path, short_clip: Path) -> None:
    do(session, add("eyes_closed", 21, 24), add("eyes_closed", 50, COUNT - 1), review(0, 84))
    score = session.state()["score"]
    expected = to_json(score_clip(ScoreJob(short_clip, file, load_labels(file)), PLAN))
    assert {key: score[key] for key in expected if key != "clip"} == {
        key: value for key, value in expected.items() if key != "clip"
    }
    assert score["seconds"] == 4.25
    assert score["event_recall"] == 1.0
    assert score["alerts"]["microsleep"]["in_time"] == score["alerts"]["microsleep"]["due"] == 1
    do(session, review(70, 84, reviewed=False))
    assert session.state()["score"]["alerts"]["sleep"]["not_judged"] == 1, "most of the time before is not reviewed"


def test_ok__what_is_not_reviewed_is_scored_by_nothing(session: LabelSession) -> None:
    score = session.state()["score"]
    assert (score["seconds"], score["eyes"]["scored"], score["face"]["visible"]) == (0.0, 0, 0)
    assert all(alert["false"] == 0 for alert in score["alerts"].values())
    do(session, review(0, COUNT - 1))
    after = session.state()["score"]
    assert after["eyes"]["false"] > 0
    assert after["alerts"]["sleep"]["false"] == 1


def test_ok__suggestions_go_when_they_are_answered(session: LabelSession) -> None:
    first, second = session.state()["suggestions"][:2]
    assert first["type"] == second["type"] == "eyes_closed"
    do(session, {**first, "op": "accept"}, {**second, "op": "reject"})
    assert first not in session.state()["suggestions"]
    assert second not in session.state()["suggestions"]
    do(session, {"op": "undo"}, {"op": "undo"})
    assert session.state()["suggestions"][:2] == [first, second]


def test_ok__a_run_tells_the_same_as_a_replay(finished: Path, seen: ClipSignals) -> None:
    run = of_run(read_run(finished))
    assert run.columns == seen.columns
    for name in ("frame", "face", "closed", "unknown", "yawning"):
        assert (getattr(run.track, name) == getattr(seen.track, name)).all()
    for name, error in (("t", 0.0005), ("gaze", 0.05), ("head", 0.05)):
        assert np.allclose(getattr(run.track, name), getattr(seen.track, name), atol=error * 1.001, equal_nan=True)
    assert [rule for rule, _ in run.track.raised] == [rule for rule, _ in seen.track.raised]


def test_ok__a_picture_is_that_of_its_frame(session: LabelSession, source: IndexedClip) -> None:
    image = cv2.imdecode(np.frombuffer(session.jpeg(30), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    errors = [float(cv2.absdiff(image, source.read(number).grey).mean()) for number in (30, 60)]  # type: ignore[union-attr]
    assert errors[0] < 3 < errors[1]
    assert session.facts()["size"] == [640, 480]
    with pytest.raises(IndexError):
        session.jpeg(COUNT)


def desk(tmp_path: Path, *clips: Path, **more: Any) -> LabelDesk:
    setting = DeskSetting(clips, tmp_path / "labels", PLAN, runs=tmp_path / "replay", **more)
    return LabelDesk(setting, lambda *_: None)


def test_ok__a_run_of_this_clip_and_version_is_used(
    short_clip: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished, tmp_path / "replay" / "nap")
    monkeypatch.setattr("driver_monitor.bench.label.desk.of_replay", lambda *_: pytest.fail("replayed again"))
    table = desk(tmp_path, short_clip)
    assert table.session(0) is table.session(0)
    table.close()
    run = tmp_path / "replay" / "nap"
    given = desk(tmp_path, short_clip, run=run)
    given.session(0)
    given.close()
    other = tmp_path / "other.mp4"
    shutil.copy(short_clip, other)
    with other.open("ab") as tail:
        tail.write(b"\0" * 64)
    for clip, change in ((other, {}), (short_clip, {"every": 2}), (short_clip, {"profile": "quiet"})):
        info = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps({**info, **change}))
        with pytest.raises(RunError):
            desk(tmp_path, clip, run=run).session(0)
        (run / "run.json").write_text(json.dumps(info))


def test_fail__two_clips_with_one_label_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two of the clips have this label file"):
        desk(tmp_path, Path("a/trip.mp4"), Path("b/trip.avi"))


def test_fail__wrong_use_is_one_line(command: Cli, short_clip: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "nap.json").write_text("{")
    cases = [
        (["missing.mp4"], 1, "no such file"),
        ([tmp_path / "empty"], 2, "no clips in this folder"),
        ([short_clip], 1, "nap.json:1: not valid JSON"),
        ([short_clip, short_clip.parent / "x.mp4", "--run", "r"], 2, "--run is the replay of one clip"),
        ([short_clip, "--labels", "new", "--run", tmp_path / "empty"], 1, "holds no run"),
    ]
    for arguments, code, words in cases:
        outcome = command("label", *arguments)
        assert (outcome.code, len(outcome.lines)) == (code, 1), outcome.err
        assert words in outcome.err


def test_fail__without_its_packages_it_names_the_command_that_installs_them(
    command: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    outcome = command("label", "demo")
    assert (outcome.code, len(outcome.lines)) == (2, 1)
    assert "-m pip install starlette uvicorn websockets" in outcome.err


def test_fail__a_broken_clip_is_a_fault_of_the_project_kind(tmp_path: Path) -> None:
    (tmp_path / "trip.mp4").write_text("no video")
    with pytest.raises(DriverMonitorError):
        desk(tmp_path, tmp_path / "trip.mp4").session(0)
